package caisson

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// ListTools gives one page of the server's tools (specification, server/tools, "Listing Tools").
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
	p, err := toolParams(params)
	if err != nil {
		return nil, s.invalid(&callToolOp, err)
	}
	return callAs[mcp.CallToolResult](ctx, s, callToolOp, p)
}

// toolParams gives the params of a call, with arguments that marshal to an object in any case.
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

// A ToolCaller is what [CallToolAs] calls tools with: a [Session], or a [Group].
type ToolCaller interface {
	// callTool gives the untouched result of a call, and the session that it was made in.
	callTool(ctx context.Context, params *mcp.CallToolParams) (json.RawMessage, *Session, error)
}

var callToolOp = engine.Operation{Export: "call-tool", Method: "tools/call"}

func (s *Session) callTool(ctx context.Context, params *mcp.CallToolParams) (json.RawMessage, *Session, error) {
	p, err := toolParams(params)
	if err != nil {
		return nil, s, s.invalid(&callToolOp, err)
	}
	raw, err := s.call(ctx, callToolOp, p)
	return raw, s, err
}

// CallToolAs calls a tool and decodes its structured content into a T, from the server's own text: so
// an integer that a float64 cannot hold comes through where T has an integer, a [json.Number] or a
// [json.RawMessage] for it. (In the result's StructuredContent numbers are float64s, as the Go SDK
// has it.) The tool's own failure is an error here, a [*ToolError]; a result without structured
// content, or with one that does not fit T, is an error with [CodeProtocol]. The result is given in
// each of these cases.
func CallToolAs[T any](ctx context.Context, c ToolCaller, params *mcp.CallToolParams) (T, *mcp.CallToolResult, error) {
	var value T
	if params == nil {
		params = &mcp.CallToolParams{}
	}
	raw, s, err := c.callTool(ctx, params)
	if err != nil {
		return value, nil, err
	}
	result, err := decodeAs[mcp.CallToolResult](s, callToolOp, raw)
	if err != nil {
		return value, nil, err
	}
	if result.IsError {
		return value, result, &ToolError{Server: s.name, Tool: params.Name, Result: result}
	}
	wrong := func(message string, cause error) error {
		return &Error{Code: CodeProtocol, Server: s.name, Step: "tools/call", Message: params.Name + ": " + message, Err: cause}
	}
	if result.StructuredContent == nil {
		return value, result, wrong("the result has no structured content: CallTool gives it as it is", nil)
	}
	var members map[string]json.RawMessage // A struct would take the member in capitals for it, too.
	if err = json.Unmarshal(raw, &members); err == nil {
		err = json.Unmarshal(members["structuredContent"], &value)
	}
	if err != nil {
		return value, result, wrong(fmt.Sprintf("the structured content does not fit %T: %v", value, err), err)
	}
	return value, result, nil
}

// A ToolError is a tool's own failure, where a function gives no result to say it with.
type ToolError struct {
	Server string
	Tool   string
	Result *mcp.CallToolResult
}

// Error gives the server, the tool, and the text of the result.
func (e *ToolError) Error() string {
	text := e.Server + ": " + e.Tool + " failed"
	for _, c := range e.Result.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			text += ": " + t.Text
		}
	}
	return "caisson: " + text
}
