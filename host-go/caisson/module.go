package caisson

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// ModuleOptions say how many instances a [Module] has, and how long each of them lives. The zero value is one that
// lives until the module is closed.
//
// An instance is a sandbox with the script loaded into it. What its functions keep in variables is its own: another
// instance, and one that is made anew, begins with what the script has when it was loaded, and no more.
type ModuleOptions struct {
	// Instances bounds the instances, and so the calls at once. Each is made when a call finds no idle one.
	// Default: 1, so that calls take turns.
	Instances int
	// IdleLimit is how long an instance may be idle. It is freed then, and the next call makes another. Default: for
	// ever.
	IdleLimit time.Duration
	// CallLimit is how many calls an instance has. It is freed after them, and the next call makes another. Default:
	// any number.
	CallLimit int
}

// A Module is a script whose functions can be called, any number of times. It keeps one instance or several, with
// what its functions keep in variables: see [ModuleOptions]. Calls of one instance take turns; instances, and
// modules, run beside each other. It is safe for concurrent use. Close it.
type Module struct {
	run       *scriptRun
	options   ModuleOptions
	loaded    *ScriptResult
	functions []string

	instances chan struct{} // holds one for each instance that there is, or is being made
	ready     chan struct{} // holds one for each idle one
	closing   sync.Once
	calls     sync.WaitGroup // of functions that are underway

	mu      sync.Mutex
	closed  bool
	idle    []*moduleInstance // the one that was used last at the end
	timer   *time.Timer       // for the idle limit; nil while it does not run
	running map[*place]int    // instances that run: on account of each so many calls wait for an instance of the module
}

// A moduleInstance is one instance of a module.
type moduleInstance struct {
	sandbox *script.Instance
	calls   int
	since   time.Time // when it became idle
}

// Load runs a script from top to bottom, and keeps it as [Script].Module says. Its functions are those that it
// exports or, where it exports nothing, those that it declares at the top. Script.Input and Script.Args must not be
// set.
//
// A script that fails while it is loaded is a [*LoadError], with what it did so far and the cause: a [*ScriptError],
// or the context's error. It fails as [Client.RunScript] does when the script cannot be begun, and with [CodeLimit]
// when the modules of the runtime would have more instances than [RuntimeOptions].MaxScripts lets them have; a
// module counts with all that it may have, until it is closed.
func (c *Client) Load(ctx context.Context, s Script) (*Module, error) {
	if s.Input != nil || s.Args != nil {
		return nil, errScript("load module", "a module has no Input and no Args: its functions have arguments")
	}
	if s.Record != nil {
		return nil, errScript("load module", "a module has no Record: the run of a script is recorded")
	}
	o := s.Module
	if o.Instances < 0 || o.IdleLimit < 0 || o.CallLimit < 0 {
		return nil, errOption("a field of Script.Module is negative")
	}
	o.Instances = orDefault(o.Instances, 1)
	r, err := c.beginScript(ctx, &s, "load module")
	if err != nil {
		return nil, err
	}
	places := c.runtime.places
	if err := places.keep(r.ctx, r.name, o.Instances); err != nil {
		if r.ctx.Err() != nil {
			err = r.ended(r.ctx)
		}
		r.end()
		return nil, err
	}
	m := &Module{run: r, options: o, instances: make(chan struct{}, o.Instances), ready: make(chan struct{}, o.Instances), running: map[*place]int{}}
	m.instances <- struct{}{}
	in, names, result, err := m.make(r.ctx)
	if err != nil {
		places.giveBack(o.Instances)
		r.end()
		if result != nil {
			err = &LoadError{Result: result, Err: err}
		}
		return nil, err
	}
	m.loaded = result
	// The module outlives the context that it was loaded with, and ends with the client.
	r.cancel(nil)
	r.ctx, r.cancel = c.whileOpen(context.Background())
	m.put(in)
	if err := json.Unmarshal(names, &m.functions); err != nil {
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

// Loaded returns what the script did while its first instance was loaded; its Value is nil.
func (m *Module) Loaded() *ScriptResult { return m.loaded }

// RunFunction calls a function of the module with arguments by position: anything that marshals to JSON, or one
// [ArgumentList]. [NamedArguments] behind them are arguments by name. It waits for an instance. [ScriptLimits] bound
// each call.
//
// A function that fails is a [*ScriptError]; the result is there then too. Most failures leave the instance as it
// is. After [ScriptLimit], [ScriptTrap], [ScriptNeverSettled] and the end of ctx while the function ran, the
// instance is gone with what its functions have kept; the next call loads the script anew. A call that does so has
// the log and the calls of the loading in its result, before its own, and fails as the script does that cannot be
// loaded any more.
//
// A function whose call leads, by a tool, to another call of the same module fails there with [CodeLimit] when all
// instances wait for that one.
func (m *Module) RunFunction(ctx context.Context, name string, args ...any) (*ScriptResult, error) {
	positional, named, err := splitArguments(name, args)
	if err != nil {
		return nil, err
	}
	return m.call(ctx, name, positional, named)
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

// An ArgumentList is the arguments of a function as one JSON list, such as `[1, "two"]`. It stands for all arguments by
// position of RunFunction.
type ArgumentList json.RawMessage

// NamedArguments are arguments of a function by name, as the last argument of RunFunction: what marshals to JSON, under
// names. Python has them. JavaScript and TypeScript have not: there they fail with [ScriptInvalidArguments], unless
// there are none.
type NamedArguments map[string]any

// splitArguments is the arguments of a function as JSON: a list, and an object.
func splitArguments(function string, args []any) (positional, named json.RawMessage, err error) {
	wrong := func(format string, of ...any) (json.RawMessage, json.RawMessage, error) {
		return nil, nil, errScript("run function", fmt.Sprintf("the arguments of %s%s", function, fmt.Sprintf(format, of...)))
	}
	named = json.RawMessage("{}")
	if last := len(args) - 1; last >= 0 {
		if byName, ok := args[last].(NamedArguments); ok {
			args = args[:last]
			if len(byName) > 0 {
				if named, err = json.Marshal(map[string]any(byName)); err != nil {
					return wrong(" by name do not marshal to JSON: %v", err)
				}
			}
		}
	}
	for _, arg := range args {
		switch list := arg.(type) {
		case NamedArguments:
			return wrong(": NamedArguments are the last, and there once")
		case ArgumentList:
			var items []json.RawMessage
			if err := json.Unmarshal(list, &items); len(args) > 1 || err != nil || items == nil {
				return wrong(": an ArgumentList is a JSON list, and stands for all arguments by position")
			}
			return json.RawMessage(list), named, nil
		}
	}
	if len(args) == 0 {
		return json.RawMessage("[]"), named, nil
	}
	if positional, err = json.Marshal(args); err != nil {
		return wrong(" do not marshal to JSON: %v", err)
	}
	return positional, named, nil
}

func (m *Module) call(ctx context.Context, name string, positional, named json.RawMessage) (*ScriptResult, error) {
	if m.run == nil {
		return nil, errZero("Module", "Client.Load")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !m.begin() {
		return nil, m.errClosed()
	}
	defer m.calls.Done()
	ctx, cancel := joined(ctx, m.run.ctx)
	defer cancel()
	r := *m.run
	r.ctx = ctx
	return r.observed(ctx, "run function", func(ctx context.Context) (*ScriptResult, error) {
		r.ctx = ctx
		return m.function(&r, name, positional, named)
	})
}

// function calls a function in an instance, under the context of the run.
func (m *Module) function(r *scriptRun, name string, positional, named json.RawMessage) (*ScriptResult, error) {
	in, before, err := m.take(r.ctx)
	if err != nil {
		return before, err
	}
	defer m.put(in)
	p, leave, err := m.place(r.ctx)
	if err != nil {
		return before, err
	}
	defer leave()
	r.ctx = withPlace(r.ctx, p)
	in.calls++
	value, report, failure := in.sandbox.Call(r.ctx, name, positional, named)
	result := after(before, resultOf(report))
	if failure == nil {
		result.Value = value
		return result, nil
	}
	return result, r.error(failure)
}

// after is the result of a call, with what was done before it to load the script; nil for nothing.
func after(loaded, called *ScriptResult) *ScriptResult {
	if loaded == nil {
		return called
	}
	called.Logs = append(slices.Clone(loaded.Logs), called.Logs...)
	called.Calls = append(slices.Clone(loaded.Calls), called.Calls...)
	called.Usage.Computing += loaded.Usage.Computing
	called.Usage.Waiting += loaded.Usage.Waiting
	return called
}

// take returns an instance that is idle, or else makes one, or else waits. The result is of the loading of one that
// was made.
func (m *Module) take(ctx context.Context) (*moduleInstance, *ScriptResult, error) {
	select {
	case <-m.ready:
		return m.pop(), nil, nil
	default:
	}
	through, err := m.wait(ctx)
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-m.ready:
		through()
		return m.pop(), nil, nil
	case m.instances <- struct{}{}:
		through()
		in, _, result, err := m.make(ctx)
		if err != nil {
			<-m.instances
		}
		return in, result, err
	case <-ctx.Done():
		through()
		return nil, nil, m.run.ended(ctx)
	}
}

// wait notes that a call is to wait for an instance, on account of those whose calls have led to it. It fails where all
// instances would wait so, for none would ever come. The caller calls through when the call does not wait any more.
func (m *Module) wait(ctx context.Context) (through func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count(ctx, 1)
	waiting := 0
	for _, calls := range m.running {
		waiting += min(calls, 1)
	}
	if waiting >= m.options.Instances {
		m.count(ctx, -1)
		return nil, &Error{Code: CodeLimit, Step: "run function", Message: fmt.Sprintf(
			"%s: a tool of a function of this module calls the module again, and all its %d instances wait for such calls: raise Script.Module.Instances", m.run.name, m.options.Instances)}
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.count(ctx, -1)
	}, nil
}

// count adds to the calls that wait on account of the instances that have led to this one. The caller holds the lock.
func (m *Module) count(ctx context.Context, n int) {
	for p := placeOf(ctx); p != nil; p = p.outer {
		if _, ok := m.running[p]; ok {
			m.running[p] += n
		}
	}
}

// place makes a place for an instance that runs until leave is called.
func (m *Module) place(ctx context.Context) (p *place, leave func(), err error) {
	if p, err = newPlace(ctx); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running[p] = 0
	return p, func() {
		m.mu.Lock()
		delete(m.running, p)
		m.mu.Unlock()
		p.leave()
	}, nil
}

// make makes an instance, and returns the names of its functions, and what the script did. The caller has noted the
// instance in m.instances.
func (m *Module) make(ctx context.Context) (*moduleInstance, json.RawMessage, *ScriptResult, error) {
	p, leave, err := m.place(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	defer leave()
	r := *m.run
	r.ctx = withPlace(ctx, p)
	if err := r.grant(); err != nil {
		return nil, nil, nil, err
	}
	in, names, result, err := r.load()
	if err != nil {
		return nil, nil, result, err
	}
	return &moduleInstance{sandbox: in}, names, result, nil
}

// load makes an instance and loads the script into it.
func (r *scriptRun) load() (*script.Instance, json.RawMessage, *ScriptResult, error) {
	in, failure := script.New(r.ctx, r.config)
	if failure != nil {
		return nil, nil, &ScriptResult{}, r.error(failure)
	}
	names, report, failure := in.Load(r.ctx, r.source)
	result := resultOf(report)
	if failure != nil {
		in.Close()
		return nil, nil, result, r.error(failure)
	}
	return in, names, result, nil
}

// ended is the error of a run whose context has ended before it was begun.
func (r *scriptRun) ended(ctx context.Context) error {
	ended := *r
	ended.ctx = ctx
	return ended.error(&script.Failure{Kind: script.ContextEnded, Err: ctx.Err()})
}

// pop returns the idle instance that was used last, so that others become idle for long. The caller has taken from
// m.ready.
func (m *Module) pop() *moduleInstance {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := len(m.idle) - 1
	in := m.idle[last]
	m.idle[last] = nil
	m.idle = m.idle[:last]
	return in
}

// put makes an instance idle, or frees it where it is at its end.
func (m *Module) put(in *moduleInstance) {
	if in.sandbox.Dead() || m.options.CallLimit > 0 && in.calls >= m.options.CallLimit {
		m.free(in)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	in.since = time.Now()
	m.idle = append(m.idle, in)
	m.arm()
	m.ready <- struct{}{}
}

func (m *Module) free(in *moduleInstance) {
	in.sandbox.Close()
	<-m.instances
}

// arm has reap called when the next instance is at its idle limit. The caller holds the lock.
func (m *Module) arm() {
	if m.options.IdleLimit > 0 && m.timer == nil && len(m.idle) > 0 && !m.closed {
		m.timer = time.AfterFunc(time.Until(m.idle[0].since.Add(m.options.IdleLimit)), m.reap)
	}
}

// reap frees the instances that are at their idle limit: the first ones.
func (m *Module) reap() {
	if !m.begin() {
		return
	}
	defer m.calls.Done()
	for {
		if in := m.stale(); in != nil {
			m.free(in)
			continue
		}
		return
	}
}

// stale takes an instance that is at its idle limit; nil where there is none, and the timer runs for the next one.
func (m *Module) stale() *moduleInstance {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.idle) > 0 && time.Since(m.idle[0].since) >= m.options.IdleLimit {
		select {
		case <-m.ready:
			in := m.idle[0]
			m.idle = slices.Delete(m.idle, 0, 1)
			return in
		default: // Calls have taken all of them, and are about to pop them.
		}
	}
	m.timer = nil
	m.arm()
	return nil
}

// begin makes Close wait until calls.Done; it returns false when the module is closed.
func (m *Module) begin() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.calls.Add(1)
	return true
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

// Close ends the module: functions that run are stopped, and their calls fail with [CodeClosed]. It may be called
// more than once, and always returns nil.
func (m *Module) Close() error {
	if m.run != nil {
		m.closing.Do(m.close)
	}
	return nil
}

func (m *Module) close() {
	m.mu.Lock()
	m.closed = true
	if m.timer != nil {
		m.timer.Stop()
	}
	m.mu.Unlock()
	m.run.cancel(m.errClosed())
	m.calls.Wait()
	for _, in := range m.idle { // Nobody uses it any more.
		in.sandbox.Close()
	}
	m.run.client.removeModule(m)
	m.run.client.runtime.places.giveBack(m.options.Instances)
	m.run.end()
}
