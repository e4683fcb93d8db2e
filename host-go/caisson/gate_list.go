package caisson

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/jcs"
)

// filterOf gives a function that leaves in a list what may be called. key is the member that names an item.
func (s *Session) filterOf(list string, kind policy.Kind, key string) func(context.Context, json.RawMessage) (json.RawMessage, error) {
	return func(ctx context.Context, page json.RawMessage) (json.RawMessage, error) {
		return s.filter(page, list, func(item json.RawMessage) bool {
			if _, err := jcs.Lenient(item); err != nil {
				return false
			}
			var members map[string]json.RawMessage
			name := ""
			if json.Unmarshal(item, &members) != nil || textOf(members[key], key, &name) != nil {
				return false
			}
			call := &policy.Call{Server: s.name, Kind: kind, Name: name, Caller: s.callerOf(ctx)}
			return s.client.gate.Grants(call, nil, nil)
		})
	}
}

// filterTools leaves in a page of tools those that may be called, and keeps their definitions.
func (s *Session) filterTools(ctx context.Context, page json.RawMessage, first bool) (json.RawMessage, error) {
	listing := s.defined.page(first, s.client.gate.Now())
	return s.filter(page, "tools", func(item json.RawMessage) bool {
		d, err := pins.Define(item)
		if err != nil {
			s.core.Logger().Warn("a tool is left out: its definition could be read in two ways", "server", s.name, "error", err)
			return false
		}
		if !s.defined.add(d, listing) {
			s.core.Logger().Warn("a tool is left out: the server lists two of its name", "server", s.name, "tool", d.Name)
			return false
		}
		return s.client.gate.Grants(&policy.Call{Server: s.name, Kind: policy.Tool, Name: d.Name, Caller: s.callerOf(ctx)}, d, s.identity)
	})
}

// filter leaves out items of a list, and nothing else of the page.
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
		if err != nil || seen[name] {
			return wrong("the result has a member twice, or is no JSON: what may be shown cannot be told")
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

// definitions are those of a session's tools, as the server listed them.
type definitions struct {
	mu      sync.Mutex
	byName  map[string]*defined
	listing int // counts the listings
}

// defined is one tool's definition.
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

// forget drops everything: the tools have changed.
func (d *definitions) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byName = nil
	d.listing++
}

// listed are the definitions of a session's tools, as the gate sees them.
type listed struct{ session *Session }

// Identity is who the server is.
func (l listed) Identity() *pins.Identity { return l.session.identity }

// Definition returns the definition of a tool that is not older than maxAge. It lists the tools where it has
// none: that is no call of the program's, and not decided about.
func (l listed) Definition(ctx context.Context, name string, maxAge time.Duration) (*pins.Definition, error) {
	s := l.session
	begin := s.client.gate.Now()
	if maxAge > 0 {
		if d, known := s.defined.get(name, begin.Add(-maxAge)); known {
			return d, nil
		}
	}
	own := &Session{session: s.session} // The options of the call are not for the list.
	if err := own.listDefinitions(ctx); err != nil {
		return nil, err
	}
	d, _ := s.defined.get(name, begin)
	return d, nil
}

// listDefinitions lists all tools, within the bounds of lists.
func (s *Session) listDefinitions(ctx context.Context) error {
	o, cursor, size, count := &s.client.options, "", 0, 0
	first := listing{}
	seen := map[string]bool{}
	for range o.MaxListPages {
		op := listToolsOp
		if cursor != "" {
			text, _ := json.Marshal(map[string]string{"cursor": cursor}) // Texts always marshal.
			op.Params = string(text)
		} else {
			op.Params = "{}"
		}
		raw, err := s.reach(ctx, op)
		if err != nil {
			return err
		}
		var page struct {
			Tools      []json.RawMessage `json:"tools"`
			NextCursor string            `json:"nextCursor"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return &Error{Code: CodeProtocol, Server: s.name, Step: op.Method, Message: "the list of tools cannot be read: " + err.Error(), Err: err}
		}
		if first.number == 0 {
			first = s.defined.page(true, s.client.gate.Now())
		}
		size, count = size+len(raw), count+len(page.Tools)
		if int64(size) > o.MaxListBytes || count > o.MaxListItems {
			return &Error{Code: CodeLimit, Server: s.name, Step: op.Method, Message: "the list of tools is longer than ClientOptions.MaxListBytes or MaxListItems"}
		}
		for _, tool := range page.Tools {
			if d, err := pins.Define(tool); err == nil {
				s.defined.add(d, first)
			}
		}
		if page.NextCursor == "" {
			return nil
		}
		if cursor = page.NextCursor; seen[cursor] {
			return &Error{Code: CodeProtocol, Server: s.name, Step: op.Method, Message: "the list of tools has a cursor twice"}
		}
		seen[cursor] = true
	}
	return &Error{Code: CodeLimit, Server: s.name, Step: "tools/list", Message: "the list of tools has more pages than ClientOptions.MaxListPages"}
}
