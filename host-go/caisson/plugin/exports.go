package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/witjson"
)

// An export is an exported function as a tool.
type export struct {
	plugin *Plugin
	name   string // in full
	typ    *component.FuncType
	value  *component.Type // what a call that succeeds gives, or nil
}

// listExports makes a tool of each exported function.
func (p *Plugin) listExports(context.Context, *instance) ([]*tool, error) {
	docs, err := witjson.ReadDocs(p.code.PackageDocs())
	if err != nil {
		p.runtime.logger.Warn("the documentation of a plugin is left out", "plugin", p.name, "error", err)
	}
	var tools []*tool
	size := 0
	add := func(iface string, e *component.Extern, docs *witjson.InterfaceDocs) error {
		if e.Kind != component.KindFunc {
			return nil
		}
		t, err := p.exportTool(iface, e, docs)
		if err != nil {
			return err
		}
		if size += len(t.Description) + len(t.InputSchema.(json.RawMessage)); t.OutputSchema != nil {
			size += len(t.OutputSchema.(json.RawMessage))
		}
		tools = append(tools, t)
		if len(tools) > maxTools || size > p.limits.MessageBytes {
			return faultf(caisson.CodeLimit, p.name, "load", "it exports more than %d functions, or their schemas have more than Limits.MessageBytes of %d bytes", maxTools, p.limits.MessageBytes)
		}
		return nil
	}
	for _, e := range p.code.Exports() {
		if e.Kind == component.KindInstance {
			for _, f := range e.Items {
				if err := add(e.Name, &f, docs.Interface(interfaceName(e.Name))); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err := add("", &e, docs.World(e.Name)); err != nil {
			return nil, err
		}
	}
	return tools, nil
}

// interfaceName returns the name of an interface without its package and version.
func interfaceName(full string) string {
	full, _, _ = strings.Cut(full, "@")
	return full[strings.LastIndexByte(full, '/')+1:]
}

// exportTool makes a tool of a function.
func (p *Plugin) exportTool(iface string, f *component.Extern, docs *witjson.InterfaceDocs) (*tool, error) {
	e := &export{plugin: p, name: f.Name, typ: f.Func, value: f.Func.Result}
	if iface != "" {
		e.name = iface + "#" + f.Name
	}
	if is(e.value, component.TypeResult) {
		e.value = e.value.OK
	}
	t := &mcp.Tool{Name: toolName(iface, f.Name)}
	if docs != nil {
		t.Description = string(docs.Functions[f.Name])
	}
	input, err := witjson.ParamsSchema(e.typ, docs)
	if err == nil {
		t.InputSchema = input
		err = e.setOutput(t, docs)
	}
	if err == nil && e.typ.Result != nil {
		_, err = witjson.Schema(e.typ.Result, docs) // The error may have a handle in it.
	}
	if err != nil {
		return nil, faultf(caisson.CodeConnect, p.name, "load", "the function %s cannot be a tool: %w", short(e.name), err)
	}
	return &tool{Tool: t, export: e.name, call: e.call}, nil
}

// wrapped is the type of the object in which a value stands that is no record.
func (e *export) wrapped() *component.FuncType {
	return &component.FuncType{Params: []component.Field{{Name: "result", Type: e.value}}}
}

// setOutput sets the schema of the structured content: of a record, or of an object with the value in it.
func (e *export) setOutput(t *mcp.Tool, docs *witjson.InterfaceDocs) error {
	if e.value == nil {
		return nil
	}
	var schema json.RawMessage
	var err error
	if e.value.Kind == component.TypeRecord {
		schema, err = witjson.Schema(e.value, docs)
	} else {
		schema, err = witjson.ParamsSchema(e.wrapped(), docs)
	}
	t.OutputSchema = schema
	return err
}

// call calls the function.
func (e *export) call(ctx context.Context, in *instance, name string, arguments json.RawMessage) (*mcp.CallToolResult, error) {
	p := e.plugin
	args, err := witjson.DecodeParams(e.typ, arguments)
	if err != nil {
		return nil, faultf(caisson.CodeInvalidArgument, p.name, step, "the arguments of the tool %q: %w", name, err)
	}
	out, err := in.invoke(ctx, e.name, args...)
	if err != nil {
		return nil, err
	}
	result := &mcp.CallToolResult{Content: []mcp.Content{}}
	typ := e.value
	if r, ok := out.(component.Result); ok && is(e.typ.Result, component.TypeResult) {
		if out = r.Value; !r.OK {
			result.IsError = true
			typ = e.typ.Result.Err
		}
	}
	if typ == nil {
		if result.IsError {
			result.Content = append(result.Content, &mcp.TextContent{Text: "the function returned an error"})
		}
		return result, nil
	}
	text, err := witjson.Encode(typ, out, p.limits.MessageBytes)
	switch {
	case errors.Is(err, witjson.ErrTooLong):
		return nil, p.tooLong(name)
	case err != nil:
		return nil, fault(caisson.CodeInternal, p.name, step, err)
	}
	plain := string(text)
	if s, ok := out.(string); ok && typ.Kind == component.TypeString {
		plain = s
	}
	result.Content = append(result.Content, &mcp.TextContent{Text: plain})
	if !result.IsError {
		if typ.Kind != component.TypeRecord {
			text = append(append([]byte(`{"result":`), text...), '}')
		}
		result.StructuredContent = json.RawMessage(text)
	}
	return result, nil
}
