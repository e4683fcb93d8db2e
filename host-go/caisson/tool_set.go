package caisson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// A ToolSet is what scripts may call: the tools of each [Caller], under the name of its server. The tools are listed
// when they are first needed, and kept. A ToolSet follows the changes that sessions and groups tell of: when a script
// begins, or an instance of a module, and a server has said that its tools have changed, that server is asked anew. A
// script keeps the set that it has begun with. [ToolSet.Refresh] asks all of them, also those that tell of no changes.
//
// A server that tells of changes again and again is asked at most once in a time that doubles, up to a minute; one that
// does not answer within 5 s, or fails, keeps the tools that it had, and is asked again later.
//
// It is safe for concurrent use. A nil ToolSet has no tools.
type ToolSet struct {
	servers map[string]Caller
	only    map[string]bool // "SERVER.TOOL" of what may be called; nil for all

	listing chan struct{} // holds one while the tools are listed

	mu     sync.Mutex
	listed *listedTools
}

// listedTools are the tools of a set. They do not change.
type listedTools struct {
	json    string // as the contract has them
	servers map[string]*serverTools
}

// serverTools are the tools of one server.
type serverTools struct {
	tools   []*mcp.Tool     // those that may be called
	names   map[string]bool // of these
	changes uint64          // that the server had told of before they were listed

	// When the server tells of a change, it is not asked before this time.
	notBefore time.Time
	pause     time.Duration // until that
}

func (l *listedTools) has(server, tool string) bool {
	s := l.servers[server]
	return s != nil && s.names[tool]
}

// NewToolSet makes a ToolSet of Callers by the names of their servers: sessions, groups, [Functions], and
// everything else that is one. It fails with [CodeInvalidArgument] for an empty name and a nil Caller.
func NewToolSet(servers map[string]Caller) (*ToolSet, error) {
	for name, c := range servers {
		if name == "" {
			return nil, errScript("tools", "the name of a server is empty")
		}
		if c == nil {
			return nil, errScript("tools", "the Caller of "+name+" is nil")
		}
	}
	return &ToolSet{servers: maps.Clone(servers), listing: make(chan struct{}, 1)}, nil
}

// Only returns a set of the same servers with only these tools, each named "SERVER.TOOL". One that no server has
// fails the first listing, and Refresh, with [CodeInvalidArgument].
func (t *ToolSet) Only(tools ...string) *ToolSet {
	only := &ToolSet{listing: make(chan struct{}, 1), only: map[string]bool{}}
	if t != nil {
		only.servers = t.servers
	}
	for _, tool := range tools {
		if t == nil || t.only == nil || t.only[tool] {
			only.only[tool] = true
		}
	}
	return only
}

// What a ToolSet lists of one server; a session's own limits may be lower.
const (
	maxToolSetPages = defaultMaxListPages
	maxToolSetTools = defaultMaxListItems
	maxToolSetBytes = 16 << 20
)

// How a ToolSet follows a server that tells of changes.
const (
	followWithin  = 5 * time.Second // for the server's answer
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Minute
)

// Refresh lists the tools anew, for the scripts that begin after it.
func (t *ToolSet) Refresh(ctx context.Context) error {
	if t == nil || len(t.servers) == 0 {
		return nil
	}
	select {
	case t.listing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.listing }()
	return t.list(ctx)
}

// list lists the tools of all servers. The caller holds t.listing.
func (t *ToolSet) list(ctx context.Context) error {
	servers := map[string]*serverTools{}
	for _, name := range slices.Sorted(maps.Keys(t.servers)) {
		var err error
		if servers[name], err = t.listServer(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.only)) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(servers)), func(server string) bool {
			tool, ok := strings.CutPrefix(name, server+".")
			return ok && servers[server].names[tool]
		}) {
			return errScript("tools/list", fmt.Sprintf("there is no tool %q to allow: name each as SERVER.TOOL", name))
		}
	}
	return t.keep(servers)
}

// keep makes these the tools of the set.
func (t *ToolSet) keep(servers map[string]*serverTools) error {
	type entry struct {
		Server string    `json:"server"`
		Tool   *mcp.Tool `json:"tool"`
	}
	all := []entry{}
	for _, server := range slices.Sorted(maps.Keys(servers)) {
		for _, tool := range servers[server].tools {
			all = append(all, entry{server, tool})
		}
	}
	if len(all) > maxToolSetTools {
		return &Error{Code: CodeLimit, Step: "tools/list", Message: fmt.Sprintf("the servers have more than %d tools", maxToolSetTools)}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return &Error{Code: CodeProtocol, Step: "tools/list", Message: err.Error(), Err: err}
	}
	if len(text) > maxToolSetBytes {
		return &Error{Code: CodeLimit, Step: "tools/list", Message: fmt.Sprintf("the tools have %d bytes, and may have %d", len(text), maxToolSetBytes)}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed = &listedTools{strings.ToValidUTF8(string(text), "\uFFFD"), servers} // A schema may be text of the Caller's.
	return nil
}

// listServer lists the tools of one server.
func (t *ToolSet) listServer(ctx context.Context, name string) (*serverTools, error) {
	caller := t.servers[name]
	listed := &serverTools{names: map[string]bool{}, pause: shortestPause}
	listed.changes = followed(ctx, caller)
	for tool, err := range toolsOf(ctx, guardedForScript(ctx, name, caller)) {
		if err == nil && len(listed.tools) >= maxToolSetTools {
			err = &Error{Code: CodeLimit, Step: "tools/list", Message: fmt.Sprintf("the server has more than %d tools", maxToolSetTools)}
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("listing the tools of %s: %w", name, err)
		}
		if listed.names[tool.Name] || t.only != nil && !t.only[name+"."+tool.Name] {
			continue // The first one is called.
		}
		listed.names[tool.Name] = true
		listed.tools = append(listed.tools, tool)
	}
	listed.notBefore = time.Now().Add(listed.pause)
	return listed, nil
}

// toolsOf iterates over the tools of a Caller.
func toolsOf(ctx context.Context, c Caller) func(yield func(*mcp.Tool, error) bool) {
	return func(yield func(*mcp.Tool, error) bool) {
		params := &mcp.ListToolsParams{}
		for range maxToolSetPages {
			page, err := c.ListTools(ctx, params)
			if err == nil && page == nil {
				err = &Error{Code: CodeProtocol, Step: "tools/list", Message: "the caller has given no page"}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, tool := range page.Tools {
				if tool != nil && !yield(tool, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			if page.NextCursor == params.Cursor {
				yield(nil, &Error{Code: CodeProtocol, Step: "tools/list", Message: "the pages have no end: a cursor came twice"})
				return
			}
			params = &mcp.ListToolsParams{Cursor: page.NextCursor}
		}
		yield(nil, &Error{Code: CodeLimit, Step: "tools/list", Message: fmt.Sprintf("the list has more than %d pages", maxToolSetPages)})
	}
}

// current returns the tools. It lists them when that was not done yet, and those of servers that have told of a change.
func (t *ToolSet) current(ctx context.Context) (*listedTools, error) {
	if t == nil || len(t.servers) == 0 {
		return &listedTools{json: "[]"}, nil
	}
	listed := t.kept()
	if listed != nil && len(t.changed(listed)) == 0 {
		return listed, nil
	}
	select {
	case t.listing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.listing }()
	if listed = t.kept(); listed == nil {
		if err := t.list(ctx); err != nil {
			return nil, err
		}
		return t.kept(), nil
	}
	return t.follow(ctx, listed, t.changed(listed))
}

func (t *ToolSet) kept() *listedTools {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.listed
}

// changed returns the servers that are to be asked anew.
func (t *ToolSet) changed(listed *listedTools) []string {
	var names []string
	for name, s := range listed.servers {
		if changesOf(t.servers[name]) != s.changes && !time.Now().Before(s.notBefore) {
			names = append(names, name)
		}
	}
	return names
}

// follow asks servers anew. One that does not answer keeps what it had. The caller holds t.listing.
func (t *ToolSet) follow(ctx context.Context, listed *listedTools, changed []string) (*listedTools, error) {
	if len(changed) == 0 {
		return listed, nil
	}
	servers := maps.Clone(listed.servers)
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, name := range changed {
		all.Go(func() {
			bounded, cancel := context.WithTimeout(ctx, followWithin)
			defer cancel()
			s, err := t.listServer(bounded, name)
			mu.Lock()
			defer mu.Unlock()
			servers[name] = servers[name].again(s, err)
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := t.keep(servers); err != nil {
		// All of them together are too much: what was there stays, and is not asked for at once.
		late := maps.Clone(listed.servers)
		for _, name := range changed {
			late[name] = late[name].again(nil, err)
		}
		if err := t.keep(late); err != nil {
			return nil, err
		}
	}
	return t.kept(), nil
}

// again is what is kept of a server that was asked anew, or has failed then. The pause until it is asked again grows
// while the server fails, tells of more than one change meanwhile, or tells of the next one as soon as it may.
func (s *serverTools) again(listed *serverTools, err error) *serverTools {
	now := time.Now()
	pause := shortestPause
	if err != nil || listed.changes-s.changes > 1 || now.Sub(s.notBefore) < s.pause {
		pause = min(2*s.pause, longestPause)
	}
	if err != nil {
		kept := *s
		listed = &kept // It is asked again: its changes are the old ones.
	}
	listed.pause, listed.notBefore = pause, now.Add(pause)
	return listed
}

// followed has a Caller tell of changes of its tools, where it can, and returns how many it has told of.
func followed(ctx context.Context, c Caller) uint64 {
	behind := c
	if g, ok := c.(*guarded); ok {
		behind = g.behind
	}
	if s, ok := behind.(*Session); ok && s.session != nil {
		s.followTools(ctx)
	}
	return changesOf(behind)
}

// changesOf counts the changes of its tools that a Caller has told of.
func changesOf(c Caller) uint64 {
	switch c := c.(type) {
	case *Session:
		if c.session != nil {
			return c.toolChanges.Load()
		}
	case *Group:
		return c.toolChanges.Load()
	case *guarded:
		return changesOf(c.behind)
	}
	return 0
}

// call calls a tool for a script. Only what is listed may be called.
func (t *ToolSet) call(ctx context.Context, listed *listedTools, server, tool string, arguments json.RawMessage) (json.RawMessage, *script.ToolFailure) {
	if t == nil || len(t.servers) == 0 {
		return nil, notGranted("there is no server %q: the script is granted no tools", server)
	}
	if t.servers[server] == nil {
		return nil, notGranted("there is no server %q%s", server, some(slices.Sorted(maps.Keys(t.servers))))
	}
	if !listed.has(server, tool) {
		return nil, notGranted("the server %q has no tool %q%s", server, tool, some(slices.Sorted(maps.Keys(listed.servers[server].names))))
	}
	c, params, err := behindGroups(ctx, guardedForScript(ctx, server, t.servers[server]), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return nil, toolFailure(err)
	}
	if s, ok := c.(*Session); ok {
		raw, err := s.callTool(ctx, params)
		return raw, toolFailure(err)
	}
	if _, ok := c.(*guarded); !ok {
		ctx = script.Out(ctx)
	}
	ctx, observed := runsTool(ctx, server, tool)
	result, err := c.CallTool(ctx, params)
	if err == nil && result == nil {
		err = &Error{Code: CodeProtocol, Step: "tools/call", Message: fmt.Sprintf("the caller of %s has given no result of %s, and no error", server, tool)}
	}
	var raw json.RawMessage
	if err == nil {
		if raw, err = json.Marshal(result); err != nil {
			err = &Error{Code: CodeProtocol, Step: "tools/call", Message: fmt.Sprintf("the result of %s of %s does not marshal to JSON: %v", tool, server, err), Err: err}
		}
	}
	observed(raw, err)
	return raw, toolFailure(err)
}

// some names a few of what there is.
func some(names []string) string {
	const most = 20
	if len(names) == 0 {
		return ""
	}
	text := "; it has "
	if len(names) > most {
		return text + strings.Join(names[:most], ", ") + ", …"
	}
	return text + strings.Join(names, ", ")
}

func notGranted(format string, args ...any) *script.ToolFailure {
	return &script.ToolFailure{Code: "not found", Message: fmt.Sprintf(format, args...)}
}

// toolFailure makes a failure of an error; nil of nil.
func toolFailure(err error) *script.ToolFailure {
	if err == nil {
		return nil
	}
	var e *Error
	message := err.Error()
	if errors.As(err, &e) {
		message = strings.TrimPrefix(message, "caisson: ")
	}
	return &script.ToolFailure{Code: CodeOf(err).String(), Message: message}
}
