package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// A Plugin is a component whose tools can be called. It is safe for concurrent use.
type Plugin struct {
	runtime *Runtime
	name    string
	options Options
	limits  Limits
	wasi    wasi.Config // of the grants; clocks, random numbers and output belong to an instance
	release func()      // of what the grants have opened
	code    *component.Compiled
	list    func(context.Context, *instance) ([]*tool, error)
	tools   []*tool
	byName  map[string]*tool

	ctx    context.Context // ends with the plugin
	cancel context.CancelCauseFunc
	slots  chan struct{} // holds one for each call that runs
	kept   *instance     // with KeepInstance, between two calls; the slot's holder may use it

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

var _ caisson.Caller = (*Plugin)(nil)

// A tool is one of the plugin's tools.
type tool struct {
	*mcp.Tool
	export string // the full name of the function that the tool is, or ""
	call   func(ctx context.Context, in *instance, name string, arguments json.RawMessage) (*mcp.CallToolResult, error)
}

var errClosed = errors.New("the plugin is closed")

// Name returns the plugin's name; see [Options].
func (p *Plugin) Name() string { return p.name }

// Component returns the compiled component, for programs that show what it imports and exports. It belongs to the
// plugin: do not close it.
func (p *Plugin) Component() *component.Compiled { return p.code }

// Export returns the full name of the exported function that a tool is, such as "docs:calc/ops@1.0.0#add". It
// returns "" for a tool of a plugin that lists its tools itself, and for one that there is not.
func (p *Plugin) Export(tool string) string {
	if t := p.byName[tool]; t != nil {
		return t.export
	}
	return ""
}

// ListTools returns all tools, in one page, in the plugin's order (specification, server/tools, "Listing Tools").
// They do not change. They belong to the plugin: do not change them. The params may be nil. It fails with
// [caisson.CodeInvalidArgument] for a cursor, and with [caisson.CodeClosed] on a closed plugin.
func (p *Plugin) ListTools(ctx context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if params != nil && params.Cursor != "" {
		return nil, faultf(caisson.CodeInvalidArgument, p.name, "tools/list", "there is no page at this cursor: a plugin gives one page")
	}
	if p.ctx == nil || p.ctx.Err() != nil {
		return nil, fault(caisson.CodeClosed, p.name, "tools/list", errClosed)
	}
	result := &mcp.ListToolsResult{Tools: make([]*mcp.Tool, len(p.tools))}
	for i, t := range p.tools {
		result.Tools[i] = t.Tool
	}
	return result, nil
}

// CallTool calls a tool by its name (specification, server/tools, "Calling Tools"). When the tool itself fails, the
// result has IsError. Arguments is anything that marshals to a JSON object, or nil. StructuredContent of a result is a
// json.RawMessage, with the digits of large numbers. [caisson.CallOptions] of the context hold; a program hears of
// progress by them.
//
// It fails with [caisson.CodeInvalidArgument] for a tool that there is not, and for arguments that do not fit: of a
// tool that is a WIT function, errors.As finds a [*witjson.Error] with the place. With [caisson.CodeRPC] the plugin says
// that it failed. [caisson.CodeLimit] and [caisson.CodeTimeout] name the limit; [caisson.CodeTrap] wraps a
// [*component.TrapError]; [caisson.CodeProtocol] is a result that is none. When the context ends, the call ends, and
// CallTool returns the context's error.
func (p *Plugin) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	if params == nil {
		params = &mcp.CallToolParams{}
	}
	t := p.byName[params.Name]
	if t == nil {
		return nil, faultf(caisson.CodeInvalidArgument, p.name, step, "there is no tool %q", short(params.Name))
	}
	arguments, err := p.arguments(params)
	if err != nil {
		return nil, fault(caisson.CodeInvalidArgument, p.name, step, err)
	}
	if len(arguments) > p.limits.MessageBytes {
		return nil, faultf(caisson.CodeLimit, p.name, step, "the arguments have %d bytes, and Limits.MessageBytes is %d", len(arguments), p.limits.MessageBytes)
	}
	if !p.begin() {
		return nil, fault(caisson.CodeClosed, p.name, step, errClosed)
	}
	defer p.calls.Done()
	return p.run(ctx, t, params, arguments)
}

// step is what is done by calling a tool, in errors.
const step = "tools/call"

// arguments returns the arguments of a call as a JSON object.
func (p *Plugin) arguments(params *mcp.CallToolParams) (json.RawMessage, error) {
	text, err := json.Marshal(params.Arguments)
	text = bytes.TrimLeft(text, " \t\r\n")
	switch {
	case err != nil:
		return nil, fmt.Errorf("the arguments of the tool %q do not marshal to JSON: %w", params.Name, err)
	case string(text) == "null":
		return json.RawMessage("{}"), nil
	case text[0] != '{':
		return nil, fmt.Errorf("the arguments of the tool %q do not marshal to a JSON object", params.Name)
	}
	return text, nil
}

// begin makes Close wait until calls.Done; it returns false when the plugin is closed.
func (p *Plugin) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.calls.Add(1)
	return true
}

// Close ends the calls that run, waits for their ends, and frees the plugin. It may be called more than once, and
// always returns nil. Do not call it from [Options].OnLog or from a handler of progress.
func (p *Plugin) Close() error {
	if p.runtime == nil {
		return nil
	}
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	p.cancel(errClosed)
	p.calls.Wait()
	if first {
		p.runtime.remove(p)
		p.free()
	}
	return nil
}

// free frees what the plugin holds. No call runs.
func (p *Plugin) free() {
	p.cancel(errClosed)
	if p.kept != nil {
		p.kept.close()
		p.kept = nil
	}
	if p.code != nil {
		if err := p.code.Close(context.Background()); err != nil {
			p.runtime.logger.Warn("a plugin's code was not freed", "plugin", p.name, "error", err)
		}
	}
	p.release()
}
