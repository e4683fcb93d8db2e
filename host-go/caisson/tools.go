package caisson

import (
	"context"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// ListTools gives one page of the server's tools (specification, server/tools, "Listing Tools").
// The params may be nil; a NextCursor in the result leads to the next page. See [Session.Tools]
// for all of them.
func (s *Session) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return callAs[mcp.ListToolsResult](ctx, s, engine.Operation{Kind: engine.ListTools, Method: "tools/list"}, params)
}

// Tools iterates over the tools of all pages, fetching each page when it is needed. The params
// may be nil, or set the cursor to begin at. The first error ends the iteration, with a nil tool;
// so does a server that answers with a cursor it has given before ([CodeProtocol]).
func (s *Session) Tools(ctx context.Context, params *mcp.ListToolsParams) iter.Seq2[*mcp.Tool, error] {
	return func(yield func(*mcp.Tool, error) bool) {
		page := mcp.ListToolsParams{}
		if params != nil {
			page = *params
		}
		seen := map[string]bool{page.Cursor: true}
		for {
			result, err := s.ListTools(ctx, &page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, tool := range result.Tools {
				if !yield(tool, nil) {
					return
				}
			}
			page.Cursor = result.NextCursor
			if page.Cursor == "" {
				return
			}
			if seen[page.Cursor] {
				yield(nil, &Error{Code: CodeProtocol, Server: s.name, Step: "tools/list", Message: "the server's pages have no end: a cursor came twice"})
				return
			}
			seen[page.Cursor] = true
		}
	}
}

// CallTool calls a tool (specification, server/tools, "Calling Tools"). The tool's own failure is
// a result with IsError, not an error. Arguments is anything that marshals to a JSON object; nil
// sends an empty one.
func (s *Session) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	p := mcp.CallToolParams{}
	if params != nil {
		p = *params
	}
	if p.Arguments == nil {
		p.Arguments = struct{}{}
	}
	return callAs[mcp.CallToolResult](ctx, s, engine.Operation{Kind: engine.CallTool, Method: "tools/call"}, &p)
}
