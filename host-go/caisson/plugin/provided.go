package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// listProvided asks a plugin for its tools.
func (p *Plugin) listProvided(ctx context.Context, in *instance) ([]*tool, error) {
	out, err := in.invoke(ctx, provider+providerVersion+"#list-tools")
	if err != nil {
		return nil, err
	}
	result := out.(component.Result)
	text := result.Value.(string)
	switch {
	case !result.OK:
		return nil, faultf(caisson.CodeConnect, p.name, "load", "it has no list of tools: %s", short(text))
	case len(text) > p.limits.MessageBytes:
		return nil, faultf(caisson.CodeLimit, p.name, "load", "its list of tools has %d bytes, and Limits.MessageBytes is %d", len(text), p.limits.MessageBytes)
	}
	items, err := array(text, maxTools)
	switch {
	case errors.Is(err, errTooMany):
		return nil, faultf(caisson.CodeLimit, p.name, "load", "it lists more than %d tools", maxTools)
	case err != nil:
		return nil, faultf(caisson.CodeProtocol, p.name, "load", "its list of tools is no JSON array: %w", err)
	}
	var tools []*tool
	for i, item := range items {
		t, err := readTool(item)
		if err != nil {
			return nil, faultf(caisson.CodeProtocol, p.name, "load", "tool %d of its list: %w", i, err)
		}
		tools = append(tools, &tool{Tool: t, call: p.callProvided})
	}
	return tools, nil
}

var errTooMany = errors.New("too many elements")

// array returns the elements of a JSON array. It stops at a number of them.
func array(text string, most int) ([]json.RawMessage, error) {
	if !json.Valid([]byte(text)) {
		return nil, errors.New("it is not JSON")
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, fmt.Errorf("it begins with %.20q", text)
	}
	var items []json.RawMessage
	for d.More() {
		if len(items) == most {
			return nil, errTooMany
		}
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// readTool reads a tool. Its schemas stay as the plugin wrote them.
func readTool(text json.RawMessage) (*mcp.Tool, error) {
	t := &mcp.Tool{}
	var members map[string]json.RawMessage
	if err := exact.Unmarshal(text, t); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	if !validName(t.Name) {
		return nil, fmt.Errorf("the name %q is none: a name has 1 to 128 of the characters A-Z a-z 0-9 _ . and -", cut(t.Name, 200))
	}
	if err := checkSchema(members["inputSchema"]); err != nil {
		return nil, fmt.Errorf("%q: inputSchema %w", t.Name, err)
	}
	t.InputSchema = members["inputSchema"]
	if schema := members["outputSchema"]; schema != nil {
		if err := checkSchema(schema); err != nil {
			return nil, fmt.Errorf("%q: outputSchema %w", t.Name, err)
		}
		t.OutputSchema = schema
	}
	return t, nil
}

// checkSchema checks that a schema is one of objects, as the protocol demands.
func checkSchema(schema json.RawMessage) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(schema, &members) != nil || string(members["type"]) != `"object"` {
		return errors.New(`is no JSON Schema of the type "object"`)
	}
	return nil
}

// callProvided calls a tool of a plugin that lists its tools itself.
func (p *Plugin) callProvided(ctx context.Context, in *instance, name string, arguments json.RawMessage) (*mcp.CallToolResult, error) {
	out, err := in.invoke(ctx, provider+providerVersion+"#call-tool", name, string(arguments))
	if err != nil {
		return nil, err
	}
	result := out.(component.Result)
	if !result.OK {
		return nil, p.refused(name, result.Value.(component.Variant))
	}
	return p.readResult(name, result.Value.(string))
}

// readResult reads the result of a tool. Its structured content stays as the plugin wrote it.
func (p *Plugin) readResult(name, text string) (*mcp.CallToolResult, error) {
	if len(text) > p.limits.MessageBytes {
		return nil, p.tooLong(name)
	}
	r := &mcp.CallToolResult{}
	var members map[string]json.RawMessage
	if err := errors.Join(exact.Unmarshal([]byte(text), r), json.Unmarshal([]byte(text), &members)); err != nil {
		return nil, faultf(caisson.CodeProtocol, p.name, step, "the result of the tool %q is no CallToolResult: %w", name, err)
	}
	if members["content"] == nil {
		return nil, faultf(caisson.CodeProtocol, p.name, step, "the result of the tool %q is no CallToolResult: it has no content", name)
	}
	if content := members["structuredContent"]; content != nil {
		r.StructuredContent = content
	}
	return r, nil
}

func (p *Plugin) tooLong(tool string) error {
	return faultf(caisson.CodeLimit, p.name, step, "the result of the tool %q has more than Limits.MessageBytes of %d bytes", tool, p.limits.MessageBytes)
}

// refused returns the error for a plugin's own.
func (p *Plugin) refused(tool string, e component.Variant) error {
	text, _ := e.Value.(string)
	switch e.Case {
	case "unknown-tool":
		return faultf(caisson.CodeInvalidArgument, p.name, step, "it says that there is no tool %q", tool)
	case "invalid-arguments":
		return faultf(caisson.CodeInvalidArgument, p.name, step, "the arguments of the tool %q: %s", tool, short(text))
	}
	return faultf(caisson.CodeRPC, p.name, step, "the tool %q: %w", tool, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: short(text)})
}
