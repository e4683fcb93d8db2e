package caisson

import (
	"context"
	"fmt"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// ListTools returns one page of the server's tools (specification, server/tools, "Listing Tools"). The params
// may be nil. A NextCursor in the result leads to the next page. [Session.Tools] returns all tools.
func (s *Session) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return callAs[mcp.ListToolsResult](ctx, s, listToolsOp, params)
}

// Tools iterates over the tools of all pages. It gets each page when it is needed. The params may be nil, or
// set the cursor to begin at. The first error ends the iteration, with a nil tool. [Session.Pages] says what
// else ends it.
func (s *Session) Tools(ctx context.Context, params *mcp.ListToolsParams) iter.Seq2[*mcp.Tool, error] {
	return items(ctx, s, listToolsOp, params, func(page *mcp.ListToolsResult) []*mcp.Tool { return page.Tools })
}

// CallTool calls a tool (specification, server/tools, "Calling Tools"). When the tool itself fails, CallTool
// returns a result with IsError, not an error. Arguments is anything that marshals to a JSON object. nil, and
// anything that marshals to null, is sent as an empty object. Anything else fails with [CodeInvalidArgument]
// and is not sent.
//
// When the tool was listed before, with an outputSchema, and the result does not match the schema, CallTool
// fails with [CodeOutputSchema] (specification, server/tools, "Output Schema").
//
// A server may make a task of the call, and some tools of revision 2025-11-25 must be called as a task. Then
// CallTool follows the task to its end, and reports the task's states to [CallOptions.OnProgress]. When the
// call ends before the task, the task is cancelled. [Session.StartTask] returns the task itself.
func (s *Session) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	raw, err := s.callTool(ctx, params)
	if err != nil {
		return nil, err
	}
	return decodeAs[mcp.CallToolResult](s, callToolOp, raw)
}

// toolParams returns the params of a call. Their arguments always marshal to an object.
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

var listToolsOp = engine.Operation{Export: "list-tools", Method: "tools/list"}

var callToolOp = engine.Operation{Export: "call-tool", Method: "tools/call"}
