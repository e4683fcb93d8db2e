package caisson

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// filterOf gives a function that leaves in a list what may be called. key is the member that names an item.
func (s *Session) filterOf(list string, kind policy.Kind, key string) filter {
	return func(ctx context.Context, page json.RawMessage, _ time.Time) (json.RawMessage, error) {
		return s.filter(page, list, func(item json.RawMessage) bool {
			name, ok := nameIn(item, key)
			if !ok {
				return false
			}
			call := &policy.Call{Server: s.name, Kind: kind, Name: name, Caller: s.callerOf(ctx)}
			return s.client.gate.Grants(call, nil, nil)
		})
	}
}

// nameIn reads the member that names something, of what the server tells; not where it could be read in two ways.
func nameIn(object json.RawMessage, key string) (name string, ok bool) {
	if _, err := jcs.Lenient(object); err != nil {
		return "", false
	}
	members, err := membersOf(object, []string{key})
	ok = err == nil && textOf(members[key], key, &name) == nil
	return name, ok
}

// A defining list is one whose items have definitions.
type definingList struct {
	kind          pins.Kind
	of            policy.Kind
	method, items string
}

// definingLists are the lists whose items have definitions.
var definingLists = map[pins.Kind]*definingList{
	pins.Tool:     {pins.Tool, policy.Tool, "tools/list", "tools"},
	pins.Prompt:   {pins.Prompt, policy.Prompt, "prompts/list", "prompts"},
	pins.Resource: {pins.Resource, policy.Resource, "resources/list", "resources"},
	pins.Template: {pins.Template, policy.Resource, "resources/templates/list", "resourceTemplates"},
}

// filterDefined leaves in a page what may be called, and keeps its definitions: they are as old as the page.
func (s *Session) filterDefined(ctx context.Context, page json.RawMessage, first bool, fetched time.Time, list *definingList) (json.RawMessage, error) {
	defined := s.defined[list.kind]
	listing := defined.page(first, fetched)
	identity := s.identified()
	return s.filter(page, list.items, func(item json.RawMessage) bool {
		d, err := pins.DefineAs(list.kind, item)
		if err != nil {
			s.core.Logger().Warn("an item of a list is left out: its definition could be read in two ways", "server", s.name, "kind", string(list.kind), "error", err)
			return false
		}
		if !defined.add(d, listing) {
			s.core.Logger().Warn("an item of a list is left out: the server lists two of its name", "server", s.name, "kind", string(list.kind), "name", d.Name)
			return false
		}
		return s.client.gate.Grants(&policy.Call{Server: s.name, Kind: list.of, Name: d.Name, Caller: s.callerOf(ctx)}, d, identity)
	})
}

// filterInstructions leaves out a server's instructions that [Session.Instructions] would not show.
func (s *Session) filterInstructions(_ context.Context, result json.RawMessage, _ time.Time) (json.RawMessage, error) {
	if s.client.gate.Policy().PinMode() == policy.PinsOff {
		return result, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(result, &members); err != nil {
		return nil, &Error{Code: CodeProtocol, Server: s.name, Step: "server/discover", Message: "the result is no object", Err: err}
	}
	for name, given := range members {
		if !strings.EqualFold(name, "instructions") {
			continue
		}
		text := ""
		if name != "instructions" || json.Unmarshal(given, &text) != nil || !s.client.gate.Instructions(s.name, s.identified(), text) {
			delete(members, name)
		}
	}
	return json.Marshal(members) // So a member that was there twice is there once.
}

// filter leaves out items of a list, and nothing else of the page. It refuses a page that has the list in other letters:
// many readers would take that for the list.
func (s *Session) filter(page json.RawMessage, list string, keep func(json.RawMessage) bool) (json.RawMessage, error) {
	wrong := func(message string) (json.RawMessage, error) {
		return nil, &Error{Code: CodeProtocol, Server: s.name, Step: list + "/list", Message: message}
	}
	decoder := json.NewDecoder(bytes.NewReader(page))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return wrong("the result is no object")
	}
	out, seen := bytes.Buffer{}, map[string]bool{}
	out.WriteByte('{')
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		var value json.RawMessage
		if err == nil && ok {
			err = decoder.Decode(&value)
		}
		if err != nil || seen[name] || name != list && strings.EqualFold(name, list) {
			return wrong("the result has a member twice, or in other letters, or is no JSON: what may be shown cannot be told")
		}
		seen[name] = true
		if name == list {
			var items []json.RawMessage
			if err := json.Unmarshal(value, &items); err != nil {
				return wrong("the result's " + list + " are no list")
			}
			items = slices.DeleteFunc(items, func(item json.RawMessage) bool { return !keep(item) })
			value = append(append([]byte{'['}, bytes.Join(rawOf(items), []byte{','})...), ']')
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		key, _ := json.Marshal(name) // A string always marshals.
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func rawOf(items []json.RawMessage) [][]byte {
	all := make([][]byte, len(items))
	for i, item := range items {
		all[i] = item
	}
	return all
}

// A view is what a list depends on beside the server: what one caller sees under a policy, another may not.
type view struct {
	caller  policy.Caller
	policy  *policy.Policy
	changes uint64 // of the lock file
}

// view is the view of a call with this context.
func (s *Session) view(ctx context.Context) view {
	if s.client.gate == nil {
		return view{}
	}
	v := view{caller: s.callerOf(ctx), policy: s.client.gate.Policy()}
	if locked := s.client.options.Pins; locked != nil {
		v.changes = locked.Changes()
	}
	return v
}

// definitions are those of a session's tools, or items of another kind, as the server listed them.
type definitions struct {
	mu      sync.Mutex
	byName  map[string]*defined
	listing int       // counts the listings
	whole   time.Time // when all were listed; zero where that was not done, or is not so any more
}

// newDefinitions makes room for the definitions of each kind that is listed.
func newDefinitions() map[pins.Kind]*definitions {
	all := map[pins.Kind]*definitions{}
	for kind := range definingLists {
		all[kind] = &definitions{}
	}
	return all
}

// forgetDefinitions drops what a server says has changed: the items of a list, or of all lists.
func (s *session) forgetDefinitions(changed string) {
	for kind, list := range definingLists {
		of, _, _ := strings.Cut(list.method, "/")
		if changed == "" || changed == "notifications/"+of+"/list_changed" {
			s.defined[kind].forget()
		}
	}
}

// identified is who the server is, with the issuer of its tokens where there is one.
func (s *session) identified() *pins.Identity {
	issuer := ""
	if s.identity != nil && s.authorization != nil {
		issuer = s.authorization.Issuer()
	}
	if issuer == "" {
		return s.identity
	}
	identity := *s.identity
	identity.Issuer = issuer
	return &identity
}

// defined is one definition.
type defined struct {
	definition *pins.Definition
	when       time.Time
	listing    int
	twice      bool // the listing has two tools of the name
}

// listing is one page of a listing.
type listing struct {
	number int
	when   time.Time
}

// maxDefined bounds what is kept. A server with more tools is asked anew for those beyond.
const maxDefined = 10_000

// page begins a page, and with the first one a listing.
func (d *definitions) page(first bool, now time.Time) listing {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first {
		d.listing++
	}
	return listing{d.listing, now}
}

// add keeps a definition. It returns false for one of two different tools with one name.
func (d *definitions) add(definition *pins.Definition, l listing) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.byName[definition.Name]
	if known != nil && known.listing == l.number && (known.twice || known.definition.Hash != definition.Hash) {
		known.twice = true
		return false
	}
	if d.byName == nil {
		d.byName = map[string]*defined{}
	}
	if known == nil && len(d.byName) >= maxDefined {
		return true
	}
	d.byName[definition.Name] = &defined{definition: definition, when: l.when, listing: l.number}
	return true
}

// get returns a definition that is new enough.
func (d *definitions) get(name string, oldest time.Time) (definition *pins.Definition, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := d.byName[name]
	if found == nil || found.when.Before(oldest) {
		return nil, false
	}
	if found.twice {
		return nil, true
	}
	return found.definition, true
}

// complete notes that a listing has come to its end.
func (d *definitions) complete(l listing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.number == d.listing && len(d.byName) < maxDefined {
		d.whole = l.when
	}
}

// listedSince reports whether all that there is was listed since.
func (d *definitions) listedSince(oldest time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.whole.IsZero() && !d.whole.Before(oldest)
}

// forget drops everything: the list has changed.
func (d *definitions) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byName, d.whole = nil, time.Time{}
	d.listing++
}

// listed are the definitions of one of a session's lists, as the gate sees them.
type listed struct {
	session *Session
	list    *definingList
}

// Identity is who the server is.
func (l listed) Identity() *pins.Identity { return l.session.identified() }

// Definition returns the definition of a name that is not older than maxAge. It lists the items where it has
// none: that is no call of the program's, and not decided about.
func (l listed) Definition(ctx context.Context, name string, maxAge time.Duration) (*pins.Definition, error) {
	s, defined := l.session, l.session.defined[l.list.kind]
	begin := s.client.gate.Now()
	if maxAge > 0 {
		if d, known := defined.get(name, begin.Add(-maxAge)); known {
			return d, nil
		}
		if l.list.kind != pins.Tool && defined.listedSince(begin.Add(-maxAge)) { // It is not in the list.
			return nil, nil
		}
	}
	if can := s.Capabilities(); l.list.kind == pins.Prompt && can.Prompts == nil || l.list.kind == pins.Resource && can.Resources == nil {
		return nil, nil
	}
	own := &Session{session: s.session} // The options of the call are not for the list.
	if err := own.listDefinitions(ctx, l.list); err != nil {
		return nil, err
	}
	d, _ := defined.get(name, begin)
	return d, nil
}

// listDefinitions lists all items of a list, within the bounds of lists.
func (s *Session) listDefinitions(ctx context.Context, list *definingList) error {
	o, cursor, size, count := &s.client.options, "", 0, 0
	first, defined := listing{}, s.defined[list.kind]
	seen := map[string]bool{}
	failed := func(code Code, message string, err error) error {
		return &Error{Code: code, Server: s.name, Step: list.method, Message: "the " + list.items + " are listed for the policy: " + message, Err: err}
	}
	for range o.MaxListPages {
		op := engine.Operation{Method: list.method, Params: "{}"}
		if list.kind == pins.Tool {
			op.Export = listToolsOp.Export
		}
		if cursor != "" {
			text, _ := json.Marshal(map[string]string{"cursor": cursor}) // Texts always marshal.
			op.Params = string(text)
		}
		raw, err := s.fetchAnew(ctx, op, s.wantedPage(&op)) // What is kept may be older than the policy allows.
		if err != nil {
			return err
		}
		var page map[string]json.RawMessage
		var items []json.RawMessage
		next := ""
		if err := json.Unmarshal(raw, &page); err != nil {
			return failed(CodeProtocol, err.Error(), err)
		}
		for member, into := range map[string]any{list.items: &items, "nextCursor": &next} {
			if page[member] == nil {
				continue
			}
			if err := json.Unmarshal(page[member], into); err != nil {
				return failed(CodeProtocol, member+": "+err.Error(), err)
			}
		}
		if first.number == 0 {
			first = defined.page(true, s.client.gate.Now())
		}
		size, count = size+len(raw), count+len(items)
		if int64(size) > o.MaxListBytes || count > o.MaxListItems {
			return failed(CodeLimit, "there is more than ClientOptions.MaxListBytes or MaxListItems", nil)
		}
		for _, item := range items {
			if d, err := pins.DefineAs(list.kind, item); err == nil {
				defined.add(d, first)
			}
		}
		if next == "" {
			defined.complete(first)
			return nil
		}
		if cursor = next; seen[cursor] {
			return failed(CodeProtocol, "a cursor came twice", nil)
		}
		seen[cursor] = true
	}
	return failed(CodeLimit, "there are more pages than ClientOptions.MaxListPages", nil)
}
