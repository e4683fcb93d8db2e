package gateway

import (
	"context"
	"maps"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Callers returns what the client sees as a [caisson.Caller] for each server and source, with tools under the names
// that they have there; for a [caisson.ToolSet]. A server that cannot be reached has no tools: when it is back,
// [View.ToolChanges] has grown. It fails when a source cannot be made.
func (v *View) Callers(ctx context.Context) (map[string]caisson.Caller, error) {
	all := map[string]caisson.Caller{}
	for _, server := range v.Servers() {
		all[server] = &serverView{View{client: v.client, only: server}}
	}
	s, err := v.ofSources(ctx)
	if err != nil {
		return nil, err
	}
	if s != nil {
		maps.Copy(all, s.callers)
	}
	return all, nil
}

// ToolChanges counts how often the servers' tools may have changed since the client came.
func (v *View) ToolChanges() uint64 { return v.client.changes.Load() }

// A serverView is one server of a View.
type serverView struct{ view View }

// ListTools lists a page of the server's tools.
func (s *serverView) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	if _, err := s.view.client.upstream(s.view.only).get(ctx); err != nil && ctx.Err() == nil {
		return &mcp.ListToolsResult{Tools: []*mcp.Tool{}}, nil // Its failure is its own, and logged.
	}
	whole, err := members(marshal(params))
	if err != nil {
		return nil, invalid("the params of tools/list are no object")
	}
	text, err := s.view.list(ctx, s.view.exchange(ctx), toolList, whole)
	if err != nil {
		return nil, err
	}
	return decode[mcp.ListToolsResult](text)
}

// CallTool calls a tool by the server's own name for it.
func (s *serverView) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	return s.view.CallTool(ctx, params)
}
