package caisson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Functions are functions of the program as tools: a [Caller]. With it a script calls into the program, as the
// program calls into the script. The zero value has none; [AddFunction] adds one. It is safe for concurrent use.
type Functions struct {
	mu    sync.RWMutex
	tools map[string]*functionTool
}

var _ Caller = (*Functions)(nil)

// A functionTool is one function.
type functionTool struct {
	tool *mcp.Tool
	call func(ctx context.Context, arguments json.RawMessage) (*mcp.CallToolResult, error)
}

// AddFunction adds a function as a tool. The schemas of its arguments and its result are made from the types: In
// is a struct or a map, Out anything that marshals to JSON. The tag `jsonschema` of a field is its description.
// The arguments are checked against the schema before f gets them. An error of f's is the tool's own failure,
// whose text the caller sees, unless it is the end of the context.
//
// It fails with [CodeInvalidArgument] for an empty name, one that is there already, and types that have no
// schema.
func AddFunction[In, Out any](fs *Functions, name, description string, f func(ctx context.Context, in In) (Out, error)) error {
	if f == nil {
		return errScript("tools", fmt.Sprintf("the function of the tool %q is nil", name))
	}
	input, check, err := schemaOf[In]()
	if err == nil && input.Type != "object" {
		err = fmt.Errorf("the arguments of a tool are an object, and %v is none", reflect.TypeFor[In]())
	}
	if err != nil {
		return errScript("tools", fmt.Sprintf("the tool %q: %v", name, err))
	}
	tool := &mcp.Tool{Name: name, Description: description, InputSchema: input}
	if output, _, err := schemaOf[Out](); err != nil {
		return errScript("tools", fmt.Sprintf("the tool %q: %v", name, err))
	} else if output.Type != "" || len(output.Types) > 0 {
		tool.OutputSchema = output
	}
	return fs.add(tool, func(ctx context.Context, arguments json.RawMessage) (*mcp.CallToolResult, error) {
		var in In
		if err := decodeArguments(arguments, check, &in); err != nil {
			return failedTool(fmt.Errorf("the arguments do not fit: %w", err)), nil
		}
		out, err := f(ctx, in)
		if err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil, ctx.Err()
			}
			return failedTool(err), nil
		}
		text, err := json.Marshal(out)
		if err != nil {
			return nil, &Error{Code: CodeProtocol, Step: "tools/call", Message: fmt.Sprintf("the result of the function %q does not marshal to JSON: %v", name, err), Err: err}
		}
		return &mcp.CallToolResult{
			Content:           []mcp.Content{&mcp.TextContent{Text: string(text)}},
			StructuredContent: json.RawMessage(text),
		}, nil
	})
}

func schemaOf[T any]() (*jsonschema.Schema, *jsonschema.Resolved, error) {
	schema, err := jsonschema.For[T](nil)
	if err != nil {
		return nil, nil, err
	}
	resolved, err := schema.Resolve(nil)
	return schema, resolved, err
}

func decodeArguments(arguments json.RawMessage, check *jsonschema.Resolved, in any) error {
	if len(arguments) == 0 {
		arguments = json.RawMessage("{}")
	}
	var value any
	if err := json.Unmarshal(arguments, &value); err != nil {
		return err
	}
	if err := check.Validate(value); err != nil {
		return err
	}
	return json.Unmarshal(arguments, in)
}

func failedTool(err error) *mcp.CallToolResult {
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: err.Error()}}}
}

func (fs *Functions) add(tool *mcp.Tool, call func(context.Context, json.RawMessage) (*mcp.CallToolResult, error)) error {
	if tool.Name == "" {
		return errScript("tools", "the name of a tool is empty")
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.tools[tool.Name] != nil {
		return errScript("tools", fmt.Sprintf("there is a tool %q already", tool.Name))
	}
	if fs.tools == nil {
		fs.tools = map[string]*functionTool{}
	}
	fs.tools[tool.Name] = &functionTool{tool, call}
	return nil
}

// ListTools returns all functions, in the order of their names.
func (fs *Functions) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	result := &mcp.ListToolsResult{Tools: []*mcp.Tool{}}
	for _, name := range slices.Sorted(maps.Keys(fs.tools)) {
		result.Tools = append(result.Tools, fs.tools[name].tool)
	}
	return result, nil
}

// CallTool calls a function. One that panics fails with [CodeInternal].
func (fs *Functions) CallTool(ctx context.Context, params *mcp.CallToolParams) (result *mcp.CallToolResult, err error) {
	if params == nil {
		params = &mcp.CallToolParams{}
	}
	fs.mu.RLock()
	t := fs.tools[params.Name]
	fs.mu.RUnlock()
	if t == nil {
		return nil, &Error{Code: CodeInvalidArgument, Step: "tools/call", Message: fmt.Sprintf("there is no function %q", params.Name)}
	}
	arguments, err := marshalObject(params.Arguments)
	if err != nil {
		return nil, &Error{Code: CodeInvalidArgument, Step: "tools/call", Message: err.Error(), Err: err}
	}
	defer func() {
		if cause := recover(); cause != nil {
			result, err = nil, &Error{Code: CodeInternal, Step: "tools/call", Message: fmt.Sprintf("the function %q panicked: %v", params.Name, cause), Err: fmt.Errorf("%v\n%s", cause, debug.Stack())}
		}
	}()
	return t.call(ctx, arguments)
}
