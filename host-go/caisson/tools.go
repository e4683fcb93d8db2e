package caisson

import (
	"context"
	"fmt"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// ListTools returns one page of the server's tools (specification, server/tools, "Listing Tools").
// The params may be nil; a NextCursor in the result leads to the next page. See [Session.Tools]
// for all of them.
func (s *Session) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return callAs[mcp.ListToolsResult](ctx, s, engine.Operation{Export: "list-tools", Method: "tools/list"}, params)
}

// Tools iterates over the tools of all pages, fetching each page when it is needed. The params
// may be nil, or set the cursor to begin at. The first error ends the iteration, with a nil tool;
// see [Session.Pages] for what else does.
func (s *Session) Tools(ctx context.Context, params *mcp.ListToolsParams) iter.Seq2[*mcp.Tool, error] {
	op := engine.Operation{Export: "list-tools", Method: "tools/list"}
	return items(ctx, s, op, params, func(page *mcp.ListToolsResult) []*mcp.Tool { return page.Tools })
}

// CallTool calls a tool (specification, server/tools, "Calling Tools"). The tool's own failure is
// a result with IsError, not an error. Arguments is anything that marshals to a JSON object; nil
// sends an empty one, and so does what marshals to null. What marshals to something else fails with
// [CodeInvalidArgument], and is not sent.
//
// When the tool was listed before, with an outputSchema, a result that does not match it is an
// error with [CodeOutputSchema] (specification, server/tools, "Output Schema").
//
// A server may make a task of the call, and a tool of revision 2025-11-25 may have to be called as
// one: then CallTool follows the task to its end, and tells [CallOptions.OnProgress] of its states.
// A task that outlasts the call is cancelled. [Session.StartTask] gives the task itself.
func (s *Session) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	raw, _, err := s.callTool(ctx, params)
	if err != nil {
		return nil, err
	}
	return decodeAs[mcp.CallToolResult](s, callToolOp, raw)
}

// toolParams returns the params of a call, with arguments that marshal to an object in any case.
func toolParams(params *mcp.CallToolParams) (*mcp.CallToolParams, error) {
	p := mcp.CallToolParams{}
	if params != nil {
		p = *params
	}
	arguments, err := objectOf(p.Arguments)
	if err != nil {
		return nil, fmt.Errorf("the arguments of the tool %q do not marshal to a JSON object: %w", p.Name, err)
	}
	p.Arguments = arguments
	return &p, nil
}

var callToolOp = engine.Operation{Export: "call-tool", Method: "tools/call"}
