package caisson_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A scriptAttack is a script that wants more than it may have.
type scriptAttack struct {
	name, source string
	limits       caisson.ScriptLimits
	kind         caisson.ScriptErrorKind // "" where the script ends well
	message      string                  // of the error; or the value
}

const mega = 1 << 20

// scriptAttacks has every bound of ScriptLimits, and what else a script can try. Each has a value that is small enough
// for a test to reach soon.
func scriptAttacks() []scriptAttack {
	soon := caisson.ScriptLimits{Computing: 300 * time.Millisecond}
	late := caisson.ScriptLimits{Time: 300 * time.Millisecond}
	none := caisson.ScriptLimits{Computing: patience, Time: 2 * patience} // no time that a busy machine takes
	return []scriptAttack{
		{"endless loop", `for (;;) {}`, soon, caisson.ScriptLimit, "Computing"},
		{"endless awaiting", `for (;;) await null`, soon, caisson.ScriptLimit, "Computing"},
		{"endless jobs", `const f = () => Promise.resolve().then(f); await f()`, soon, caisson.ScriptLimit, "Computing"},
		{"exploding pattern", `/^(a+)+$/.test('a'.repeat(60) + 'b')`, soon, caisson.ScriptLimit, "Computing"},
		{"endless getter", `return { get a() { for (;;); } }`, soon, caisson.ScriptLimit, "Computing"},
		{"endless error", `throw { get message() { for (;;); } }`, soon, caisson.ScriptLimit, "Computing"},
		{"endless proxy", `console.log(new Proxy({}, { ownKeys() { for (;;); } }))`, soon, caisson.ScriptLimit, "Computing"},
		{"endless then", `await { then(kept) { for (;;); } }`, soon, caisson.ScriptLimit, "Computing"},
		{"endless loop in a timer", `setTimeout(() => { for (;;); }); await sleep(1e6)`, soon, caisson.ScriptLimit, "Computing"},
		{"fuel", `let n = 0; for (let i = 0; i < 1e7; i++) n += i; n`, caisson.ScriptLimits{Fuel: 100_000_000}, caisson.ScriptLimit, "Fuel"},
		{"an endless loop of a late script", `await sleep(1); for (;;);`, late, caisson.ScriptLimit, "Time"},
		{"a long sleep", `await sleep(1e6)`, late, caisson.ScriptLimit, "Time"},
		{"endless sleeping", `for (;;) await sleep(1)`, late, caisson.ScriptLimit, "Time"},
		{"a tool that never answers", `await tools.go.wait()`, late, caisson.ScriptLimit, "Time"},
		{"a tool that never listens", `await tools.go.deaf()`, late, caisson.ScriptLimit, "Time"},
		{"memory in objects", `const a = []; for (;;) a.push(new Array(1000).fill({}))`, none, caisson.ScriptLimit, ""},
		{"memory in buffers", `const a = []; for (;;) a.push(new Uint8Array(1e6))`, none, caisson.ScriptLimit, "MemoryBytes"},
		{"memory in a text", `let s = 'x'; for (;;) s += s`, none, "", ""},
		{"memory in texts", `const a = []; for (let i = 0; ; i++) a.push(('x' + i).repeat(1e5).split('').join('-'))`, none, caisson.ScriptLimit, "MemoryBytes"},
		{"a text of a gigabyte", `'x'.repeat(1e9)`, none, "", ""},
		{"a text of a gigabyte in the log", `console.log('x'.repeat(1e9))`, none, "", ""},
		{"caught", `try { const a = []; for (;;) a.push(new Uint8Array(1e7)) } catch (e) { return 'caught' }`, none, "", "caught"},
		{"endless recursion", `const f = () => f() + 1; f()`, none, caisson.ScriptRuntime, "too much recursion"},
		{"recursion in getters", `const o = { get a() { return this.a } }; o.a`, none, caisson.ScriptRuntime, "too much recursion"},
		{"recursion in toJSON", `const o = { toJSON() { return JSON.stringify(o) } }; JSON.stringify(o)`, none, caisson.ScriptRuntime, "too much recursion"},
		{"recursion in sort", `const f = () => [1, 2].sort(f); f()`, none, caisson.ScriptRuntime, "too much recursion"},
		{"recursion in replace", `const f = () => 'x'.replace(/x/, f); f()`, none, caisson.ScriptRuntime, "too much recursion"},
		{"recursion in a proxy", `let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x`, none, caisson.ScriptRuntime, "too much recursion"},
		{"recursion in bind", `let f = () => 1; for (let i = 0; i < 1e5; i++) f = f.bind(null); f()`, none, "", ""},
		{"recursion in eval", `globalThis.f = () => eval('f()'); f()`, none, caisson.ScriptRuntime, "too much recursion"},
		{"recursion in a pattern", `new RegExp('('.repeat(1e5) + ')'.repeat(1e5))`, none, caisson.ScriptRuntime, ""},
		{"recursion in async functions", `const f = async () => { await f() }; await f()`, none, "", ""},
		{"recursion in a generator", `function* f() { yield* f() } [...f()]`, none, caisson.ScriptRuntime, "too much recursion"},
		{"deep JSON", `JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))`, none, "", ""},
		{"a deep result", `let o = {}; for (let i = 0; i < 300; i++) o = { o }; return o`, none, caisson.ScriptLimit, "ResultDepth"},
		{"a very deep result", `let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return o`, none, caisson.ScriptInvalidArguments, "too much recursion"},
		{"a deep value in the log", `let o = {}; for (let i = 0; i < 1e6; i++) o = [o]; console.log(o); 1`, none, "", "1"},
		{"a large result", `return 'x'.repeat(100_001)`, none, caisson.ScriptLimit, "OutputBytes"},
		{"a large log", `for (let i = 0; ; i++) console.log('x'.repeat(1000))`, none, caisson.ScriptLimit, "OutputBytes"},
		{"a million lines", `for (let i = 0; i < 1e6; i++) console.log(i)`, none, caisson.ScriptLimit, "LogLines"},
		{"a million timers", `for (let i = 0; i < 1e6; i++) setTimeout(() => {}, 1e6)`, none, caisson.ScriptLimit, "Timers"},
		{"10,000 calls at once", `await Promise.all(Array.from({ length: 10_000 }, () => tools.go.add({ a: 1, b: 2 })))`, none, caisson.ScriptLimit, "ToolCalls"},
		{"10,000 calls of what is not there", `for (let i = 0; i < 10_000; i++) await tools.no.no().catch(() => {})`, none, caisson.ScriptLimit, "ToolCalls"},
		{"large arguments", `await tools.go.describe({ name: 'x'.repeat(2e4) })`, caisson.ScriptLimits{ArgumentBytes: 10_000}, caisson.ScriptLimit, "ArgumentBytes"},
		{"a large answer", `await tools.go.much()`, none, caisson.ScriptTool, "AnswerBytes"},
		{"long names", `await tools['x'.repeat(1e6)]['y'.repeat(1e6)]()`, none, caisson.ScriptLimit, "ArgumentBytes"},
		{"a name of a million letters", `await tools['x'.repeat(1e6)].y()`, none, caisson.ScriptTool, "no server"},
		{"a name with a zero", `await tools['a\0b']['\ud800']()`, none, caisson.ScriptTool, "no server"},
		{"a large source", `/* ` + strings.Repeat("x", 128_000) + ` */ 1`, none, caisson.ScriptLimit, "SourceBytes"},
		{"a promise that never settles", `await new Promise(() => {})`, none, caisson.ScriptNeverSettled, "never happens"},
		{"import of anything", `await import('data:text/javascript,1')`, none, caisson.ScriptRuntime, "cannot import"},
		{"import of what throws", `await import({ toString() { throw 1 } })`, none, caisson.ScriptRuntime, "cannot import"},
		{"import with options", `await import('x', { with: { type: 'json' } })`, none, caisson.ScriptRuntime, "cannot import"},
		{"import in a template", "`${await import('x')}`", none, caisson.ScriptRuntime, "cannot import"},
		{"import.meta", `import.meta.url`, none, caisson.ScriptSyntax, ""},
		{"import of a phase", `await import.source('x')`, none, caisson.ScriptSyntax, ""},
		{"an html comment before import", "<!-- x\nawait import('x')", none, caisson.ScriptRuntime, "cannot import"},
		{"a patched stringify", `JSON.stringify = () => 'no JSON'; return [1]`, none, "", "[1]"},
		{"a patched parse", `JSON.parse = () => { throw 1 }; await tools.go.add({ a: 1, b: 2 })`, none, "", "3"},
		{"no JSON", `delete globalThis.JSON; await tools.go.add({ a: 1, b: 2 })`, none, "", "3"},
		{"patched promises", `globalThis.Promise = null; const r = await tools.go.add({ a: 1, b: 2 }); return r`, none, "", "3"},
		{"patched values", `JSON.rawJSON = BigInt = Object.is = Reflect.has = ArrayBuffer.isView = RegExp.prototype.exec = Uint8Array.prototype.toBase64 = () => { throw 1 }; return [-0, input, new Map([[1, new Uint8Array(1)]])]`, none, "", `[-0,null,{"1":"AA=="}]`},
		{"a map that is none", `return Object.create(Map.prototype)`, none, caisson.ScriptInvalidArguments, "no form in JSON"},
		{"a map in itself", `const m = new Map(); m.set(1, m); return m`, none, caisson.ScriptInvalidArguments, "no form in JSON"},
		{"an instance of all", `Object.defineProperty(Map, Symbol.hasInstance, { value: () => true }); class A { x = 1 } return new A()`, none, caisson.ScriptInvalidArguments, "no form in JSON"},
		{"a setter of keys", `Object.defineProperty(Object.prototype, 'a', { set() { throw 1 }, get() { return 'evil' } }); return new Map([['a', 1], ['__proto__', 2]])`, none, "", `{"a":1,"__proto__":2}`},
		{"a patched search", `Array.prototype.map = () => { throw new Error('own affair') }; search_tools('x')`, none, caisson.ScriptRuntime, "own affair"},
		{"a patched map of timers", `Map.prototype.get = Map.prototype.has = Map.prototype.delete = () => { throw new Error('own affair') }; await sleep(1)`, none, caisson.ScriptRuntime, "own affair"},
		{"a patched then", `Promise.prototype.then = function () {}; await tools.go.add({ a: 1, b: 2 })`, none, "", "3"},
		{"a patched constructor of promises", `Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 1 } }); return 1`, none, "", "1"},
		{"a patched species", `Object.defineProperty(Promise, Symbol.species, { value: class { constructor() { throw 1 } } }); return 1`, none, "", "1"},
		{"a patched map", `Map.prototype.get = Map.prototype.set = Map.prototype.has = () => { throw 1 }; await tools.go.add({ a: 1, b: 2 })`, none, "", "3"},
		{"patched arrays", `for (const n of Object.getOwnPropertyNames(Array.prototype)) try { Array.prototype[n] = () => { throw 1 } } catch {} console.log([1], 'x'); await tools.go.add({ a: 1, b: 2 })`, none, "", "3"},
		{"a setter of arrays", `Object.defineProperty(Array.prototype, '0', { set() { throw 1 }, get() { return 'evil' } }); throw new Error('right')`, none, caisson.ScriptRuntime, "Error: right"},
		{"patched iterators", `Array.prototype[Symbol.iterator] = null; console.log(1, 2); return 1`, none, "", "1"},
		{"patched strings", `for (const n of Object.getOwnPropertyNames(String.prototype)) try { String.prototype[n] = () => { throw 1 } } catch {} throw new Error('right')`, none, caisson.ScriptRuntime, "Error: right"},
		{"patched reflection", `Reflect.apply = Reflect.defineProperty = Object.defineProperty = Object.keys = Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw 1 }; console.log({ a: 1 }); await tools.go.add({ a: 1, b: 2 })`, none, "", "3"},
		{"a polluted prototype", `Object.prototype.get = Object.prototype.line = Object.prototype.stack = Object.prototype.kind = () => 'evil'; Object.prototype.value = 5; console.log({ a: 1 }); throw new Error('right')`, none, caisson.ScriptRuntime, "Error: right"},
		{"a polluted then", `Object.prototype.then = function (kept) { kept('evil') }; return 1`, none, "", "1"},
		{"a polluted toJSON", `Object.prototype.toJSON = () => 'own affair'; return {}`, none, "", `"own affair"`},
		{"a polluted tag", `Object.prototype.tag = 'err'; Object.prototype.val = 1; return 'right'`, none, "", `"right"`},
		{"a patched boundary", `globalThis.Uint8Array = DataView.prototype.setInt32 = TextEncoder.prototype.encodeInto = null; console.log('ü'); await tools.go.add({ a: 1, b: 2 })`, none, "", "3"},
		{"a patched prototype of bytes", `Object.setPrototypeOf(Uint8Array.prototype, null); console.log('ü'); return 1`, none, "", "1"},
		{"an error without a stack", `Error.captureStackTrace?.({}); Error.prototype.stack = 1; const e = new Error('right'); Object.defineProperty(e, 'stack', { get() { throw 1 } }); throw e`, none, caisson.ScriptRuntime, "Error: right"},
		{"a patched toString", `Error.prototype.toString = Symbol.prototype.toString = () => { throw 1 }; throw Symbol('right')`, none, caisson.ScriptRuntime, "Symbol(right)"},
		{"a frozen global object", `Object.freeze(globalThis); await tools.go.add({ a: 1, b: 2 })`, none, "", "3"},
		{"no globals", `for (const n of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[n] } catch {} return 1`, none, "", "1"},
		{"a job after the end", `Promise.resolve().then(() => { for (let i = 0; i < 10; i++) console.log(i) }); return 1`, none, "", "1"},
		{"the way out of the function", "}); globalThis.out = 1; (async () => {", none, caisson.ScriptSyntax, ""},
		{"names of ours", `const __caisson__ = 1; function main() { return 2 }`, none, caisson.ScriptSyntax, ""},
		{"an own source URL", "//# sourceURL=caisson:core\nthrow new Error('right')\n//# sourceURL=x", none, caisson.ScriptRuntime, "Error: right"},
		{"waiting in the sandbox", `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`, none, caisson.ScriptRuntime, ""},
	}
}

// attackTools are functions for the attacks.
func attackTools(t testing.TB, release <-chan struct{}) *caisson.ToolSet {
	t.Helper()
	fs := programTools(t)
	for _, err := range []error{
		caisson.AddFunction(fs, "much", "", func(context.Context, struct{}) (string, error) { return strings.Repeat("x", 9*mega), nil }),
		caisson.AddFunction(fs, "deaf", "", func(context.Context, struct{}) (any, error) { <-release; return nil, nil }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return toolSet(t, map[string]caisson.Caller{"go": fs})
}

// TestScriptLimits runs the attacks, some beside each other: each gets its own end, and nothing is left.
func TestScriptLimits(t *testing.T) {
	r := sharedRuntime(t)
	release := make(chan struct{})
	tools := attackTools(t, release)
	before := runtime.NumGoroutine()
	var wait sync.WaitGroup
	places := make(chan struct{}, 4)
	for _, a := range scriptAttacks() {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			result, err := r.RunScript(testContext(t), caisson.Script{Source: a.source, Tools: tools, Limits: a.limits})
			checkAttack(t, &a, result, err)
		})
	}
	wait.Wait()
	close(release)
	if !eventually(func() bool { return runtime.NumGoroutine() <= before }) {
		t.Errorf("%d goroutines are left; there were %d", runtime.NumGoroutine(), before)
	}
	// Everybody else goes on.
	if result, err := runScript(t, aScript(t, `await tools.go.add({ a: 1, b: 2 })`)); err != nil || string(result.Value) != "3" {
		t.Errorf("after all of them: %v, %v", result, err)
	}
}

func checkAttack(t *testing.T, a *scriptAttack, result *caisson.ScriptResult, err error) {
	t.Helper()
	if a.kind == "" {
		// What has no bound of its own may end well or badly; it must not stop the sandbox.
		var e *caisson.ScriptError
		switch {
		case err == nil && a.message != "" && string(result.Value) != a.message && string(result.Value) != `"`+a.message+`"`:
			t.Errorf("%s: it gives %s", a.name, result.Value)
		case err != nil && a.message != "":
			t.Errorf("%s: it ends with %v", a.name, err)
		case err != nil && (!errors.As(err, &e) || e.Kind == caisson.ScriptTrap):
			t.Errorf("%s: it ends with %v", a.name, err)
		}
		return
	}
	var e *caisson.ScriptError
	if !errors.As(err, &e) || e.Kind != a.kind || !strings.Contains(e.Message, a.message) {
		t.Errorf("%s: it ends with %v, want %s with %q", a.name, err, a.kind, a.message)
	}
}

// TestScriptLimitsAtMost has limits as large as they can be: they bound nothing, and cost nothing.
func TestScriptLimitsAtMost(t *testing.T) {
	t.Parallel()
	c := sleeper(t)
	most := caisson.ScriptLimits{
		Computing: math.MaxInt64, Time: math.MaxInt64, Fuel: math.MaxUint64, SourceBytes: math.MaxInt, OutputBytes: math.MaxInt,
		LogLines: math.MaxInt, ResultDepth: math.MaxInt, ToolCalls: math.MaxInt, ParallelCalls: math.MaxInt,
		ArgumentBytes: math.MaxInt, AnswerBytes: math.MaxInt, Timers: math.MaxInt,
	}
	tools := oneFunction(t, "one", func(context.Context, struct{}) (any, error) { return 1, nil })
	s := caisson.Script{Source: `console.log('one'); await sleep(1); [await tools.go.one()]`, Tools: tools, Limits: most}
	repeats(t, c, s, nil)
	s.Source = `await sleep(PAUSE); [await tools.go.one()]`
	if result, err := wakeUp(t, c, asleepOf(t, c, s), tools).Wait(); err != nil || string(result.Value) != "[1]" {
		t.Errorf("it wakes to %+v, %v", result, err)
	}
	folder := caisson.ModuleFolder{Files: fstest.MapFS{"m.js": {Data: []byte(`export const f = () => [tools.go.one()].length`)}}, Tools: tools, Limits: most}
	if result, err := c.RunFunction(testContext(t), folder, "m", "f"); err != nil || string(result.Value) != "1" {
		t.Errorf("a function gives %+v, %v", result, err)
	}
	if result, err := c.RunScript(testContext(t), caisson.Script{Source: `1`, Limits: caisson.ScriptLimits{MemoryBytes: math.MaxInt64}}); err != nil || string(result.Value) != "1" {
		t.Errorf("with all memory it gives %+v, %v", result, err)
	}
}
