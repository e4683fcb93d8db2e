package caisson_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

func load(t testing.TB, c interface {
	Load(context.Context, caisson.Script) (*caisson.Module, error)
}, s caisson.Script,
) *caisson.Module {
	t.Helper()
	m, err := c.Load(testContext(t), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func count(t testing.TB, m *caisson.Module, want int) {
	t.Helper()
	if got, err := caisson.RunFunctionAs[int](testContext(t), m, "count"); err != nil || got != want {
		t.Errorf("count gives %d, %v, want %d", got, err, want)
	}
}

// A meeting lets calls through when so many of them are there at once.
type meeting struct {
	wanted  int
	mu      sync.Mutex
	arrived int
	all     chan struct{}
}

func newMeeting(wanted int) *meeting { return &meeting{wanted: wanted, all: make(chan struct{})} }

func (m *meeting) function(ctx context.Context, _ struct{}) (any, error) {
	m.mu.Lock()
	if m.arrived++; m.arrived == m.wanted {
		close(m.all)
	}
	m.mu.Unlock()
	select {
	case <-m.all:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func oneFunction(t testing.TB, name string, f func(context.Context, struct{}) (any, error)) *caisson.ToolSet {
	t.Helper()
	fs := &caisson.Functions{}
	if err := caisson.AddFunction(fs, name, "", f); err != nil {
		t.Fatal(err)
	}
	return toolSet(t, map[string]caisson.Caller{"go": fs})
}

// TestModuleInstances has calls of one module run beside each other, as many as it has instances, each with its own
// variables.
func TestModuleInstances(t *testing.T) {
	t.Parallel()
	const instances = 3
	met := newMeeting(instances)
	m := load(t, sharedRuntime(t), caisson.Script{
		Source: `let n = 0; export async function count() { n++; await tools.go.meet(); return n } export const add = (a, b) => a + b`,
		Tools:  oneFunction(t, "meet", met.function),
		Module: caisson.ModuleOptions{Instances: instances},
	})
	var all sync.WaitGroup
	for range instances {
		all.Go(func() { count(t, m, 1) })
	}
	all.Wait()
	// There is no fourth: what comes later finds one of the three.
	for range 2 * instances {
		all.Go(func() {
			if got, err := caisson.RunFunctionAs[int](testContext(t), m, "count"); err != nil || got < 2 || got > 7 {
				t.Errorf("another call gives %d, %v", got, err)
			}
		})
	}
	all.Wait()
	if got, err := caisson.RunFunctionAs[int](testContext(t), m, "add", caisson.ArgumentList("[1, 2]")); err != nil || got != 3 {
		t.Errorf("arguments as a list: %d, %v", got, err)
	}
	if got, err := caisson.RunFunctionAs[int](testContext(t), m, "add", caisson.ArgumentList("[1, 2]"), caisson.NamedArguments{}); err != nil || got != 3 {
		t.Errorf("no arguments by name: %d, %v", got, err)
	}
	named := caisson.NamedArguments{"a": 1}
	for _, args := range [][]any{{named, 1}, {named, named}, {1, caisson.NamedArguments{"a": func() {}}}, {caisson.ArgumentList("{}")}, {caisson.ArgumentList("null")}, {caisson.ArgumentList("[1")}, {1, caisson.ArgumentList("[2]")}, {caisson.ArgumentList(nil)}} {
		if _, err := m.RunFunction(testContext(t), "add", args...); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("the arguments %v: %v", args, err)
		}
	}
}

// TestModuleAnew has instances that end: after so many calls, when they are idle, after a bound, when the context of a
// call ends. Each time the next call has one that has begun anew.
func TestModuleAnew(t *testing.T) {
	t.Parallel()
	const source = `console.log('loaded'); let n = 0; export const count = () => ++n;
export const spin = () => { for (;;) {} }; export const never = () => new Promise(() => {}); export const fail = () => { throw new Error('no') }`
	t.Run("calls", func(t *testing.T) {
		t.Parallel()
		m := load(t, sharedRuntime(t), caisson.Script{Source: source, Module: caisson.ModuleOptions{CallLimit: 2}})
		for _, want := range []int{1, 2, 1, 2, 1} {
			count(t, m, want)
		}
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		m := load(t, sharedRuntime(t), caisson.Script{Source: source, Module: caisson.ModuleOptions{IdleLimit: time.Millisecond}})
		anew := func() bool {
			got, err := caisson.RunFunctionAs[int](testContext(t), m, "count")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			return got == 1
		}
		_ = anew()
		if !eventually(anew) {
			t.Error("the instance is there for ever")
		}
	})
	t.Run("failures", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(testContext(t))
		m := load(t, sharedRuntime(t), caisson.Script{
			Source: source + `; export const leave = async () => { await tools.go.leave(); for (;;) {} }`,
			Tools:  oneFunction(t, "leave", func(context.Context, struct{}) (any, error) { cancel(); return nil, nil }),
			Limits: caisson.ScriptLimits{Fuel: 200_000_000},
		})
		if l := m.Loaded().Logs; len(l) != 1 || l[0].Text != "loaded" {
			t.Errorf("the log of the loading is %v", l)
		}
		fails := func(name string, kind caisson.ScriptErrorKind) {
			t.Helper()
			if _, err := m.RunFunction(testContext(t), name); kindOf(err) != kind {
				t.Errorf("%s ends with %v", name, err)
			}
		}
		count(t, m, 1)
		fails("fail", caisson.ScriptRuntime)
		count(t, m, 2)
		fails("spin", caisson.ScriptLimit)
		result, err := m.RunFunction(testContext(t), "count")
		if err != nil || string(result.Value) != "1" || len(result.Logs) != 1 {
			t.Errorf("a call that loads anew gives %+v, %v", result, err)
		}
		fails("never", caisson.ScriptNeverSettled)
		count(t, m, 1)
		if _, err := m.RunFunction(ctx, "leave"); !errors.Is(err, context.Canceled) {
			t.Errorf("the end of a context: %v", err)
		}
		count(t, m, 1)
	})
	t.Run("cannot be loaded any more", func(t *testing.T) {
		t.Parallel()
		loads := 0
		m := load(t, sharedRuntime(t), caisson.Script{
			Source: `console.log('loads'); if (await tools.go.loads() > 1) throw new Error('not again'); export const never = () => new Promise(() => {})`,
			Tools:  oneFunction(t, "loads", func(context.Context, struct{}) (any, error) { loads++; return loads, nil }),
		})
		if _, err := m.RunFunction(testContext(t), "never"); kindOf(err) != caisson.ScriptNeverSettled {
			t.Error(err)
		}
		for range 2 { // The failure is no end of the module: each call tries again.
			result, err := m.RunFunction(testContext(t), "never")
			if kindOf(err) != caisson.ScriptRuntime || result == nil || len(result.Logs) != 1 || len(result.Calls) != 1 {
				t.Errorf("loading anew: %+v, %v", result, err)
			}
		}
	})
}

// TestModuleInvalid has modules that cannot be loaded.
func TestModuleInvalid(t *testing.T) {
	t.Parallel()
	for _, o := range []caisson.ModuleOptions{{Instances: -1}, {IdleLimit: -1}, {CallLimit: -1}} {
		if _, err := sharedRuntime(t).Load(testContext(t), caisson.Script{Source: "1", Module: o}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestLoadFails has scripts that fail while they are loaded: what they did until then is there.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	tools := toolSet(t, map[string]caisson.Caller{"go": programTools(t)})
	for source, kind := range map[string]caisson.ScriptErrorKind{
		`console.log('so far'); await tools.go.add({ a: 1, b: 2 }); throw new Error('no')`:              caisson.ScriptRuntime,
		`console.log('so far'); await tools.go.add({ a: 1, b: 2 }); for (;;) {}`:                        caisson.ScriptLimit,
		`console.log('so far'); await tools.go.add({ a: 1, b: 2 }); await new Promise(() => undefined)`: caisson.ScriptNeverSettled,
	} {
		_, err := sharedRuntime(t).Load(testContext(t), caisson.Script{Source: source, Tools: tools, Limits: caisson.ScriptLimits{Fuel: 200_000_000}})
		var failed *caisson.LoadError
		var e *caisson.ScriptError
		if !errors.As(err, &failed) || !errors.As(err, &e) || e.Kind != kind {
			t.Errorf("%s: %v", source, err)
		} else if r := failed.Result; len(r.Logs) != 1 || r.Logs[0].Text != "so far" || len(r.Calls) != 1 || r.Usage.Fuel == 0 {
			t.Errorf("%s: it did %+v", source, r)
		}
	}
	ctx, cancel := context.WithCancel(testContext(t))
	leave := oneFunction(t, "leave", func(context.Context, struct{}) (any, error) { cancel(); return nil, nil })
	_, err := sharedRuntime(t).Load(ctx, caisson.Script{Source: `console.log('so far'); await tools.go.leave(); for (;;) {}`, Tools: leave})
	var failed *caisson.LoadError
	if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || caisson.CodeOf(err) != caisson.CodeCancelled || len(failed.Result.Logs) != 1 {
		t.Errorf("the end of the context: %v", err)
	}
}

// TestModuleClose closes a module with calls that are underway, that wait for their turn, and from inside of one.
func TestModuleClose(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("underway", func(t *testing.T) {
		begun := newMeeting(2)
		m := load(t, sharedRuntime(t), caisson.Script{
			Source: `export const spin = async () => { await tools.go.begun(); for (;;) {} }`,
			Tools:  oneFunction(t, "begun", begun.function),
			Module: caisson.ModuleOptions{Instances: 2, IdleLimit: time.Millisecond},
		})
		ended := make(chan error, 5)
		for range cap(ended) {
			go func() {
				_, err := m.RunFunction(testContext(t), "spin")
				ended <- err
			}()
		}
		<-begun.all
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { _ = m.Close() })
		}
		all.Wait()
		for range cap(ended) {
			if err := <-ended; caisson.CodeOf(err) != caisson.CodeClosed {
				t.Errorf("a call of a closed module ends with %v", err)
			}
		}
	})
	t.Run("from inside", func(t *testing.T) {
		var m *caisson.Module
		m = load(t, sharedRuntime(t), caisson.Script{
			Source: `export const close = () => tools.go.close()`,
			Tools:  oneFunction(t, "close", func(context.Context, struct{}) (any, error) { return nil, m.Close() }),
		})
		if _, err := m.RunFunction(testContext(t), "close"); caisson.CodeOf(err) != caisson.CodeClosed {
			t.Errorf("it ends with %v", err)
		}
	})
	if !eventually(func() bool { return runtime.NumGoroutine() <= before }) {
		t.Errorf("%d goroutines are left; there were %d", runtime.NumGoroutine(), before)
	}
}

// TestModuleMany has calls of modules of all sorts at once, half of which fail, with instances that come and go.
func TestModuleMany(t *testing.T) {
	t.Parallel()
	m := load(t, sharedRuntime(t), caisson.Script{
		Source: `export const good = (n) => n + 1; export const bad = () => new Promise(() => {})`,
		Module: caisson.ModuleOptions{Instances: 3, IdleLimit: time.Millisecond, CallLimit: 5},
	})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			if i%2 == 0 {
				if got, err := caisson.RunFunctionAs[int](testContext(t), m, "good", i); err != nil || got != i+1 {
					t.Errorf("good(%d) gives %d, %v", i, got, err)
				}
			} else if _, err := m.RunFunction(testContext(t), "bad"); kindOf(err) != caisson.ScriptNeverSettled {
				t.Errorf("bad ends with %v", err)
			}
		})
	}
	all.Wait()
}

// TestMaxScripts bounds the scripts of a runtime.
func TestMaxScripts(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, caisson.RuntimeOptions{MaxScripts: 4})
	t.Run("waits", func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		tools := oneFunction(t, "busy", func(context.Context, struct{}) (any, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(5 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			return nil, nil
		})
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := r.RunScript(testContext(t), caisson.Script{Source: `await tools.go.busy()`, Tools: tools}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most > 4 {
			t.Errorf("%d ran at once", most)
		}
	})
	// All places are taken until released.
	occupy := func(t *testing.T, n int) (release func()) {
		met, free := newMeeting(n), make(chan struct{})
		tools := oneFunction(t, "stay", func(ctx context.Context, in struct{}) (any, error) {
			_, err := met.function(ctx, in)
			<-free
			return nil, err
		})
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				if _, err := r.RunScript(testContext(t), caisson.Script{Source: `await tools.go.stay()`, Tools: tools}); err != nil {
					t.Error(err)
				}
			})
		}
		<-met.all
		return func() {
			close(free)
			all.Wait()
		}
	}
	t.Run("as long as the context lasts", func(t *testing.T) {
		release := occupy(t, 4)
		ctx, cancel := context.WithTimeout(testContext(t), 50*time.Millisecond)
		defer cancel()
		if result, err := r.RunScript(ctx, caisson.Script{Source: "1"}); !errors.Is(err, context.DeadlineExceeded) || result != nil {
			t.Errorf("a run without a place: %v", err)
		}
		if _, err := r.Load(ctx, caisson.Script{Source: "1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a module without a place: %v", err)
		}
		c, err := r.NewClient(nil)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := c.RunScript(testContext(t), caisson.Script{Source: "1"})
			ended <- err
		}()
		_ = c.Close()
		if err := <-ended; caisson.CodeOf(err) != caisson.CodeClosed {
			t.Errorf("the end of the client: %v", err)
		}
		release()
		if _, err := r.RunScript(testContext(t), caisson.Script{Source: "1"}); err != nil {
			t.Error(err)
		}
	})
	t.Run("modules have half", func(t *testing.T) {
		one := load(t, r, caisson.Script{Source: "export const f = () => 1", Module: caisson.ModuleOptions{Instances: 2}})
		_, err := r.Load(testContext(t), caisson.Script{Source: "1"})
		if caisson.CodeOf(err) != caisson.CodeLimit || !strings.Contains(err.Error(), "MaxScripts") {
			t.Errorf("a third instance: %v", err)
		}
		release := occupy(t, 2)
		if got, err := caisson.RunFunctionAs[int](testContext(t), one, "f"); err != nil || got != 1 {
			t.Errorf("a module has its place: %v", err)
		}
		release()
		_ = one.Close()
		load(t, r, caisson.Script{Source: "1", Module: caisson.ModuleOptions{Instances: 2}})
	})
	t.Run("a module that fails gives its places back", func(t *testing.T) {
		for range 5 {
			if _, err := r.Load(testContext(t), caisson.Script{Source: "throw 1"}); kindOf(errors.Unwrap(err)) != caisson.ScriptRuntime {
				t.Error(err)
			}
		}
		occupy(t, 4)()
	})
}

// TestScriptsInScripts has tools that run scripts while every place is taken by those that wait for them.
func TestScriptsInScripts(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, caisson.RuntimeOptions{MaxScripts: 2})
	// nested runs a script whose tool runs the next one, to a depth.
	var nested func(ctx context.Context, in struct {
		Depth int `json:"depth"`
	}) (any, error)
	fs := &caisson.Functions{}
	tools := toolSet(t, map[string]caisson.Caller{"go": fs})
	nested = func(ctx context.Context, in struct {
		Depth int `json:"depth"`
	},
	) (any, error) {
		if in.Depth == 0 {
			return 0, nil
		}
		result, err := r.RunScript(ctx, caisson.Script{
			Source: fmt.Sprintf(`const all = await Promise.all([1, 2].map(() => tools.go.nested({ depth: %d }))); all[0] + all[1] + 1`, in.Depth-1), Tools: tools,
		})
		if err != nil {
			return nil, err
		}
		return result.Value, nil
	}
	if err := caisson.AddFunction(fs, "nested", "", nested); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			result, err := r.RunScript(testContext(t), caisson.Script{Source: `await tools.go.nested({ depth: 3 })`, Tools: tools})
			if err != nil || string(result.Value) != "7" {
				t.Errorf("it ends with %v, %v", result, err)
			}
		})
	}
	all.Wait()
	if _, err := r.RunScript(testContext(t), caisson.Script{Source: `await tools.go.nested({ depth: 20 })`, Tools: tools}); kindOf(err) != caisson.ScriptTool || !strings.Contains(err.Error(), "in each other") {
		t.Errorf("endless depth: %v", err)
	}
	// A module that a tool loads does not wait for the script that waits for it.
	met := newMeeting(2)
	loads := oneFunction(t, "load", func(ctx context.Context, in struct{}) (any, error) {
		if _, err := met.function(ctx, in); err != nil {
			return nil, err
		}
		m, err := r.Load(ctx, caisson.Script{Source: "1"})
		if err == nil {
			_ = m.Close()
		}
		return nil, err
	})
	var refused atomic.Int64
	for range 2 {
		all.Go(func() {
			_, err := r.RunScript(testContext(t), caisson.Script{Source: `await tools.go.load()`, Tools: loads})
			if err != nil && (kindOf(err) != caisson.ScriptTool || !strings.Contains(err.Error(), "MaxScripts")) {
				t.Errorf("it ends with %v", err)
			} else if err != nil {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if refused.Load() == 0 { // The second one may find the place of the first, which has failed.
		t.Error("a module is loaded without a place")
	}
	// Nor does a function of a module whose only instance waits for that.
	var m *caisson.Module
	m = load(t, r, caisson.Script{
		Source: `export const again = () => tools.go.again()`,
		Tools: oneFunction(t, "again", func(ctx context.Context, _ struct{}) (any, error) {
			_, err := m.RunFunction(ctx, "again")
			return nil, err
		}),
	})
	if _, err := m.RunFunction(testContext(t), "again"); kindOf(err) != caisson.ScriptTool || !strings.Contains(err.Error(), "Module.Instances") {
		t.Errorf("a module that calls itself: %v", err)
	}
}

// TestModuleCallsItself has as many calls of a module as it has instances, each of which leads to another call of it: one
// of these fails at once, since all instances wait, and the others go on.
func TestModuleCallsItself(t *testing.T) {
	t.Parallel()
	const instances = 3
	met := newMeeting(instances)
	fs := &caisson.Functions{}
	var m *caisson.Module
	for _, err := range []error{
		caisson.AddFunction(fs, "meet", "", met.function),
		caisson.AddFunction(fs, "inner", "", func(ctx context.Context, _ struct{}) (int, error) {
			return caisson.RunFunctionAs[int](ctx, m, "inner")
		}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m = load(t, sharedRuntime(t), caisson.Script{
		Source: `export const inner = () => 1; export const outer = async () => { await tools.go.meet(); return tools.go.inner() }`,
		Tools:  toolSet(t, map[string]caisson.Caller{"go": fs}),
		Limits: caisson.ScriptLimits{Time: patience},
		Module: caisson.ModuleOptions{Instances: instances},
	})
	ended := make(chan error, instances)
	for range instances {
		go func() {
			got, err := caisson.RunFunctionAs[int](testContext(t), m, "outer")
			if err == nil && got != 1 {
				t.Errorf("it gives %d", got)
			}
			ended <- err
		}()
	}
	refused := 0
	for range instances {
		if err := <-ended; kindOf(err) == caisson.ScriptTool && strings.Contains(err.Error(), "Module.Instances") {
			refused++
		} else if err != nil {
			t.Errorf("it ends with %v", err)
		}
	}
	if refused == 0 {
		t.Error("all instances wait, and each gets one")
	}
	if got, err := caisson.RunFunctionAs[int](testContext(t), m, "outer"); err != nil || got != 1 {
		t.Errorf("afterwards it gives %d, %v", got, err)
	}
}

// TestScriptOfHandler has a handler run a script while the script whose tool has asked has the only place: it does not
// wait for that, though the context of a handler is none of the script's.
func TestScriptOfHandler(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, caisson.RuntimeOptions{MaxScripts: 1})
	var c *caisson.Client
	c, err := r.NewClient(&caisson.ClientOptions{Handlers: caisson.Handlers{
		ElicitationHandler: func(ctx context.Context, _ *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
			name, _, err := caisson.RunScriptAs[string](ctx, c, caisson.Script{Source: "'ada'"})
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": name}}, err
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	tools := toolSet(t, map[string]caisson.Caller{"s": connect(t, c, inMemory(t, asking()))})
	for range 2 {
		got, _, err := caisson.RunScriptAs[[]string](testContext(t), c, caisson.Script{Source: "await Promise.all([tools.s.ask(), tools.s.ask()])", Tools: tools})
		if err != nil || len(got) != 2 || got[0] != "ada" {
			t.Errorf("it gives %v, %v", got, err)
		}
	}
}
