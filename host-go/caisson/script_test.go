package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caissontest"
	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type twoNumbers struct {
	A float64 `json:"a" jsonschema:"the first number"`
	B float64 `json:"b"`
}

// programTools are functions of the test's.
func programTools(t testing.TB) *caisson.Functions {
	t.Helper()
	fs := &caisson.Functions{}
	for _, err := range []error{
		caisson.AddFunction(fs, "add", "Adds two numbers.", func(_ context.Context, in twoNumbers) (float64, error) { return in.A + in.B, nil }),
		caisson.AddFunction(fs, "describe", "Describes a person.", func(_ context.Context, in struct {
			Name string `json:"name"`
		},
		) (map[string]any, error) {
			return map[string]any{"name": in.Name, "length": len(in.Name)}, nil
		}),
		caisson.AddFunction(fs, "fail", "Fails.", func(context.Context, struct{}) (any, error) { return nil, errors.New("as it should") }),
		caisson.AddFunction(fs, "panic", "Panics.", func(context.Context, struct{}) (any, error) { panic("at the disco") }),
		caisson.AddFunction(fs, "wait", "Waits for the end of its context.", func(ctx context.Context, _ struct{}) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

func toolSet(t testing.TB, servers map[string]caisson.Caller) *caisson.ToolSet {
	t.Helper()
	set, err := caisson.NewToolSet(servers)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// aScript is a script with the functions of the test's as tools of "go".
func aScript(t testing.TB, source string) caisson.Script {
	t.Helper()
	return caisson.Script{
		Source: source, Name: "test.js", Input: map[string]any{"n": 2}, Args: []string{"one", "two"},
		Tools: toolSet(t, map[string]caisson.Caller{"go": programTools(t)}),
	}
}

func runScript(t testing.TB, s caisson.Script) (*caisson.ScriptResult, error) {
	t.Helper()
	return sharedRuntime(t).RunScript(testContext(t), s)
}

// TestScriptValues has scripts that work: what they return, and what they find.
func TestScriptValues(t *testing.T) {
	for source, want := range map[string]string{
		`1 + 1`:                           `2`,
		`return 3`:                        `3`,
		`const x = 4; x;`:                 `4`,
		`const x = 4`:                     `null`,
		"// nothing\n":                    `null`,
		`'use strict'`:                    `"use strict"`,
		`#!/usr/bin/env node` + "\n1":     `1`,
		`(1, 2)`:                          `2`,
		`if (true) { 5 }`:                 `null`,
		`await Promise.resolve(6) // s`:   `6`,
		"`a;\n${1}b`":                     `"a;\n1b"`,
		`function main() { return args }`: `["one","two"]`,
		`function main(a, b) { return [a, b] } 7`:                   `["one","two"]`,
		`export const main = async (a) => { await null; return a }`: `"one"`,
		`const f = (...a) => a.length; export { f as main }`:        `2`,
		`export default function main() { return 'default' }`:       `"default"`,
		`export default { a: 1 }`:                                   `null`,
		`input`:                                                     `{"n":2}`,
		`input.n + (await tools.go.add({ a: 1, b: 2 }))`:            `5`,
		`await tools['go']['add']({ a: 1, b: 2 })`:                  `3`,
		`await call_tool('go', 'add', { a: 3, b: 4 })`:              `7`,
		`await tools.go.describe({ name: 'Ada' })`:                  `{"length":3,"name":"Ada"}`,
		`const all = await Promise.all([1, 2, 3].map(n => tools.go.add({ a: n, b: n }))); all.join()`:     `"2,4,6"`,
		`[Object.keys(tools), Object.keys(tools.go), 'go' in tools, 'add' in tools.go, 'no' in tools.go]`: `[["go"],["add","describe","fail","panic","wait"],true,true,false]`,
		`[typeof await tools, typeof await tools.go]`:                                                     `["object","object"]`,
		`search_tools('add some numbers')[0]`:                                                             `{"server":"go","name":"add","description":"Adds two numbers."}`,
		`search_tools('nothing that is there')`:                                                           `[]`,
		`search_tools('').length`:                                                                         `5`,
		`const t = get_tool('go.add'); [t.server, t.name, t.inputSchema.required]`:                        `["go","add",["a","b"]]`,
		`[get_tool('add').name, get_tool('go', 'add').name, get_tool('no')]`:                              `["add","add",null]`,
		`try { await tools.go.fail() } catch (e) { [e.name, e.message, e.server, e.tool, e.code, e.content, e instanceof ToolError, e instanceof Error] }`:                              `null`,
		`try { await tools.go.fail() } catch (e) { return [e.name, e.message, e.server, e.tool, e.code === undefined, e.content[0].text, e instanceof ToolError, e instanceof Error] }`: `["ToolError","as it should","go","fail",true,"as it should",true,true]`,
		`try { await tools.go.nope() } catch (e) { return [e.code, e.message] }`:                                                                                                        `["not found","the server \"go\" has no tool \"nope\"; it has add, describe, fail, panic, wait"]`,
		`try { await tools.no.nope() } catch (e) { return e.message }`:                                                                                                                  `"there is no server \"no\"; it has go"`,
		`try { await tools.go.add({ a: 'x', b: 2 }) } catch (e) { return e.message.includes('do not fit') }`:                                                                            `true`,
		`try { await tools.go.add(1) } catch (e) { return e instanceof TypeError }`:                                                                                                     `true`,
		`try { await tools.go.panic() } catch (e) { return [e.code, e.message.includes('at the disco')] }`:                                                                              `["internal",true]`,
		`const before = Date.now(); await sleep(20); Date.now() - before >= 19`:                                                                                                         `true`,
		`let n = 0; const id = setInterval(() => n++, 1); while (n < 3) await sleep(1); clearInterval(id); n >= 3`:                                                                      `true`,
		`await new Promise(kept => setTimeout(kept, 1, 'late'))`:                                                                                                                        `"late"`,
		`const order = []; const last = new Promise(kept => setTimeout(() => { order.push('number'); kept() }, 1000)); setTimeout(() => order.push('NaN'), NaN); setTimeout(() => order.push('text'), 'soon'); setTimeout(() => order.push('big'), 10n); setTimeout(() => order.push('never'), Infinity); await last; order.join()`: `"NaN,text,big,number"`,
		`let n = 0; const id = setInterval(() => n++, 1); while (n < 3) await sleep(1); clearTimeout(id); const then = n; await sleep(20); n === then`:                                                                                                                                                                              `true`,
		`try { setTimeout('code', 1) } catch (e) { return e instanceof TypeError }`: `true`,
		`return [new Number(5), Object(2n ** 64n), new Boolean(true)]`:              `[5,18446744073709551616,true]`,
		`export /* behind
			a line */ default function main() { return new Error().stack.includes('test.js:2:') }`: `true`,
		`clearTimeout(setTimeout(() => { throw 1 }, 1)); await sleep(5); 'quiet'`:                                                                                          `"quiet"`,
		`Number.isInteger(Date.now()) && Number.isInteger(performance.now())`:                                                                                              `true`,
		`[typeof fetch, typeof XMLHttpRequest, typeof process, typeof require, typeof WebAssembly, typeof location]`:                                                       `["undefined","undefined","undefined","undefined","undefined","undefined"]`,
		`[btoa('x'), atob('eA=='), new URL('http://a/b?c=1').searchParams.get('c'), new TextDecoder().decode(new TextEncoder().encode('ü')), structuredClone({ a: 1 }).a]`: `["eA==","x","1","ü",1]`,
		`const d = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('abc')); [...new Uint8Array(d)].map(b => b.toString(16).padStart(2, '0')).join('')`:      `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`,
		`eval('1 + 1') + new Function('a', 'return a')(1)`:                                                                                                                 `3`,
		`try { await import('node:fs') } catch (e) { return e.message }`:                                                                                                   `"a script cannot import modules"`,
		`try { eval("import('x')") } catch (e) { return e.message }`:                                                                                                       `"code that is made of text cannot have an import"`,
		`try { (async () => {}).constructor('return import/**/("x")') } catch (e) { return e instanceof TypeError }`:                                                       `true`,
		`eval('"important"')`: `"important"`,
		`async function main() { return 'once' } let n = 0; main()`: `"once"`,
		`let n = 0; async function main() { n++ } await main(); n`:  `1`,

		`const f = () => { const main = 1 }; 'inner'`: `"inner"`,
		`'main'`:                                                    `"main"`,
		`({ toJSON: () => 'shown' })`:                               `"shown"`,
		`return { toJSON: () => 'shown' }`:                          `"shown"`,
		`return [undefined, 1n, -0]`:                                `[null,1,-0]`,
		`return '\ud800'`:                                           `"\ud800"`,
		`Promise.reject(new Error('nobody hears it')); 'on'`:        `"on"`,
		`try { throw new Error('x') } catch (e) { return e.stack }`: `"at test.js:1:13"`,
		`this === globalThis || this === undefined`:                 `true`,
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			result, err := runScript(t, aScript(t, source))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(result.Value); got != want {
				t.Errorf("%s gives %s, want %s", source, got, want)
			}
			if u := result.Usage; u.Fuel == 0 || u.MemoryBytes < 20<<20 || u.Computing <= 0 {
				t.Errorf("the usage is %+v", u)
			}
		})
	}
}

// TestScriptLogs looks at the log, with values of all sorts.
func TestScriptLogs(t *testing.T) {
	result, err := runScript(t, aScript(t, `
console.debug('a', 1); console.log({ a: [1, { b: null }] }); console.info(new Map([[1, new Set(['x'])]]));
console.warn(undefined, 5n, Symbol('s'), () => 1, function named() {}); console.error(new TypeError('bad'));
print('two', 'words'); console.assert(true); console.assert(false, 'no');
const o = { get x() { return 1 }, 'a b': 1 }; o.o = o; console.log(o, [[[[[[[1]]]]]]], new Date(0), /x/g, new (class P { x = 1 })());
console.log(new Proxy({}, { ownKeys() { throw 1 } }), Object.create(null));
console.log('x'.repeat(20000).length, 'y'.repeat(20000));`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range result.Logs {
		if time.Since(l.Time) > patience {
			t.Errorf("the time is %v", l.Time)
		}
		text := l.Text
		if len(text) > 200 {
			text = fmt.Sprint(len(text), text[len(text)-3:])
		}
		got = append(got, l.Level+" "+text)
	}
	want := []string{
		"debug a 1",
		"info { a: [1, { b: null }] }",
		`info Map(1) { 1 => Set(1) { "x" } }`,
		"warn undefined 5n Symbol(s) [function] [function named]",
		"error TypeError: bad",
		"info two words",
		"error assertion failed: no",
		`info { x: [getter], "a b": 1, o: [circular] } [[[[[[…]]]]]] 1970-01-01T00:00:00.000Z /x/g P { x: 1 }`,
		"info [a value that cannot be shown] {}",
		"info 16387…",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestScriptUncaught looks at what the log has of errors that nobody caught: each once, with its place, and no more of
// them than a hundred; none that is caught in the same turn, or that ends the script.
func TestScriptUncaught(t *testing.T) {
	failed := "error uncaught: ToolError: as it should "
	for source, want := range map[string]string{
		"tools.go.fail();\nawait sleep(20); await sleep(20)":                                         failed + "(test.js:1:10)",
		"const p = tools.go.fail(); await sleep(20); await p.catch(() => {}); await sleep(20)":       failed + "(test.js:1:20)",
		"const p = tools.go.fail(); setTimeout(() => p.catch(() => {}), 1); await p.catch(() => {})": "",
		"await Promise.allSettled([tools.go.fail(), tools.go.fail()])":                               "",
		"const p = tools.go.fail(); await Promise.race([p, sleep(60_000)]).catch(() => {})":          "",
		"tools.go.fail().then(() => {}, () => {}); await sleep(20)":                                  "",
		"return tools.go.fail()": "",
		"await tools.go.fail()":  "",
		"for (const _ of 'abc') tools.go.fail(); await sleep(20); await sleep(20)":      strings.Repeat(failed+"(test.js:1:33)|", 2) + failed + "(test.js:1:33)",
		"queueMicrotask(() => { throw new RangeError('x') }); await sleep(1)":           "error uncaught: RangeError: x (test.js:1:30)",
		"setTimeout(() => {\n  null.x }, 1); await sleep(20)":                           "error uncaught: TypeError: can't access property \"x\" of null (test.js:2:3)",
		"setTimeout(() => { throw { get message() { throw 1 } } }, 1); await sleep(20)": "error uncaught: a value that cannot be shown",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			result, _ := runScript(t, aScript(t, source))
			var got []string
			for _, l := range result.Logs {
				got = append(got, l.Level+" "+l.Text)
			}
			if strings.Join(got, "|") != want {
				t.Errorf("the log is %s", strings.Join(got, "|"))
			}
		})
	}
	result, err := runScript(t, aScript(t, "for (let i = 0; i < 300; i++) queueMicrotask(() => { throw i }); await null; await null; 1"))
	if err != nil || len(result.Logs) != 101 || result.Logs[100].Text != "uncaught: further errors are not shown" {
		t.Errorf("%v, with %d lines", err, len(result.Logs))
	}
}

// TestScriptErrors has scripts that fail: of which kind, where, and with which stack.
func TestScriptErrors(t *testing.T) {
	for _, test := range []struct {
		source, message string
		kind            caisson.ScriptErrorKind
		line, column    int
		stack           string
	}{
		{"let x = 1;\nlet y = ;", "expected expression, got ';'", caisson.ScriptSyntax, 2, 9, ""},
		{"}", "garbage after function body", caisson.ScriptSyntax, 1, 1, ""},
		{"\uFEFF null.x", "TypeError", caisson.ScriptRuntime, 1, 2, "at test.js:1:2"},
		{"'😀', '😀'; let a = = 1", "expected expression", caisson.ScriptSyntax, 1, 19, ""},
		{"'😀';\r\n'😀'; null.x\r\n", "TypeError", caisson.ScriptRuntime, 2, 6, "at test.js:2:6"},
		{"let x = 1;\nconsole.log(x", "the source ends too soon", caisson.ScriptSyntax, 2, 14, ""},
		{"if (true) {\n\n", "the source ends too soon", caisson.ScriptSyntax, 3, 1, ""},
		{"import fs from 'fs'", "cannot import", caisson.ScriptSyntax, 1, 1, ""},
		{"\n export * from 'x'", "cannot import", caisson.ScriptSyntax, 2, 2, ""},
		{"const a = 1; const a = 2", "redeclaration of const a", caisson.ScriptSyntax, 1, 20, ""},
		{strings.Repeat("[", 100_000), "nested too deeply", caisson.ScriptSyntax, 0, 0, ""},
		{"function f() {\n  throw new Error('boom')\n}\n  f()", "Error: boom", caisson.ScriptRuntime, 2, 9, "at f (test.js:2:9)\nat test.js:4:3"},
		{"null.x", "TypeError", caisson.ScriptRuntime, 1, 1, "at test.js:1:1"},
		{"async function a() { await null; throw new RangeError('later') }\nawait a()", "RangeError: later", caisson.ScriptRuntime, 1, 40, "at a (test.js:1:40)\nat async test.js:2:7"},
		{"export function main() { missing() }", "missing is not defined", caisson.ScriptRuntime, 1, 26, "at main (test.js:1:26)"},
		{"throw 'text'", "text", caisson.ScriptRuntime, 0, 0, ""},
		{"throw null", "null", caisson.ScriptRuntime, 0, 0, ""},
		{"throw undefined", "undefined", caisson.ScriptRuntime, 0, 0, ""},
		{"throw Symbol('s')", "Symbol(s)", caisson.ScriptRuntime, 0, 0, ""},
		{"throw { a: 1 }", `{"a":1}`, caisson.ScriptRuntime, 0, 0, ""},
		{"throw { message: 'like one' }", "Error: like one", caisson.ScriptRuntime, 0, 0, ""},
		{"throw { toString() { throw 1 }, get message() { throw 2 } }", "cannot be shown", caisson.ScriptRuntime, 0, 0, ""},
		{"throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })", "cannot be shown", caisson.ScriptRuntime, 0, 0, ""},
		{"const r = Proxy.revocable({}, {}); r.revoke(); throw r.proxy", "cannot be shown", caisson.ScriptRuntime, 0, 0, ""},
		{"throw Object.create(null)", "{}", caisson.ScriptRuntime, 0, 0, ""},
		{"await tools.go.fail()", "as it should", caisson.ScriptTool, 1, 16, "at test.js:1:16"},
		{"\nawait tools.go.nope()", "no tool", caisson.ScriptTool, 2, 16, "at test.js:2:16"},
		{"const o = {}; o.o = o; return o", "no form in JSON", caisson.ScriptInvalidArguments, 0, 0, ""},
		{"return [NaN]", `"0" is NaN`, caisson.ScriptInvalidArguments, 0, 0, ""},
		{"return { a: sleep(1) }", `"a" is a Promise: await it`, caisson.ScriptInvalidArguments, 0, 0, ""},
		{"return () => 1", "it is a function", caisson.ScriptInvalidArguments, 0, 0, ""},
		{"return Symbol()", "it is a symbol", caisson.ScriptInvalidArguments, 0, 0, ""},
		{"return { toJSON() { throw new Error('no') } }", "no form in JSON", caisson.ScriptInvalidArguments, 0, 0, ""},
		{"import('x')", "a script cannot import modules", caisson.ScriptRuntime, 1, 1, "at test.js:1:1"},
		{"return [new Number(NaN)]", `"0" is NaN`, caisson.ScriptInvalidArguments, 0, 0, ""},
		{"return [1n << 1_000_000n]", `"0" is an integer of more than 4300 digits`, caisson.ScriptInvalidArguments, 0, 0, ""},
		{"throw -(1n << 1_000_000n)", "an integer of more than 4300 digits", caisson.ScriptRuntime, 0, 0, ""},
		{
			"let e; for (let i = 0; i < 1000; i++) e = new RangeError('of it', { cause: e });\nthrow new Error('x', { cause: e })",
			"Error: x", caisson.ScriptRuntime, 2, 7, "at test.js:2:7" + strings.Repeat("\ncaused by RangeError: of it\nat test.js:1:43", 10),
		},
		{"const e = new Error('x'); e.cause = e;\nthrow e", "Error: x", caisson.ScriptRuntime, 1, 11, "at test.js:1:11" + strings.Repeat("\ncaused by Error: x\nat test.js:1:11", 10)},
		{"const e = new Error('x'); Object.defineProperty(e, 'cause', { get() { throw 1 } });\nthrow e", "Error: x", caisson.ScriptRuntime, 1, 11, "at test.js:1:11"},
		{
			"await Promise.any([tools.go.fail(), tools.go.fail()])", "AggregateError", caisson.ScriptTool, 1, 15,
			"at async test.js:1:15\ncaused by ToolError: as it should\nat test.js:1:29\ncaused by ToolError: as it should\nat test.js:1:46",
		},
		{"await Promise.any([tools.go.fail(), Promise.reject(1)])", "AggregateError", caisson.ScriptRuntime, 1, 15, "at async test.js:1:15\ncaused by ToolError: as it should\nat test.js:1:29\ncaused by 1"},
		{"await sleep(Infinity)", "never happens", caisson.ScriptNeverSettled, 0, 0, ""},
		{"await new Promise(() => {})", "never happens", caisson.ScriptNeverSettled, 0, 0, ""},
		{"await { then() {} }", "never happens", caisson.ScriptNeverSettled, 0, 0, ""},
	} {
		name := test.source
		if len(name) > 100 {
			name = name[:100]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := runScript(t, aScript(t, test.source))
			var e *caisson.ScriptError
			if !errors.As(err, &e) {
				t.Fatalf("it ends with %v", err)
			}
			if e.Kind != test.kind || !strings.Contains(e.Message, test.message) || e.Line != test.line || e.Column != test.column || e.Stack != test.stack {
				t.Errorf("it ends with %+v", *e)
			}
			if result == nil || result.Value != nil || result.Usage.Fuel == 0 {
				t.Errorf("the result is %+v", result)
			}
			if strings.Contains(err.Error()+e.Stack, "core.js") || strings.Contains(e.Stack, "caisson:") {
				t.Errorf("it has lines of ours: %v %s", err, e.Stack)
			}
		})
	}
}

// TestScriptCalls has a script call the tools of a server, and looks at what it gets of each sort of result, and
// at what the program is told of the calls.
func TestScriptCalls(t *testing.T) {
	server := caissontest.NewServer(t)
	tool := func(name string, output any, result any) {
		server.AddTool(&mcp.Tool{Name: name, InputSchema: map[string]any{"type": "object"}, OutputSchema: output}, func(*caissontest.Call) (any, error) {
			return result, nil
		})
	}
	text := func(text string) map[string]any {
		return map[string]any{"content": []any{map[string]any{"type": "text", "text": text}}}
	}
	tool("plain", nil, text("just text"))
	tool("json", nil, text(`{"a":[1,9007199254740993]}`))
	tool("both", map[string]any{"type": "object"}, map[string]any{"content": text("x")["content"], "structuredContent": map[string]any{"b": 1}})
	tool("empty", nil, map[string]any{"content": []any{}})
	tool("two", nil, map[string]any{"content": []any{map[string]any{"type": "text", "text": "1"}, map[string]any{"type": "text", "text": "2"}}})
	tool("odd-name.x", nil, text("odd"))
	failed := text("no luck")
	failed["isError"] = true
	tool("failed", nil, failed)
	session := connect(t, sharedRuntime(t), server.Caisson())
	s := caisson.Script{
		Source: `
const t = tools.server;
const all = [await t.plain(), await t.json(), await t.both({}), await t.empty(), await t.two(), await t['odd-name.x']({ x: 'ü' })];
try { await t.failed(); } catch (e) { all.push(e.message); }
try { await t.missing(); } catch (e) { all.push(e.code); }
return all`,
		Tools: toolSet(t, map[string]caisson.Caller{"server": session}),
	}
	result, err := runScript(t, s)
	if err != nil {
		t.Fatal(err)
	}
	want := `["just text",{"a":[1,9007199254740993]},{"b":1},[],[{"text":"1","type":"text"},{"text":"2","type":"text"}],"odd","no luck","not found"]`
	if string(result.Value) != want {
		t.Errorf("it gives %s, want %s", result.Value, want)
	}
	var calls []string
	for _, c := range result.Calls {
		if c.Server != "server" || c.Duration <= 0 || time.Since(c.Begun) > patience {
			t.Errorf("the call is %+v", c)
		}
		calls = append(calls, fmt.Sprint(c.Tool, " ", c.ArgumentBytes, " ", c.Outcome, " ", c.Code))
	}
	wanted := []string{"plain 2 done ", "json 2 done ", "both 2 done ", "empty 2 done ", "two 2 done ", "odd-name.x 10 done ", "failed 2 tool error ", "missing 2 failed not found"}
	if diff := cmp.Diff(wanted, calls); diff != "" {
		t.Error(diff)
	}
	server.Called(t, "odd-name.x", map[string]any{"x": "ü"})

	// What a server lists anew is there after Refresh.
	tool("missing", nil, text("found"))
	s.Source = `return await tools.server.missing()`
	if err := s.Tools.Refresh(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if result, err := runScript(t, s); err != nil || string(result.Value) != `"found"` {
		t.Errorf("after Refresh: %v, %v", result, err)
	}

	// Only some of them.
	s.Source = `return [Object.keys(tools.server), await tools.server.json().catch(e => e.code)]`
	all := s.Tools
	s.Tools = all.Only("server.plain", "server.both")
	if result, err := runScript(t, s); err != nil || string(result.Value) != `[["plain","both"],"not found"]` {
		t.Errorf("only two tools: %v, %v", result, err)
	}
	s.Tools = all.Only("server.plain", "server.none")
	if _, err := runScript(t, s); caisson.CodeOf(err) != caisson.CodeInvalidArgument || !strings.Contains(err.Error(), "server.none") {
		t.Errorf("a tool that is not there: %v", err)
	}

	// A call that is underway when the script has ended is cancelled.
	s.Source = `tools.go.wait(); return 1`
	s.Tools = toolSet(t, map[string]caisson.Caller{"go": programTools(t)})
	if result, err = runScript(t, s); err != nil || len(result.Calls) != 1 || result.Calls[0].Outcome != caisson.ScriptCallUnanswered {
		t.Errorf("a call that nobody waits for: %+v, %v", result, err)
	}

	// The caller's progress handler hears of a tool's.
	server.AddTool(&mcp.Tool{Name: "progress", InputSchema: map[string]any{"type": "object"}}, func(c *caissontest.Call) (any, error) {
		c.Progress(1, 2, "half")
		return text("done"), nil
	})
	s.Source, s.Tools = `return await tools.server.progress()`, toolSet(t, map[string]caisson.Caller{"server": session})
	var heard []string
	ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{OnProgress: func(p *mcp.ProgressNotificationParams) { heard = append(heard, p.Message) }})
	if _, err := sharedRuntime(t).RunScript(ctx, s); err != nil || len(heard) != 1 || heard[0] != "half" {
		t.Errorf("progress: %v, %v", heard, err)
	}

	// A session that is closed.
	_ = session.Close()
	s.Source = `await tools.server.plain()`
	var e *caisson.ScriptError
	if _, err = runScript(t, s); !errors.As(err, &e) || e.Kind != caisson.ScriptTool || !strings.Contains(e.Message, "closed") {
		t.Errorf("a closed session: %v", err)
	}
	s.Tools = toolSet(t, map[string]caisson.Caller{"server": session})
	if _, err = runScript(t, s); caisson.CodeOf(err) != caisson.CodeClosed || !strings.Contains(err.Error(), "listing the tools of server") {
		t.Errorf("the tools of a closed session: %v", err)
	}
}

// TestScriptCancelled ends the context of a script that computes, and of one that waits for a tool.
func TestScriptCancelled(t *testing.T) {
	for name, source := range map[string]string{
		"computing": `for (;;) {}`,
		"awaiting":  `for (;;) await null`,
		"a tool":    `await tools.go.wait()`,
		"a timer":   `await sleep(1e6)`,
		"a pattern": `/^(a+)+$/.test('a'.repeat(60) + 'b')`,
	} {
		t.Run(name, func(t *testing.T) {
			s := aScript(t, `console.log('begun'); await tools.go.begin(); `+source)
			s.Limits.Computing = patience
			ctx, cancel := context.WithCancel(testContext(t))
			defer cancel()
			functions := programTools(t)
			// The script goes on with what follows, and is there or soon will be when the context ends.
			if err := caisson.AddFunction(functions, "begin", "", func(context.Context, struct{}) (any, error) {
				time.AfterFunc(100*time.Millisecond, cancel)
				return nil, nil
			}); err != nil {
				t.Fatal(err)
			}
			s.Tools = toolSet(t, map[string]caisson.Caller{"go": functions})
			result, err := sharedRuntime(t).RunScript(ctx, s)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("it ends with %v", err)
			}
			if len(result.Logs) != 1 {
				t.Errorf("the log is %v", result.Logs)
			}
		})
	}
}

// TestScriptRepeated runs a script again with the same seed and the same time.
func TestScriptRepeated(t *testing.T) {
	s := aScript(t, `
const a = []; for (let i = 0; i < 5; i++) a.push(Math.random(), crypto.getRandomValues(new Uint32Array(1))[0], Date.now(), performance.now());
for (let i = 0; i < 20; i++) { a.push(await tools.go.add({ a: i, b: Math.random() })); await sleep(1); }
const all = Array.from({ length: 3000 }, (_, id) => ({ id, name: 'n' + id + Math.random() })); a.push(JSON.stringify(all).length);
console.log(crypto.randomUUID(), new Date().toISOString()); return a`)
	s.Limits.ParallelCalls = 1
	s.Seed, s.Now = 7, time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	run := func() string {
		result, err := runScript(t, s)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal([]any{result.Value, result.Logs, result.Usage.Fuel, result.Usage.MemoryBytes})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := run()
	for range 5 {
		if again := run(); again != first {
			t.Fatalf("another run gives\n%s\nand the first gave\n%s", again, first)
		}
	}
	if !strings.Contains(first, "2026-11-29T12:00:00.000Z") {
		t.Errorf("the time is another: %s", first)
	}
	s.Seed = 8
	if run() == first {
		t.Error("another seed gives the same")
	}
	s.Seed = 0
	if a, b := run(), run(); a == b {
		t.Error("without a seed two runs have the same random numbers")
	}
}

// TestModule calls functions of a module.
func TestModule(t *testing.T) {
	s := aScript(t, `let n = 0;
export const count = () => ++n;
export async function add(a, b) { return tools.go.add({ a, b }); }
export function fail() { throw new Error('no'); }
export function never() { return new Promise(() => {}); }
function hidden() {}`)
	s.Input, s.Args = nil, nil
	m, err := sharedRuntime(t).Load(testContext(t), s)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if diff := cmp.Diff([]string{"count", "add", "fail", "never"}, m.Functions()); diff != "" {
		t.Error(diff)
	}
	for want := 1; want <= 3; want++ {
		if got, err := caisson.RunFunctionAs[int](testContext(t), m, "count"); err != nil || got != want {
			t.Errorf("count gives %v, %v", got, err)
		}
	}
	if got, err := caisson.RunFunctionAs[float64](testContext(t), m, "add", 1, 2.5); err != nil || got != 3.5 {
		t.Errorf("add gives %v, %v", got, err)
	}
	for _, test := range []struct {
		name string
		kind caisson.ScriptErrorKind
	}{{"fail", caisson.ScriptRuntime}, {"hidden", caisson.ScriptNotFound}, {"toString", caisson.ScriptNotFound}} {
		var e *caisson.ScriptError
		if _, err := m.RunFunction(testContext(t), test.name); !errors.As(err, &e) || e.Kind != test.kind {
			t.Errorf("%s ends with %v", test.name, err)
		}
	}
	if _, err := m.RunFunction(testContext(t), "add", 1, caisson.NamedArguments{"b": 1}); kindOf(err) != caisson.ScriptInvalidArguments || !strings.Contains(err.Error(), "by position") {
		t.Errorf("arguments by name: %v", err)
	}
	if _, err := caisson.RunFunctionAs[string](testContext(t), m, "count"); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("a number as a text: %v", err)
	}
	var e *caisson.ScriptError
	if _, err := m.RunFunction(testContext(t), "never"); !errors.As(err, &e) || e.Kind != caisson.ScriptNeverSettled {
		t.Errorf("never ends with %v", err)
	}
	if got, err := caisson.RunFunctionAs[int](testContext(t), m, "count"); err != nil || got != 1 {
		t.Errorf("after it, in another instance: %v, %v", got, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.RunFunction(testContext(t), "count"); caisson.CodeOf(err) != caisson.CodeClosed {
		t.Errorf("after Close: %v", err)
	}
}

// A brokenCaller has tools that do not do what a Caller should.
type brokenCaller struct{}

func (brokenCaller) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return &mcp.ListToolsResult{Tools: []*mcp.Tool{nil, {Name: "nothing"}, {Name: "goexit"}, {Name: "panic"}, {Name: "bytes", InputSchema: json.RawMessage("{\"title\":\"\xff\"}")}}}, nil
}

func (brokenCaller) CallTool(_ context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	switch params.Name {
	case "goexit":
		runtime.Goexit()
	case "panic":
		panic("on purpose")
	case "bytes":
		return &mcp.CallToolResult{StructuredContent: json.RawMessage("{no")}, nil
	}
	return nil, nil
}

// TestScriptBrokenCaller calls tools whose Caller gives neither a result nor an error, or a result that is none, or panics, or ends the goroutine,
// as a test's FailNow does: the call fails, and the script goes on.
func TestScriptBrokenCaller(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	tools := toolSet(t, map[string]caisson.Caller{"broken": brokenCaller{}})
	for tool, want := range map[string]string{"nothing": "protocol no result", "goexit": "internal has ended its goroutine", "bytes": "protocol does not marshal", "panic": "internal has panicked: on purpose"} {
		source := fmt.Sprintf(`try { await tools.broken.%s() } catch (e) { return [e.code, e.message] }`, tool)
		got, _, err := caisson.RunScriptAs[[]string](testContext(t), c, caisson.Script{Source: source, Tools: tools})
		code, part, _ := strings.Cut(want, " ")
		if err != nil || len(got) != 2 || got[0] != code || !strings.Contains(got[1], part) {
			t.Errorf("%s: %q, %v", tool, got, err)
		}
	}
	if _, err := c.RunScript(testContext(t), caisson.Script{Source: `input`, Input: json.RawMessage("\"\xff\""), Tools: tools}); err != nil {
		t.Errorf("an input that is no text: %v", err)
	}
}

// TestScriptInvalid has scripts that cannot be begun.
func TestScriptInvalid(t *testing.T) {
	r := sharedRuntime(t)
	if _, err := r.RunScript(testContext(t), caisson.Script{}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("no source: %v", err)
	}
	if _, err := r.RunScript(testContext(t), caisson.Script{Source: "1", Input: func() {}}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("a function as the input: %v", err)
	}
	if _, err := r.RunScript(testContext(t), caisson.Script{Source: "1", Limits: caisson.ScriptLimits{Timers: -1}}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("a negative limit: %v", err)
	}
	for _, now := range []time.Time{time.Unix(-1, 0), time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)} {
		if _, err := r.RunScript(testContext(t), caisson.Script{Source: "1", Now: now}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("the time %v: %v", now, err)
		}
	}
	if _, err := r.Load(testContext(t), caisson.Script{Source: "1", Input: 1}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("a module with an input: %v", err)
	}
	if _, err := (&caisson.Runtime{}).RunScript(testContext(t), caisson.Script{Source: "1"}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("the zero Runtime: %v", err)
	}
	c := newClient(t, caisson.ClientOptions{})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RunScript(testContext(t), caisson.Script{Source: "1"}); caisson.CodeOf(err) != caisson.CodeClosed {
		t.Errorf("a closed client: %v", err)
	}
}

// TestScriptClientClosed closes a client whose scripts run.
func TestScriptClientClosed(t *testing.T) {
	c := newClient(t, caisson.ClientOptions{})
	m, err := c.Load(testContext(t), caisson.Script{Source: `export function spin() { for (;;) {} }`})
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{}, 2)
	fs := &caisson.Functions{}
	if err := caisson.AddFunction(fs, "begun", "", func(context.Context, struct{}) (any, error) { begun <- struct{}{}; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() {
		_, err := c.RunScript(testContext(t), caisson.Script{Source: `await tools.go.begun(); for (;;) {}`, Tools: toolSet(t, map[string]caisson.Caller{"go": fs})})
		ended <- err
	}()
	go func() {
		begun <- struct{}{}
		_, err := m.RunFunction(testContext(t), "spin")
		ended <- err
	}()
	<-begun
	<-begun
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; caisson.CodeOf(err) != caisson.CodeClosed {
			t.Errorf("a script of a closed client ends with %v", err)
		}
	}
}

// TestScriptTakenForJavaScript has the error of a source in another language say that Script.Language is missing.
func TestScriptTakenForJavaScript(t *testing.T) {
	for name, says := range map[string]bool{"count.ts": true, "count.py": true, "count.js": false, "script": false} {
		_, err := newClient(t, caisson.ClientOptions{}).RunScript(testContext(t), caisson.Script{Name: name, Source: "let x: number = 1"})
		var failed *caisson.ScriptError
		if !errors.As(err, &failed) || failed.Kind != caisson.ScriptSyntax || strings.Contains(failed.Message, "Script.Language") != says {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFunctionsNeedAGrant has the error of a policy that does not grant a program's functions name them, and the key.
func TestFunctionsNeedAGrant(t *testing.T) {
	for text, denied := range map[string]bool{"version: 1\n": true, "version: 1\nplugins: {mine: {tools: [add]}}\n": false} {
		c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: rules(t, text)}})
		tools, err := caisson.NewToolSet(map[string]caisson.Caller{"mine": programTools(t)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.RunScript(testContext(t), caisson.Script{Source: "await tools.mine.add({ a: 1, b: 2 })", Tools: tools})
		if denied {
			if said := deniedFor(t, err, policy.NotGranted); !strings.Contains(said, `the plugin "mine": it is granted under "plugins"`) {
				t.Error(said)
			}
		} else if err != nil {
			t.Error(err)
		}
	}
}
