package caisson

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Caller lists tools and calls them. A [Session], a [Group], a plugin and the Go SDK's ClientSession are
// Callers, so that a program, or a test of it, can take any of them. Callers are safe for concurrent use.
type Caller interface {
	// ListTools returns one page of tools; its NextCursor leads to the next one. The params may be nil.
	ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error)
	// CallTool calls a tool by its name. The tool's own failure is a result with IsError.
	CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error)
}

var (
	_ Caller = (*Session)(nil)
	_ Caller = (*Group)(nil)
	_ Caller = (*mcp.ClientSession)(nil)
)

// callTool returns the untouched result of a call.
func (s *Session) callTool(ctx context.Context, params *mcp.CallToolParams) (json.RawMessage, error) {
	p, err := toolParams(params)
	if err != nil {
		return nil, s.invalid(&callToolOp, err)
	}
	return s.call(ctx, callToolOp, p)
}

// CallToolAs calls a tool and decodes its structured content into a T. For a [Session] and a [Group] it
// decodes the server's own text: an integer that a float64 cannot hold keeps its digits when T has an
// integer, a [json.Number] or a [json.RawMessage] for it. (For another Caller it decodes the result's
// StructuredContent, in which numbers are float64s.) The tool's own failure is an error here, a
// [*ToolError]; a result without structured content, or with one that does not fit T, is an error with
// [CodeProtocol]. It returns the result in each of these cases.
func CallToolAs[T any](ctx context.Context, c Caller, params *mcp.CallToolParams) (T, *mcp.CallToolResult, error) {
	var value T
	if c == nil {
		return value, nil, &Error{Code: CodeInvalidArgument, Step: "tools/call", Message: "there is no Caller"}
	}
	if params == nil {
		params = &mcp.CallToolParams{}
	}
	result, content, server, err := callTool(ctx, c, params)
	if err != nil {
		return value, nil, err
	}
	if result.IsError {
		return value, result, &ToolError{Server: server, Tool: params.Name, Result: result}
	}
	wrong := func(message string, cause error) error {
		return &Error{Code: CodeProtocol, Server: server, Step: "tools/call", Message: params.Name + ": " + message, Err: cause}
	}
	if result.StructuredContent == nil {
		return value, result, wrong("the result has no structured content: CallTool gives it as it is", nil)
	}
	text, err := content()
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	if err != nil {
		return value, result, wrong(fmt.Sprintf("the structured content does not fit %T: %v", value, err), err)
	}
	return value, result, nil
}

// callTool calls a tool. It returns the result, the text of the result's structured content, and the name
// of the server if it is known.
func callTool(ctx context.Context, c Caller, params *mcp.CallToolParams) (result *mcp.CallToolResult, content func() (json.RawMessage, error), server string, err error) {
	if c, params, err = behindGroups(ctx, c, params); err != nil {
		return nil, nil, "", err
	}
	s, ok := c.(*Session)
	if !ok {
		result, err = c.CallTool(ctx, params)
		return result, func() (json.RawMessage, error) { return json.Marshal(result.StructuredContent) }, "", err
	}
	raw, err := s.callTool(ctx, params)
	if err != nil {
		return nil, nil, "", err
	}
	result, err = decodeAs[mcp.CallToolResult](s, callToolOp, raw)
	return result, func() (json.RawMessage, error) {
		var members map[string]json.RawMessage // A struct would take the member in capitals for it, too.
		err := json.Unmarshal(raw, &members)
		return members["structuredContent"], err
	}, s.name, err
}

// behindGroups returns the member of a group that a call goes to, and the params of the call there. It returns a caller
// that is no group as it is.
func behindGroups(ctx context.Context, c Caller, params *mcp.CallToolParams) (Caller, *mcp.CallToolParams, error) {
	for g, ok := c.(*Group); ok; g, ok = c.(*Group) {
		var err error
		if c, params, err = g.routeTool(ctx, params); err != nil {
			return nil, nil, err
		}
	}
	return c, params, nil
}

// A ToolError is a tool's own failure as an error.
type ToolError struct {
	Server string // its name; empty where the [Caller] does not say
	Tool   string
	Result *mcp.CallToolResult
}

// Error returns the server, the tool, and the text of the result.
func (e *ToolError) Error() string {
	text := "the tool " + strconv.Quote(e.Tool) + " failed"
	if e.Server != "" {
		text = e.Server + ": " + text
	}
	if e.Result == nil {
		return "caisson: " + text
	}
	for _, c := range e.Result.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			text += ": " + t.Text
		}
	}
	return "caisson: " + text
}
