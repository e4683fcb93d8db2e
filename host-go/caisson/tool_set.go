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

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// A ToolSet is what scripts may call: the tools of each [Caller], under the name of its server. The tools are listed
// when they are first needed, and kept: [ToolSet.Refresh] lists them anew. It is safe for concurrent use. A nil
// ToolSet has no tools.
type ToolSet struct {
	servers map[string]Caller
	only    map[string]bool // "SERVER.TOOL" of what may be called; nil for all

	listing chan struct{} // holds one while the tools are listed

	mu     sync.Mutex
	listed *listedTools
}

// listedTools are the tools of a set.
type listedTools struct {
	json  string                     // as the contract has them
	tools map[string]map[string]bool // by server
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
// fails the listing, with [CodeInvalidArgument].
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

// list lists the tools. The caller holds t.listing.
func (t *ToolSet) list(ctx context.Context) error {
	type entry struct {
		Server string    `json:"server"`
		Tool   *mcp.Tool `json:"tool"`
	}
	all := []entry{}
	listed := &listedTools{tools: map[string]map[string]bool{}}
	missing := maps.Clone(t.only)
	for _, server := range slices.Sorted(maps.Keys(t.servers)) {
		names := map[string]bool{}
		listed.tools[server] = names
		for tool, err := range toolsOf(ctx, guardedForScript(ctx, server, t.servers[server])) {
			if err == nil && len(all) >= maxToolSetTools {
				err = &Error{Code: CodeLimit, Step: "tools/list", Message: fmt.Sprintf("the servers have more than %d tools", maxToolSetTools)}
			}
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return fmt.Errorf("listing the tools of %s: %w", server, err)
			}
			full := server + "." + tool.Name
			delete(missing, full)
			if names[tool.Name] || t.only != nil && !t.only[full] {
				continue // The first one is called.
			}
			names[tool.Name] = true
			all = append(all, entry{server, tool})
		}
	}
	for _, tool := range slices.Sorted(maps.Keys(missing)) {
		return errScript("tools/list", fmt.Sprintf("there is no tool %q to allow: name each as SERVER.TOOL", tool))
	}
	text, err := json.Marshal(all)
	if err != nil {
		return &Error{Code: CodeProtocol, Step: "tools/list", Message: err.Error(), Err: err}
	}
	if len(text) > maxToolSetBytes {
		return &Error{Code: CodeLimit, Step: "tools/list", Message: fmt.Sprintf("the tools have %d bytes, and may have %d", len(text), maxToolSetBytes)}
	}
	listed.json = string(text)
	t.mu.Lock()
	t.listed = listed
	t.mu.Unlock()
	return nil
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

// current returns the tools, and lists them when that was not done yet.
func (t *ToolSet) current(ctx context.Context) (*listedTools, error) {
	if t == nil || len(t.servers) == 0 {
		return &listedTools{json: "[]"}, nil
	}
	listed := t.kept()
	if listed != nil {
		return listed, nil
	}
	select {
	case t.listing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.listing }()
	if listed = t.kept(); listed != nil {
		return listed, nil
	}
	if err := t.list(ctx); err != nil {
		return nil, err
	}
	return t.kept(), nil
}

func (t *ToolSet) kept() *listedTools {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.listed
}

// listingJSON returns the tools as the contract has them.
func (t *ToolSet) listingJSON(ctx context.Context) (string, error) {
	listed, err := t.current(ctx)
	if err != nil {
		return "", err
	}
	return listed.json, nil
}

// call calls a tool for a script. Only what is listed may be called.
func (t *ToolSet) call(ctx context.Context, server, tool string, arguments json.RawMessage) (json.RawMessage, *script.ToolFailure) {
	if t == nil || t.servers[server] == nil {
		return nil, notGranted("there is no server %q%s", server, t.names())
	}
	listed, err := t.current(ctx)
	if err != nil {
		return nil, toolFailure(err)
	}
	if !listed.tools[server][tool] {
		return nil, notGranted("the server %q has no tool %q%s", server, tool, some(slices.Sorted(maps.Keys(listed.tools[server]))))
	}
	c, params, err := behindGroups(ctx, guardedForScript(ctx, server, t.servers[server]), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return nil, toolFailure(err)
	}
	if s, ok := c.(*Session); ok {
		raw, err := s.callTool(ctx, params)
		return raw, toolFailure(err)
	}
	ctx, observed := runsTool(ctx, server, tool)
	result, err := c.CallTool(ctx, params)
	var raw json.RawMessage
	if err == nil {
		raw, err = json.Marshal(result)
	}
	observed(raw, err)
	return raw, toolFailure(err)
}

func (t *ToolSet) names() string {
	if t == nil {
		return ""
	}
	return some(slices.Sorted(maps.Keys(t.servers)))
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
