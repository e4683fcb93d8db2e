package scripttools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// A Reach is what scripts can be granted tools of. A [*gateway.View] is one; [Servers] makes one of Callers.
//
// [*gateway.View]: https://pkg.go.dev/github.com/caisson-dev/caisson/host-go/caisson/gateway#View
type Reach interface {
	// Callers are the servers, by the names that manifests have.
	Callers(ctx context.Context) (map[string]caisson.Caller, error)
	// ToolChanges grows when the servers or their tools may have changed.
	ToolChanges() uint64
}

// Servers makes a Reach of Callers that stay the same.
func Servers(callers map[string]caisson.Caller) Reach { return servers(maps.Clone(callers)) }

type servers map[string]caisson.Caller

func (s servers) Callers(context.Context) (map[string]caisson.Caller, error) { return s, nil }
func (s servers) ToolChanges() uint64                                        { return 0 }

// Caller returns the tools, whose scripts the client runs, with what their manifests grant them of reach. A nil reach
// has nothing. The calls of the scripts are a script's, for a policy.
func (f *Folder) Caller(client *caisson.Client, reach Reach) caisson.Caller {
	if reach == nil {
		reach = servers{}
	}
	return &caller{folder: f, client: client, reach: reach, tools: map[string]*caisson.ToolSet{}}
}

// A caller is the tools of a folder for one user.
type caller struct {
	folder *Folder
	client *caisson.Client
	reach  Reach

	mu      sync.Mutex
	tools   map[string]*caisson.ToolSet // by script
	changes uint64                      // that were known when they were made
}

// SourceKind says by which part of a policy the tools are governed.
func (c *caller) SourceKind() policy.SourceKind { return policy.Script }

// ListTools lists all tools, on one page.
func (c *caller) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	list := &mcp.ListToolsResult{Tools: []*mcp.Tool{}}
	for _, name := range slices.Sorted(maps.Keys(c.folder.scripts)) {
		list.Tools = append(list.Tools, c.folder.scripts[name].tool)
	}
	return list, nil
}

// CallTool runs a script.
func (c *caller) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	s := c.folder.scripts[params.Name]
	if s == nil {
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "tools/call", Message: fmt.Sprintf("there is no script %.100q", params.Name)}
	}
	arguments, err := json.Marshal(params.Arguments)
	if err != nil {
		return nil, invalid("the arguments do not marshal to JSON: "+err.Error(), err)
	}
	if bytes.Equal(arguments, []byte("null")) {
		arguments = []byte("{}")
	}
	if err := check(s.input, arguments); err != nil {
		return failed("the arguments do not fit the tool's schema: " + err.Error()), nil
	}
	tools, err := c.toolSet(ctx, s)
	if err != nil {
		return nil, err
	}
	result, err := c.client.RunScript(caisson.WithCaller(ctx, policy.CallerScript), caisson.Script{
		Name: s.file, Source: s.source, Language: s.language, Input: json.RawMessage(arguments),
		Tools: tools, Limits: s.manifest.lowered(c.folder.limits),
	})
	var failure *caisson.ScriptError
	switch {
	case errors.As(err, &failure) && ctx.Err() == nil:
		return failed(err.Error()), nil
	case err != nil:
		return nil, err
	}
	if s.output != nil {
		if err := check(s.output, result.Value); err != nil {
			return failed(s.file + ": its value does not fit the tool's output schema: " + err.Error()), nil
		}
	}
	return resultOf(result.Value), nil
}

func failed(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}, IsError: true}
}

// check checks a value against a schema.
func check(schema *jsonschema.Resolved, text json.RawMessage) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	return schema.Validate(value)
}

// resultOf makes a tool's result of a script's value: a text as it is, and anything else as JSON.
func resultOf(value json.RawMessage) *mcp.CallToolResult {
	text, result := string(value), &mcp.CallToolResult{}
	switch {
	case len(value) > 0 && value[0] == '{':
		result.StructuredContent = value
	case len(value) > 0 && value[0] == '"':
		_ = json.Unmarshal(value, &text) // It is a JSON string.
	}
	result.Content = []mcp.Content{&mcp.TextContent{Text: text}}
	return result
}

// toolSet is what a script may call.
func (c *caller) toolSet(ctx context.Context, s *script) (*caisson.ToolSet, error) {
	if len(s.manifest.Tools) == 0 {
		return nil, nil
	}
	changes := c.reach.ToolChanges()
	c.mu.Lock()
	if c.changes != changes {
		clear(c.tools)
		c.changes = changes
	}
	tools := c.tools[s.file]
	c.mu.Unlock()
	if tools != nil {
		return tools, nil
	}
	all, err := c.reach.Callers(ctx)
	if err != nil {
		return nil, err
	}
	granted := map[string]caisson.Caller{}
	for server := range s.manifest.Tools {
		if all[server] == nil {
			return nil, invalid(fmt.Sprintf("%s: its manifest grants tools of %q, and there is no such server", s.file, server), nil)
		}
		granted[server] = &grant{server, s.manifest, all[server]}
	}
	if tools, err = caisson.NewToolSet(granted); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == changes {
		c.tools[s.file] = tools
	}
	return tools, nil
}

// A grant is what a manifest grants of one server.
type grant struct {
	server   string
	manifest *Manifest
	behind   caisson.Caller
}

func (g *grant) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	page, err := g.behind.ListTools(ctx, params)
	if err != nil || page == nil {
		return page, err
	}
	granted := *page
	granted.Tools = nil
	for _, tool := range page.Tools {
		if tool != nil && g.manifest.grants(g.server, tool.Name) {
			granted.Tools = append(granted.Tools, tool)
		}
	}
	return &granted, nil
}

// CallTool calls a tool. A ToolSet calls only what it has listed; this holds without one, too.
func (g *grant) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	if !g.manifest.grants(g.server, params.Name) {
		return nil, invalid(fmt.Sprintf("the script's manifest does not grant it %.100q of %s", params.Name, g.server), nil)
	}
	return g.behind.CallTool(ctx, params)
}
