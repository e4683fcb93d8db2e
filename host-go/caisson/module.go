package caisson

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// A Module is a script whose functions can be called, any number of times: it keeps its sandbox, and what its
// functions keep in variables. Calls of one module take turns; modules run beside each other. It is safe for
// concurrent use. Close it.
type Module struct {
	run       *scriptRun
	loaded    *ScriptResult
	functions []string

	turn   chan struct{} // holds one while a function runs
	mu     sync.Mutex
	closed bool
	core   *script.Instance
	broken error // why no function can be called any more
}

// Load runs a script from top to bottom, and keeps it. Its functions are those that it exports or, where it
// exports nothing, those that it declares at the top. Script.Input and Script.Args must not be set.
//
// It fails as [Client.RunScript] does.
func (c *Client) Load(ctx context.Context, s Script) (*Module, error) {
	if s.Input != nil || s.Args != nil {
		return nil, errScript("load module", "a module has no Input and no Args: its functions have arguments")
	}
	r, err := c.beginScript(ctx, &s, "load module")
	if err != nil {
		return nil, err
	}
	in, failure := script.New(r.ctx, r.config)
	if failure != nil {
		r.end()
		return nil, r.error(failure)
	}
	text, report, failure := in.Load(r.ctx, r.source)
	if failure != nil {
		in.Close()
		err := r.error(failure)
		r.end()
		return nil, err
	}
	// The module outlives the context that it was loaded with, and ends with the client.
	m := &Module{run: r, loaded: resultOf(report), core: in, turn: make(chan struct{}, 1)}
	r.cancel(nil)
	r.ctx, r.cancel = c.whileOpen(context.Background())
	if err := json.Unmarshal(text, &m.functions); err != nil {
		_ = m.Close()
		return nil, &Error{Code: CodeInternal, Step: "load module", Message: "the names of the functions: " + err.Error(), Err: err}
	}
	if !c.addModule(m) {
		_ = m.Close()
		return nil, c.errClosed("load module", "")
	}
	return m, nil
}

// Load loads a module for a client without options: the short way. See [Client.Load].
func (r *Runtime) Load(ctx context.Context, s Script) (*Module, error) {
	if r.client == nil {
		return nil, errZero("Runtime", "New")
	}
	return r.client.Load(ctx, s)
}

// Functions returns the names of the module's functions.
func (m *Module) Functions() []string { return slices.Clone(m.functions) }

// Loaded returns what the script did while it was loaded; its Value is nil.
func (m *Module) Loaded() *ScriptResult { return m.loaded }

// RunFunction calls a function of the module with arguments by position: anything that marshals to JSON. It
// waits for its turn. [ScriptLimits] bound each call.
//
// A function that fails is a [*ScriptError]; the result is there then too. Most failures leave the module as it
// is. After [ScriptLimit], [ScriptTrap], [ScriptNeverSettled] and the end of ctx while the function ran, the
// sandbox is gone, and each further call fails with [CodeClosed]: load the module anew.
func (m *Module) RunFunction(ctx context.Context, name string, args ...any) (*ScriptResult, error) {
	if args == nil {
		args = []any{}
	}
	positional, err := json.Marshal(args)
	if err != nil {
		return nil, errScript("run function", fmt.Sprintf("the arguments of %s do not marshal to JSON: %v", name, err))
	}
	return m.call(ctx, name, positional, json.RawMessage("{}"))
}

// RunFunctionNamed is [Module.RunFunction] with arguments by name besides those by position: a map or a struct.
// Python has them. JavaScript has not, and fails with [ScriptInvalidArguments].
func (m *Module) RunFunctionNamed(ctx context.Context, name string, named any, args ...any) (*ScriptResult, error) {
	object, err := marshalObject(named)
	if err != nil {
		return nil, errScript("run function", fmt.Sprintf("the arguments of %s by name: %v", name, err))
	}
	if args == nil {
		args = []any{}
	}
	positional, err := json.Marshal(args)
	if err != nil {
		return nil, errScript("run function", fmt.Sprintf("the arguments of %s do not marshal to JSON: %v", name, err))
	}
	return m.call(ctx, name, positional, object)
}

// RunFunctionAs is [Module.RunFunction] with its value decoded into a T.
func RunFunctionAs[T any](ctx context.Context, m *Module, name string, args ...any) (T, error) {
	var value T
	result, err := m.RunFunction(ctx, name, args...)
	if err == nil {
		err = decodeValue(m.run.name, result.Value, &value)
	}
	return value, err
}

func (m *Module) call(ctx context.Context, name string, positional, named json.RawMessage) (*ScriptResult, error) {
	if m.run == nil {
		return nil, errZero("Module", "Client.Load")
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-m.turn }()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.gone(); err != nil {
		return nil, err
	}
	ctx, cancel := joined(ctx, m.run.ctx)
	defer cancel()
	r := *m.run
	r.ctx = ctx
	return r.observed(ctx, "run function", func(ctx context.Context) (*ScriptResult, error) {
		return m.function(ctx, &r, name, positional, named)
	})
}

func (m *Module) function(ctx context.Context, r *scriptRun, name string, positional, named json.RawMessage) (*ScriptResult, error) {
	value, report, failure := m.core.Call(ctx, name, positional, named)
	result := resultOf(report)
	if failure == nil {
		result.Value = value
		return result, nil
	}
	err := r.error(failure)
	if m.core.Dead() {
		m.mu.Lock()
		m.broken = err
		m.mu.Unlock()
	}
	return result, err
}

// gone says why no function can be called.
func (m *Module) gone() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return m.errClosed()
	}
	if m.broken != nil {
		return &Error{Code: CodeClosed, Step: "run function", Message: "the module " + m.run.name + " has ended: " + m.broken.Error(), Err: m.broken}
	}
	return nil
}

func (m *Module) errClosed() *Error {
	return &Error{Code: CodeClosed, Step: "run function", Message: "the module " + m.run.name + " is closed"}
}

// joined returns a context that ends with either, and has the values of the first.
func joined(ctx, other context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// Close ends the module: a function that runs is stopped. It may be called more than once, and always returns
// nil.
func (m *Module) Close() error {
	if m.run == nil {
		return nil
	}
	m.mu.Lock()
	closed := m.closed
	m.closed = true
	m.mu.Unlock()
	if closed {
		return nil
	}
	m.run.cancel(m.errClosed())
	m.turn <- struct{}{} // Nobody is inside.
	m.core.Close()
	<-m.turn
	m.run.client.removeModule(m)
	m.run.end()
	return nil
}
