package python_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
	"github.com/caisson-dev/caisson/host-go/internal/footprint"
	"github.com/caisson-dev/caisson/host-go/internal/underway"
)

// runtime is one for all tests: they wait for CPython's compiler once.
var runtime = sync.OnceValues(func() (*caisson.Runtime, error) {
	// Compiled code recurses more deeply than the interpreter.
	return caisson.New(context.Background(), &caisson.RuntimeOptions{CompileFirst: true})
})

func TestMain(m *testing.M) {
	isolate.Main()
	code := m.Run()
	if r, err := runtime(); err == nil {
		_ = r.Close()
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func shared(t testing.TB) *caisson.Runtime {
	t.Helper()
	r, err := runtime()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tools are functions of the test's, as the server "go".
func tools(t testing.TB) *caisson.ToolSet {
	t.Helper()
	type numbers struct {
		A float64 `json:"a"`
		B float64 `json:"b"`
	}
	type name struct {
		Name string `json:"name"`
	}
	fs := &caisson.Functions{}
	var meeting atomic.Int32
	met := make(chan struct{})
	for _, err := range []error{
		caisson.AddFunction(fs, "add", "Adds two numbers.", func(_ context.Context, in numbers) (float64, error) { return in.A + in.B, nil }),
		caisson.AddFunction(fs, "describe", "Describes a person.", func(_ context.Context, in name) (map[string]any, error) {
			return map[string]any{"name": in.Name, "length": len(in.Name)}, nil
		}),
		caisson.AddFunction(fs, "fail", "Fails.", func(context.Context, struct{}) (any, error) { return nil, errors.New("as it should") }),
		caisson.AddFunction(fs, "meet", "Answers when three calls are underway at once.", func(ctx context.Context, _ struct{}) (string, error) {
			if meeting.Add(1) == 3 {
				close(met)
			}
			select {
			case <-met:
				return "met", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}),
		caisson.AddFunction(fs, "much", "Answers with more than a script takes.", func(context.Context, struct{}) (string, error) { return strings.Repeat("x", 9<<20), nil }),
		caisson.AddFunction(fs, "wait", "Waits for the end of its context.", func(ctx context.Context, _ struct{}) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	set, err := caisson.NewToolSet(map[string]caisson.Caller{"go": fs, "odd": odd{}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// odd is a server whose tools answer without structured content.
type odd struct{}

func (odd) Tools(context.Context) ([]*mcp.Tool, error) { return nil, nil }

func (odd) ListTools(context.Context, *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	object := map[string]any{"type": "object"}
	return &mcp.ListToolsResult{Tools: []*mcp.Tool{
		{Name: "read-text", InputSchema: object},
		{Name: "json", InputSchema: object},
		{Name: "strict", InputSchema: object, OutputSchema: object},
		{Name: "image", InputSchema: object},
	}}, nil
}

func (odd) CallTool(_ context.Context, p *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	text := func(s string) []mcp.Content { return []mcp.Content{&mcp.TextContent{Text: s}} }
	switch p.Name {
	case "read-text":
		return &mcp.CallToolResult{Content: text("plain text")}, nil
	case "image":
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.ImageContent{Data: []byte("x"), MIMEType: "image/png"}}}, nil
	}
	return &mcp.CallToolResult{Content: text(`{"n": 1}`)}, nil
}

// busy are limits of time that a script reaches on no machine, however busy it is.
var busy = caisson.ScriptLimits{Computing: 2 * time.Minute, Time: 5 * time.Minute}

func script(t testing.TB, source string) caisson.Script {
	t.Helper()
	return caisson.Script{
		Limits:   busy,
		Language: python.Language, Name: "test.py", Source: source,
		Input: map[string]any{"n": 2}, Args: []string{"one", "two"}, Tools: tools(t),
	}
}

func run(t testing.TB, s caisson.Script) (*caisson.ScriptResult, error) {
	t.Helper()
	return shared(t).RunScript(t.Context(), s)
}

// value runs a source that works.
func value(t testing.TB, source string) string {
	t.Helper()
	r, err := run(t, script(t, source))
	if err != nil {
		var failure *caisson.ScriptError
		if errors.As(err, &failure) {
			t.Fatalf("%v\n%s", err, failure.Stack)
		}
		t.Fatal(err)
	}
	return string(r.Value)
}

// TestVersions runs a source for each version of Python since 3.8, with what that version brought.
func TestVersions(t *testing.T) {
	files, err := filepath.Glob("testdata/versions/*.py")
	if err != nil || len(files) != 7 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := value(t, string(text)); !strings.HasPrefix(got, `["ok",`) {
				t.Error(got)
			}
		})
	}
}

// TestValues has scripts that work: what they return, and what they find.
func TestValues(t *testing.T) {
	for source, want := range map[string]string{
		"1 + 1":                                  `2`,
		"return 3":                               `3`,
		"x = 4\nx":                               `4`,
		"x = 4":                                  `null`,
		"# nothing":                              `null`,
		"#!/usr/bin/env python3\n1":              `1`,
		"\ufeff1":                                `1`,
		"'''text\n  of lines'''":                 `"text\n  of lines"`,
		"if True:\n    return 'early'\n1 / 0":    `"early"`,
		"def main(a, b):\n    return [b, a]":     `["two","one"]`,
		"def main():\n    return args":           `["one","two"]`,
		"async def main(*a):\n    return len(a)": `2`,
		"def main(*a): return 1\nif __name__ == '__main__': print(1 / 0)": `1`,
		"x = 1\nif __name__ == '__main__':\n    return 2":                 `2`,
		"import sys\nsys.argv":          `["test.py","one","two"]`,
		"input":                         `{"n":2}`,
		"await sleep(0.001)":            `null`,
		"from math import *\nfloor(pi)": `3`,
		"x: int = 5\nlocals()['x'] + vars()['x'] + eval('x')": `15`,
		"exec('y = 7')\ny":                          `7`,
		"def f():\n    global z\n    z = 1\nf()\nz": `1`,
		"class A:\n    x = [i for i in range(3)]\nA.x, A.__qualname__, A.__module__":  `[[0,1,2],"A","__main__"]`,
		"from __future__ import annotations\ndef f(x: Nope): pass\nf.__annotations__": `{"x":"Nope"}`,
		"'''doc'''\n__doc__": `"doc"`,
		"async def g():\n    yield 1\n[x async for x in g()]":                      `[1]`,
		"import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))) is A": `true`,
		"import inspect\ndef f(): return 'ü'\ninspect.getsource(f)":                `"def f(): return '\u00fc'\n"`,
		// docs/python.md has this table.
		"None":          `null`,
		"2 ** 100":      `1267650600228229401496703205376`,
		"-0.5, 1e300":   `[-0.5,1e+300]`,
		"(1, [2], {3})": `[1,[2],[3]]`,
		"{1: 'a', None: 'b', True: 'c', 1.5: 'd'}":       `{"1":"c","null":"b","1.5":"d"}`,
		"frozenset('ba')":                                `["a","b"]`,
		"b'\\xff\\x00'":                                  `"/wA="`,
		"bytearray(b'a')":                                `"YQ=="`,
		"'\\ud800'":                                      `"\ud800"`,
		"range(3)":                                       `[0,1,2]`,
		"{'a': 1}.keys()":                                `["a"]`,
		"__import__('collections').deque([1])":           `[1]`,
		"__import__('collections').Counter('aab')":       `{"a":2,"b":1}`,
		"__import__('types').MappingProxyType({'a': 1})": `{"a":1}`,
		"import datetime as d\nd.datetime(2026, 1, 2, 3, 4, 5, 6, d.UTC), d.date(2026, 1, 2), d.time(3, 4)":  `["2026-01-02T03:04:05.000006+00:00","2026-01-02","03:04:00"]`,
		"import datetime as d\nd.timedelta(minutes=1.5)":                                                     `90.0`,
		"from decimal import *\nDecimal('1.10')":                                                             `"1.10"`,
		"from fractions import *\nFraction(1, 3)":                                                            `"1/3"`,
		"import uuid\nuuid.UUID(int=1)":                                                                      `"00000000-0000-0000-0000-000000000001"`,
		"import pathlib\npathlib.Path('a') / 'b'":                                                            `"a/b"`,
		"import enum\nclass C(enum.Enum):\n    A = 'x'\nC.A":                                                 `"x"`,
		"from collections import namedtuple\nnamedtuple('P', 'x y')(1, 2)":                                   `[1,2]`,
		"from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: list\nP(1, [P(2, [])])": `{"x":1,"y":[{"x":2,"y":[]}]}`,
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			if got := value(t, source); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestTools has scripts that call tools in every way that there is.
func TestTools(t *testing.T) {
	for source, want := range map[string]string{
		"await tools.go.add(a=1, b=2)":                                               `3`,
		"await tools.go.add({'a': 1, 'b': 2})":                                       `3`,
		"await tools['go']['add']({'a': 1}, b=2)":                                    `3`,
		"call_tool('go', 'add', {'a': 1, 'b': 2})":                                   `3`,
		"(await tools.go.describe(name='ü'))['length']":                              `2`,
		"await tools.odd['read-text']()":                                             `"plain text"`,
		"await tools.odd.json()":                                                     `{"n":1}`,
		"await tools.odd.strict()":                                                   `[{"type":"text","text":"{\"n\": 1}"}]`,
		"(await tools.odd.image())[0]['mimeType']":                                   `"image/png"`,
		"list(tools), 'add' in tools.go, len(tools.odd)":                             `[["go","odd"],true,4]`,
		"repr(tools.go.add), repr(tools.odd)":                                        `["<tool go.add>","<tools.odd: read-text, json, strict, image>"]`,
		"search_tools('adding numbers')[0]['name']":                                  `"add"`,
		"search_tools('person', 1)":                                                  `[{"server":"go","name":"describe","description":"Describes a person."}]`,
		"get_tool('go.add')['description'], get_tool('nope')":                        `["Adds two numbers.",null]`,
		"import asyncio\nawait asyncio.gather(*[tools.go.meet() for _ in range(3)])": `["met","met","met"]`,
		// The same in code that cannot await: all three are underway at once.
		"import asyncio\ndef main(*a):\n    async def f():\n        return await asyncio.gather(*[tools.go.meet() for _ in range(3)])\n    return asyncio.run(f())":                                                       `["met","met","met"]`,
		"import asyncio\nt = [asyncio.create_task(one()) if 0 else tools.go.meet() for _ in range(2)]\n[call_tool('go', 'meet'), *await asyncio.gather(*t)]":                                                              `["met","met","met"]`,
		"try:\n    await tools.go.fail()\nexcept ToolError as e:\n    return str(e), e.server, e.tool, e.code, e.content[0]['text']":                                                                                      `["as it should","go","fail",null,"as it should"]`,
		"import copy\ntry:\n    await tools.go.fail()\nexcept ToolError as e:\n    c = copy.copy(e)\n    return str(c), c.server, c.tool, c.content == e.content":                                                         `["as it should","go","fail",true]`,
		"try:\n    call_tool('no', 'x')\nexcept ToolError as e:\n    return e.code is not None":                                                                                                                           `true`,
		"import time\n[f() % 1_000_000 for f in (time.time_ns, time.monotonic_ns, time.perf_counter_ns)]":                                                                                                                 `[0,0,0]`,
		"import time, asyncio\nt = time.monotonic()\nasync def f(): return await asyncio.to_thread(time.sleep, 0.02)\nawait f()\ntime.monotonic() - t >= 0.02":                                                            `true`,
		"from caisson import tools as same\nsame is tools":                                                                                                                                                                `true`,
		"import asyncio\nloop = asyncio.new_event_loop()\nloop.run_until_complete(tools.go.add(a=1, b=1))":                                                                                                                `2`,
		"import asyncio\nasync def f():\n    async with asyncio.TaskGroup() as g:\n        g.create_task(asyncio.sleep(60))\n        raise ValueError('x')\ntry:\n    await f()\nexcept* ValueError:\n    done = 1\ndone": `1`,
		"import asyncio\ntry:\n    async with asyncio.timeout(0.01):\n        await tools.go.wait()\nexcept TimeoutError:\n    return 'late'":                                                                             `"late"`,
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			if got := value(t, source); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestLogs has what a script writes.
func TestLogs(t *testing.T) {
	s := script(t, `
import sys, logging
print("a", 1, "ü", sep="-")
print("half", end=""); print(" and half")
print("two\nlines", file=sys.stderr)
console.debug("d", {"x": 1})
logging.warning("careful")
sys.stdout.write("no end")
`)
	r, err := run(t, s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range r.Logs {
		got = append(got, l.Level+" "+l.Text)
	}
	want := "info a-1-ü|info half and half|warn two|warn lines|debug d {'x': 1}|warn WARNING:root:careful|info no end"
	if strings.Join(got, "|") != want {
		t.Errorf("got %s", strings.Join(got, "|"))
	}
}

// TestUncaught looks at what the log has of errors that nobody caught, and of what runs at the end.
func TestUncaught(t *testing.T) {
	for source, want := range map[string]string{
		"f = tools.go.fail()\nawait sleep(0.02)\nx = 1":                                                  "error nobody awaited a call: ToolError: as it should",
		"tools.go.fail()\nawait sleep(0.02)\nx = 1":                                                      "error Future exception was never retrieved: ToolError: as it should",
		"f = tools.go.fail()\nawait sleep(0.02)\ntry: await f\nexcept ToolError: pass":                   "",
		"return await tools.go.fail()":                                                                   "",
		"import asyncio\nasync def f(): 1 / 0\nasyncio.create_task(f())\nawait sleep(0)\nawait sleep(0)": "error Task exception was never retrieved: ZeroDivisionError: division by zero (test.py:2:16)",
		"import asyncio\nclass E(Exception):\n    def __str__(self): return 1 / 0\ndef f(): raise E\nasyncio.get_running_loop().call_soon(f)\nawait sleep(0)": "error Exception in callback f() at test.py:4: E: <exception str() failed> (test.py:4:10)",
		"import atexit\natexit.register(print, 'bye')\nprint('half', end='')":                                                                                 "info halfbye",
		"import atexit, sys\natexit.register(print, 'bye')\nsys.exit()":                                                                                       "info bye",
		"import atexit\natexit.register(call_tool, 'go', 'add', {'a': 1, 'b': 2})\natexit.register(print, 'bye')\n1 / 0":                                      "info bye",
		"async def g():\n    try: yield 1\n    finally:\n        await sleep(0)\n        print('closed')\nasync for x in g(): break\nawait sleep(0.001)":      "info closed",
		"class S(str):\n    def split(self, *rest): return [1]\nprint(S('x'))\nprint(S('y'), end='')":                                                         "info x|info y",
		"import sys\nsys.stdout.reconfigure(encoding='utf-8')\nprint('ü')":                                                                                    "info ü",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			r, _ := run(t, script(t, source))
			var got []string
			for _, l := range r.Logs {
				got = append(got, l.Level+" "+l.Text)
			}
			if strings.Join(got, "|") != want {
				t.Errorf("the log is %s", strings.Join(got, "|"))
			}
		})
	}
	r, err := run(t, script(t, "import asyncio\nfor i in range(300): asyncio.get_running_loop().call_soon(lambda: 1 / 0)\nawait sleep(0)\nawait sleep(0)\n1"))
	if err != nil || len(r.Logs) != 101 || r.Logs[100].Text != "further errors that nobody has caught are not shown" {
		t.Errorf("%v, with %d lines", err, len(r.Logs))
	}
}

// TestNamesOfSources has sources with the names of modules of the library, of packages, and of ours: neither takes the place of
// the other.
func TestNamesOfSources(t *testing.T) {
	for name, want := range map[string]string{
		"test.py": "test", "a/ast.py": "ast_", "json.py": "json_", "asyncio.py": "asyncio_", "traceback.py": "traceback_",
		"__main__.py": "__main___", "caisson.py": "caisson_", "builtins.py": "builtins_", "ssl.py": "ssl_", "single.py": "single_", ".py": "module",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, `
import ast, json, pickle, single, dataclasses, typing
@dataclasses.dataclass
class A:
    x: "typing.ClassVar[int]" = 1
    y: "int" = 2
n = 0
def main():
    global n
    n += 1
    assert pickle.loads(pickle.dumps(A())) == A() and typing.get_type_hints(A)
    return __name__, json.loads("[1]"), ast.literal_eval("2"), single.X, n
if __name__ == "__main__": main()
`)
			s.Name, s.Language = name, python.WithPackages(fstest.MapFS{"single.py": {Data: []byte("X = 5\n")}})
			r, err := run(t, s)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("[%q,[1],2,5,1]", want); string(r.Value) != got {
				t.Errorf("got %s", r.Value)
			}
			s.Source = "def main(): return [1][2]"
			_, err = run(t, s)
			var e *caisson.ScriptError
			if !errors.As(err, &e) || !strings.Contains(e.Message, "IndexError") || e.Line != 1 || e.Column != 20 || !strings.Contains(e.Stack, "^^^") {
				t.Errorf("%v", err)
			}
			m, err := shared(t).Load(t.Context(), caisson.Script{Language: s.Language, Name: name, Limits: busy, Source: "import json\nclass Any(dict):\n    __getattr__ = dict.__getitem__\nof_its_own = Any()\ndef f(): return json.dumps(__name__)\n"})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if r, err := m.RunFunction(t.Context(), "f"); err != nil || string(r.Value) != fmt.Sprintf("%q", fmt.Sprintf("%q", want)) {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
}

// TestErrors has scripts that fail: with which kind, and where.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		source       string
		kind         caisson.ScriptErrorKind
		message      string // a part of it
		line, column int
		stack        string // a part of it
	}{
		{"x = 1\ny = (", caisson.ScriptSyntax, "'(' was never closed", 2, 5, ""},
		{"x = 1\n  y = 2", caisson.ScriptSyntax, "unexpected indent", 2, 2, ""},
		{"\uFEFF'ü', 1 / 0", caisson.ScriptRuntime, "ZeroDivisionError", 1, 6, ""},
		{"x = 1\r\n'ü', 1 / 0\r\n", caisson.ScriptRuntime, "ZeroDivisionError", 2, 6, ""},
		{"x = 1\n'ü\xfc'", caisson.ScriptSyntax, "not UTF-8", 2, 3, ""},
		{"yield 1", caisson.ScriptSyntax, "'yield' outside function", 1, 1, ""},
		{"def f():\n    await x", caisson.ScriptSyntax, "'await' outside async function", 2, 5, ""},
		{"break", caisson.ScriptSyntax, "'break' outside loop", 1, 1, ""},
		{"a\x00b", caisson.ScriptSyntax, "null bytes", 0, 0, ""},
		{"from __future__ import nope", caisson.ScriptSyntax, "future feature nope is not defined", 1, 24, ""},
		{"x = 1\nfrom __future__ import annotations", caisson.ScriptSyntax, "at the beginning of the file", 2, 1, ""},
		{strings.Repeat("(", 5000), caisson.ScriptSyntax, "too much for the compiler", 0, 0, ""},
		{"x = 1\n'ü', 1 / 0", caisson.ScriptRuntime, "ZeroDivisionError: division by zero", 2, 6, `File "test.py", line 2, in <module>`},
		{"def f(x):\n    return {}[x]\nf('ä')", caisson.ScriptRuntime, "KeyError: 'ä'", 2, 12, "line 3, in <module>\n    f('ä')"},
		{"import json\njson.loads('{')", caisson.ScriptRuntime, "JSONDecodeError: Expecting property name", 2, 1, "json.loads('{')"},
		{"raise ValueError('ü' * 100_000)", caisson.ScriptRuntime, "characters ...]", 1, 1, ""},
		{"class E(BaseException):\n    def __str__(self): return 1 / 0\nraise E", caisson.ScriptRuntime, "E: <exception str() failed>", 3, 1, ""},
		{"import sys\nsys.exit('over')", caisson.ScriptRuntime, "SystemExit: over", 2, 1, ""},
		{"raise 1", caisson.ScriptRuntime, "exceptions must derive from BaseException", 1, 1, ""},
		{"raise GeneratorExit", caisson.ScriptRuntime, "GeneratorExit", 1, 1, ""},
		{"raise StopIteration(3)", caisson.ScriptRuntime, "StopIteration", 0, 0, ""},
		{"class E(Exception):\n    __class__ = property(lambda self: 1 / 0)\nraise E('x')", caisson.ScriptRuntime, "E: x", 3, 1, ""},
		{"class E(Exception):\n    def __getattribute__(self, name): raise KeyboardInterrupt\nraise E('x')", caisson.ScriptRuntime, "E", 0, 0, ""},
		{"raise KeyboardInterrupt", caisson.ScriptRuntime, "KeyboardInterrupt", 1, 1, ""},
		{"import asyncio, sys\nasync def f(): sys.exit(3)\nasyncio.create_task(f())\nawait asyncio.sleep(60)", caisson.ScriptRuntime, "SystemExit: 3", 2, 16, ""},
		{"try:\n    1 / 0\nexcept Exception as e:\n    raise TypeError('x') from e", caisson.ScriptRuntime, "TypeError: x", 4, 5, "direct cause"},
		{"e = ValueError('x')\ne.add_note('look')\nraise e", caisson.ScriptRuntime, "ValueError: x\nlook", 3, 1, ""},
		{"eval('1 +')", caisson.ScriptRuntime, "SyntaxError: invalid syntax", 1, 1, ""},
		{"import asyncio\nawait asyncio.sleep(float('nan'))", caisson.ScriptRuntime, "ValueError: Invalid", 2, 1, ""},
		{"import asyncio\nasync with asyncio.timeout(float('nan')):\n    await sleep(1)", caisson.ScriptRuntime, "ValueError: Invalid", 2, 12, ""},
		{"import asyncio\nawait asyncio.wait_for(sleep(1), float('nan'))", caisson.ScriptRuntime, "ValueError: Invalid", 2, 1, ""},
		{"import asyncio\nasyncio.get_running_loop().call_later(float('nan'), print)", caisson.ScriptRuntime, "ValueError: Invalid", 2, 1, ""},
		{"import asyncio\nasyncio.get_running_loop().call_at('soon', print)", caisson.ScriptRuntime, "TypeError", 2, 1, ""},
		{"import asyncio\nasyncio.get_running_loop().call_at(10 ** 400, print)", caisson.ScriptRuntime, "OverflowError", 2, 1, ""},
		{"import time\ntime.sleep(float('nan'))", caisson.ScriptRuntime, "ValueError: Invalid", 2, 1, ""},
		{"import time\ntime.sleep(-1)", caisson.ScriptRuntime, "ValueError: sleep length must be non-negative", 2, 1, ""},
		{"import time\ntime.sleep(10 ** 400)", caisson.ScriptRuntime, "OverflowError", 2, 1, ""},
		{"import time\ntime.sleep('1')", caisson.ScriptRuntime, "TypeError", 2, 1, ""},
		{"class D(list):\n    __class__ = dict\ntools.go.add(D())", caisson.ScriptRuntime, "are not a dict", 3, 1, ""},
		{"tools.go.add(a=1, b=2)", caisson.ScriptInvalidArguments, "the type Future has no form in JSON: await it", 0, 0, ""},
		{"import asyncio, sys\nasyncio.events.Handle._run = lambda self: 1 / 0\nawait asyncio.sleep(0)", caisson.ScriptRuntime, "ZeroDivisionError", 2, 43, ""},
		{"import asyncio\ndef f(): asyncio.get_running_loop()._scheduled = None\nf()\nawait sleep(60)", caisson.ScriptRuntime, "heappush", 4, 1, ""},
		{"import sys\nsys.modules['ast'] = sys\n[][0]", caisson.ScriptRuntime, "IndexError: list index out of range", 3, 1, ""},
		{"class E(Exception):\n    exceptions = 1\n    __cause__ = property(lambda self: 1 / 0)\n    __traceback__ = None\nraise E('x')", caisson.ScriptRuntime, "E: x", 5, 1, ""},
		{"class E(Exception):\n    @property\n    def __cause__(self): return E()\nraise E('x')", caisson.ScriptRuntime, "E: x", 4, 1, ""},
		{"e = ValueError('x')\nfor i in range(5000): e.add_note(f'note {i}')\nraise e", caisson.ScriptRuntime, "note 19\n[... 4980 notes ...]", 3, 1, ""},
		{"e = None\nfor i in range(5000):\n    e, e.__cause__ = ValueError(i), e\nraise e", caisson.ScriptRuntime, "ValueError: 4999", 4, 1, "ValueError: 4984\n\nThe above"},
		{"def f(n): return f(n - 1) if n else 1 / 0\nf(900)", caisson.ScriptRuntime, "ZeroDivisionError", 1, 37, "[... 852 frames ...]"},
		{"await tools.go.fail()", caisson.ScriptTool, "ToolError: as it should", 1, 1, ""},
		{"call_tool('go', 'fail')", caisson.ScriptTool, "ToolError: as it should", 1, 1, ""},
		{"import asyncio\nasync with asyncio.TaskGroup() as g:\n    async def f(): await tools.go.fail()\n    g.create_task(f())", caisson.ScriptTool, "ExceptionGroup", 2, 12, ""},
		{"await tools.go.nope()", caisson.ScriptTool, "", 1, 1, ""},
		{"tools.go.add([1])", caisson.ScriptRuntime, "are not a dict", 1, 1, ""},
		{"def main(a): pass", caisson.ScriptInvalidArguments, "main(a): too many positional arguments", 0, 0, ""},
		{"return object()", caisson.ScriptInvalidArguments, "the type object has no form in JSON", 0, 0, ""},
		{"return float('nan')", caisson.ScriptInvalidArguments, "no form in JSON", 0, 0, ""},
		{"x = []\nx.append(x)\nx", caisson.ScriptInvalidArguments, "Circular reference", 0, 0, ""},
		{"x = []\nfor _ in range(100_000): x = [x]\nx", caisson.ScriptInvalidArguments, "nested too deeply", 0, 0, ""},
		{"{(1, 2): 3}", caisson.ScriptInvalidArguments, "keys must be", 0, 0, ""},
		{"import numpy", caisson.ScriptRuntime, "No module named 'numpy': it has native code", 1, 1, ""},
		{"import requests", caisson.ScriptRuntime, "in the packages that the host gives", 1, 1, ""},
		{"import ssl", caisson.ScriptRuntime, "there is no network in the sandbox", 1, 1, ""},
		{"import ctypes", caisson.ScriptRuntime, "no native code", 1, 1, ""},
		{"import multiprocessing", caisson.ScriptRuntime, "no processes", 1, 1, ""},
		{"import threading\nthreading.Thread(target=print).start()", caisson.ScriptRuntime, "can't start new thread", 2, 1, ""},
		{"import socket\nsocket.socket()", caisson.ScriptRuntime, "Permission denied", 2, 1, ""},
		{"import subprocess\nsubprocess.run(['ls'])", caisson.ScriptRuntime, "", 2, 1, ""},
		{"open('/etc/passwd')", caisson.ScriptRuntime, "FileNotFoundError", 1, 1, ""},
		{"open('x', 'w')", caisson.ScriptRuntime, "Error", 1, 1, ""},
	} {
		t.Run(test.source[:min(len(test.source), 60)], func(t *testing.T) {
			t.Parallel()
			_, err := run(t, script(t, test.source))
			var e *caisson.ScriptError
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			if e.Kind != test.kind || !strings.Contains(e.Message, test.message) || e.Line != test.line || e.Column != test.column || !strings.Contains(e.Stack, test.stack) {
				t.Errorf("%s at %d:%d: %.300s\n%s", e.Kind, e.Line, e.Column, e.Message, e.Stack)
			}
			for _, ours := range []string{"caisson/", "component.py", "runner.py", "/python"} {
				if strings.Contains(e.Stack, ours) {
					t.Errorf("the stack shows %s:\n%s", ours, e.Stack)
				}
			}
		})
	}
}

// TestLimits has scripts that take more than they may, and that break what they can.
func TestLimits(t *testing.T) {
	soon := caisson.ScriptLimits{Computing: 2 * time.Second}
	late := caisson.ScriptLimits{Time: time.Second}
	none := busy
	alive := script(t, "'alive'")
	t.Cleanup(func() { // The attacks have ended, and the test's context with them.
		if r, err := shared(t).RunScript(context.Background(), alive); err != nil || string(r.Value) != `"alive"` {
			t.Errorf("after the attacks: %v, %+v", err, r)
		}
	})
	for _, test := range []struct {
		name, source string
		limits       caisson.ScriptLimits
		kind         caisson.ScriptErrorKind // "" where the script ends well
		message      string                  // of the error; or the value
	}{
		{"endless loop", "while True: pass", soon, caisson.ScriptLimit, "Computing"},
		{"endless awaiting", "import asyncio\nwhile True: await asyncio.sleep(0)", soon, caisson.ScriptLimit, "Computing"},
		{"endless tasks", "import asyncio\nasync def f():\n    asyncio.create_task(f())\nawait f()\nawait asyncio.sleep(60)", soon, caisson.ScriptLimit, "Computing"},
		{"exploding pattern", "import re\nre.match('(a+)+$', 'a' * 60 + 'b')", soon, caisson.ScriptLimit, "Computing"},
		{"a huge number", "10 ** 10 ** 9", soon, caisson.ScriptLimit, "Computing"},
		{"endless in a finally", "try:\n    while True: pass\nfinally:\n    while True: pass", soon, caisson.ScriptLimit, "Computing"},
		{"endless __str__", "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E", soon, caisson.ScriptLimit, "Computing"},
		{"fuel", "for i in range(10**8): pass", caisson.ScriptLimits{Fuel: 500_000_000}, caisson.ScriptLimit, "Fuel"},
		{"a long sleep", "await sleep(1e6)", late, caisson.ScriptLimit, "Time"},
		{"a long sleep that blocks", "import time\ntime.sleep(1e6)", late, caisson.ScriptLimit, "Time"},
		{"endless sleeping", "while True: await sleep(0.001)", late, caisson.ScriptLimit, "Time"},
		{"a tool that never answers", "await tools.go.wait()", late, caisson.ScriptLimit, "Time"},
		{"a tool that never answers, called without await", "call_tool('go', 'wait')", late, caisson.ScriptLimit, "Time"},
		{"memory in buffers", "x = []\nwhile True: x.append(bytearray(1 << 20))", none, caisson.ScriptLimit, "MemoryBytes"},
		{"memory in objects", "x = []\nwhile True: x.append({})", none, caisson.ScriptLimit, "MemoryBytes"},
		{"memory in a text", "x = 'a'\nwhile True: x += x", none, caisson.ScriptLimit, "MemoryBytes"},
		{"a text of a gigabyte", "'x' * 10**9", none, caisson.ScriptLimit, "MemoryBytes"},
		{"caught", "try:\n    'x' * 10**9\nexcept MemoryError:\n    return 'caught'", none, "", `"caught"`},
		{"endless recursion", "def f(): f()\nf()", none, caisson.ScriptRuntime, "RecursionError"},
		// What it costs to show an error is bounded.
		{"endless recursion, cheap", "def f(): f()\nf()", caisson.ScriptLimits{Fuel: 500_000_000}, caisson.ScriptRuntime, "RecursionError"},
		{"10,000 causes", "e = None\nfor i in range(10_000):\n    e, e.__cause__ = ValueError(i), e\nraise e", caisson.ScriptLimits{Fuel: 500_000_000}, caisson.ScriptRuntime, "ValueError: 9999"},
		{"one error in a million places", "g = ValueError('x')\nfor i in range(20): g = ExceptionGroup('g', [g, g])\nraise g", caisson.ScriptLimits{Fuel: 1_000_000_000}, caisson.ScriptRuntime, "ExceptionGroup: g"},
		{"one error of a tool in a million places", "try:\n    await tools.go.fail()\nexcept ToolError as e:\n    g = e\nfor i in range(20): g = ExceptionGroup('g', [g, g])\nraise g", caisson.ScriptLimits{Fuel: 1_000_000_000}, caisson.ScriptTool, "ExceptionGroup: g"},
		{"an infinite sleep", "await sleep(float('inf'))", none, caisson.ScriptNeverSettled, ""},
		{"an infinite sleep that blocks", "import time\ntime.sleep(float('inf'))", none, caisson.ScriptNeverSettled, ""},
		{"an infinite sleep beside others", "import asyncio\nt = asyncio.create_task(sleep(float('inf')))\nawait sleep(0.001)\nt.cancel()\nawait asyncio.wait_for(tools.go.add(a=1, b=2), float('inf'))", none, "", "3"},
		{"recursion in C", "class A:\n    def __repr__(self): return repr(self)\nrepr(A())", none, caisson.ScriptRuntime, "RecursionError"},
		{"recursion without its limit", "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()", caisson.ScriptLimits{Computing: time.Minute}, caisson.ScriptLimit, "MemoryBytes"},
		{"recursion in async functions", "async def f(): await f()\nawait f()", none, caisson.ScriptRuntime, "RecursionError"},
		{"deep JSON", "import json\njson.loads('[' * 10**5)", none, caisson.ScriptRuntime, "RecursionError"},
		{"a deep group", "g = ValueError()\nfor i in range(5000): g = ExceptionGroup('g', [g])\nraise g", none, caisson.ScriptRuntime, "ExceptionGroup"},
		{"a large result", "'x' * 200_000", none, caisson.ScriptLimit, "OutputBytes"},
		{"a large log", "while True: print('x' * 1000)", none, caisson.ScriptLimit, "OutputBytes"},
		{"a log without an end of line", "while True: print('x', end='')", soon, caisson.ScriptLimit, ""},
		{"a million lines", "for i in range(10**6): print(i)", none, caisson.ScriptLimit, "LogLines"},
		{"many timers", "import asyncio\nawait asyncio.gather(*[asyncio.sleep(0.001) for i in range(10_000)])\n1", none, "", "1"},
		{"a million timers", "import asyncio\nloop = asyncio.get_running_loop()\nx = [loop.call_later(1e6, print) for i in range(10**6)]\nawait asyncio.sleep(1e6)", soon, caisson.ScriptLimit, ""},
		{"a deep result", "x = []\nfor _ in range(300): x = [x]\nx", none, caisson.ScriptLimit, "ResultDepth"},
		{"a large answer", "await tools.go.much()", none, caisson.ScriptTool, "AnswerBytes"},
		{"large arguments", "await tools.go.describe(name='x' * 20_000)", caisson.ScriptLimits{ArgumentBytes: 10_000}, caisson.ScriptLimit, "ArgumentBytes"},
		{"10,000 calls of what is not there", "for i in range(10_000):\n    try: await tools.no.no()\n    except Exception: pass", none, caisson.ScriptLimit, "ToolCalls"},
		{"a large source", "# " + strings.Repeat("x", 128_000) + "\n1", none, caisson.ScriptLimit, "SourceBytes"},
		{"10,000 calls at once", "import asyncio\nawait asyncio.gather(*[tools.go.add(a=1, b=2) for i in range(10_000)])", none, caisson.ScriptLimit, "ToolCalls"},
		{"never settled", "import asyncio\nawait asyncio.get_running_loop().create_future()", none, caisson.ScriptNeverSettled, ""},
		{"never settled, blocked", "import asyncio\nasyncio.run(asyncio.Event().wait())", none, caisson.ScriptNeverSettled, ""},
		{"exit of the process", "import os\nos._exit(3)", none, caisson.ScriptTrap, ""},
		{"abort", "import os\nos.abort()", none, caisson.ScriptTrap, ""},
		{"patched builtins", "import builtins, json, asyncio, traceback\nfor n in ('len', 'isinstance', 'str', 'dict', 'print', 'Exception'): setattr(builtins, n, None)\njson.dumps = json.loads = asyncio.Task = traceback.TracebackException = None\nreturn await tools.go.add(a=1, b=2)", none, "", "3"},
		{"no modules", "import sys\nsys.modules.clear()\nreturn await tools.go.add(a=1, b=2)", none, "", "3"},
		{"no builtins", "import builtins\nvars(builtins).clear()\nx", none, caisson.ScriptRuntime, "NameError"},
		{"the runner's own modules", "from wit_world.imports import script_host\nscript_host.call_tool = None\nreturn 1", none, "", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, test.source)
			s.Limits = test.limits
			r, err := run(t, s)
			var e *caisson.ScriptError
			switch {
			case test.kind == "" && (err != nil || string(r.Value) != test.message):
				t.Errorf("%v, %+v", err, r)
			case test.kind != "" && !errors.As(err, &e):
				t.Errorf("%v, %+v", err, r)
			case test.kind != "" && (e.Kind != test.kind || !strings.Contains(e.Message, test.message)):
				t.Errorf("%s: %.500s", e.Kind, e.Message)
			}
		})
	}
}

// TestCancelled has the context end while a script computes, awaits, and waits in a synchronous call.
func TestCancelled(t *testing.T) {
	for name, source := range map[string]string{
		"computing":           "while True: pass",
		"awaiting":            "import asyncio\nwhile True: await asyncio.sleep(0)",
		"a tool":              "await tools.go.wait()",
		"a synchronous call":  "call_tool('go', 'wait')",
		"a timer":             "await sleep(1e6)",
		"a sleep that blocks": "import time\ntime.sleep(1e6)",
		"a pattern":           "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := script(t, "await tools.go.begin()\n"+source)
			begin := &caisson.Functions{}
			// The script goes on with what follows, and is there or soon will be when the context ends.
			if err := caisson.AddFunction(begin, "begin", "", func(context.Context, struct{}) (any, error) {
				time.AfterFunc(100*time.Millisecond, cancel)
				return nil, nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := caisson.AddFunction(begin, "wait", "", func(ctx context.Context, _ struct{}) (any, error) { <-ctx.Done(); return nil, ctx.Err() }); err != nil {
				t.Fatal(err)
			}
			var err error
			if s.Tools, err = caisson.NewToolSet(map[string]caisson.Caller{"go": begin}); err != nil {
				t.Fatal(err)
			}
			if _, err := shared(t).RunScript(ctx, s); !errors.Is(err, context.Canceled) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

// TestModule loads a source and calls its functions, by position and by name.
func TestModule(t *testing.T) {
	s := script(t, `
import functools
from json import dumps
count = 0

def add(a, b=10, /, *rest, scale: int = 1):
    return (a + b + sum(rest)) * scale

async def counted(name):
    global count
    count += 1
    return name, count, await tools.go.add(a=count, b=1)

@functools.cache
def cached(x): return x

def _private(): pass

class NotAFunction: pass

def fails(): return 1 / 0
`)
	s.Input, s.Args = nil, nil
	m, err := shared(t).Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := strings.Join(m.Functions(), " "); got != "add counted cached fails" {
		t.Errorf("the functions are %s", got)
	}
	call := func(name, named string, args ...any) (string, error) {
		if named != "" {
			var byName caisson.NamedArguments
			if err := json.Unmarshal([]byte(named), &byName); err != nil {
				t.Fatal(err)
			}
			args = append(args, byName)
		}
		r, err := m.RunFunction(t.Context(), name, args...)
		if err != nil {
			return "", err
		}
		return string(r.Value), nil
	}
	for _, test := range []struct {
		name, named string
		args        []any
		want        string
		kind        caisson.ScriptErrorKind
	}{
		{"add", "", []any{1, 2}, "3", ""},
		{"add", "", []any{1}, "11", ""},
		{"add", `{"scale": 2}`, []any{1, 2, 3}, "12", ""},
		{"counted", "", []any{"x"}, `["x",1,2]`, ""},
		{"counted", `{"name": "y"}`, nil, `["y",2,3]`, ""},
		{"cached", "", []any{"z"}, `"z"`, ""},
		{"add", "", nil, "add(a, b=10, /, *rest, scale: int = 1): missing a required argument: 'a'", caisson.ScriptInvalidArguments},
		{"add", `{"a": 1}`, nil, "positional", caisson.ScriptInvalidArguments},
		{"counted", `{"nope": 1}`, nil, "name", caisson.ScriptInvalidArguments},
		{"nope", "", nil, "it has add, counted, cached, fails", caisson.ScriptNotFound},
		{"_private", "", nil, "no function", caisson.ScriptNotFound},
		{"dumps", "", []any{1}, "no function", caisson.ScriptNotFound},
		{"fails", "", nil, "ZeroDivisionError", caisson.ScriptRuntime},
		{"counted", "", []any{"z"}, `["z",3,4]`, ""},
	} {
		got, err := call(test.name, test.named, test.args...)
		var e *caisson.ScriptError
		switch {
		case test.kind == "" && (err != nil || got != test.want):
			t.Errorf("%s: %s, %v", test.name, got, err)
		case test.kind != "" && (!errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(e.Message, test.want)):
			t.Errorf("%s: %s, %v", test.name, got, err)
		}
	}
}

// TestRunFunction calls a function of a module in a folder, by position and by name.
func TestRunFunction(t *testing.T) {
	folder := caisson.ModuleFolder{
		Files:     fstest.MapFS{"shapes.py": {Data: []byte("def area(width, height=1, *, unit='m'): return f'{width * height} {unit}'\n")}},
		Languages: map[string]caisson.Language{".py": python.Language},
	}
	for _, test := range []struct {
		args []any
		want string
	}{
		{[]any{3}, `"3 m"`},
		{[]any{3, caisson.NamedArguments{"unit": "mm", "height": 4}}, `"12 mm"`},
		{[]any{caisson.ArgumentList("[3]"), caisson.NamedArguments{"unit": "mm"}}, `"3 mm"`},
		{[]any{caisson.NamedArguments{"width": 2, "height": 2}}, `"4 m"`},
	} {
		result, err := shared(t).RunFunction(t.Context(), folder, "shapes", "area", test.args...)
		if err != nil || string(result.Value) != test.want {
			t.Errorf("%v: %+v, %v", test.args, result, err)
		}
	}
	var e *caisson.ScriptError
	if _, err := shared(t).RunFunction(t.Context(), folder, "shapes", "area", 3, caisson.NamedArguments{"width": 4}); !errors.As(err, &e) || e.Kind != caisson.ScriptInvalidArguments {
		t.Errorf("an argument twice: %v", err)
	}
}

// TestPackages imports packages from a file system, and reads a file of theirs. They cannot be written to.
func TestPackages(t *testing.T) {
	packages := fstest.MapFS{
		"shapes/__init__.py":         {Data: []byte("from .square import area\nfrom caisson import call_tool\ndef add(a, b): return call_tool('go', 'add', {'a': a, 'b': b})\n")},
		"shapes/square.py":           {Data: []byte("def area(side):\n    return side ** 2\ndef broken():\n    return 1 / 0\n")},
		"shapes/names.txt":           {Data: []byte("square\n")},
		"single.py":                  {Data: []byte("X = 5\n")},
		"wrong.py":                   {Data: []byte("x = (\n")},
		"six-1.0.dist-info/METADATA": {Data: []byte("Metadata-Version: 2.1\nName: six\nVersion: 1.0\n")},
	}
	s := script(t, `
import importlib.metadata, importlib.resources, os, shapes, single, sys
try:
    open("/packages/new.py", "w")
except OSError as error:
    refused = error.strerror
try:
    import wrong
except SyntaxError as error:
    wrong = error.filename, error.lineno
return (shapes.area(3), single.X, shapes.add(1, 2), importlib.resources.read_text("shapes", "names.txt"), refused, wrong,
        importlib.metadata.version("six"), sys.path)
`)
	s.Language = python.WithPackages(packages)
	r, err := run(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[9,5,3,"square\n","Read-only file system",["/packages/wrong.py",1],"1.0",["/packages"]]`; string(r.Value) != want {
		t.Errorf("got %s", r.Value)
	}
	s.Source = "import shapes.square\nshapes.square.broken()"
	_, err = run(t, s)
	var e *caisson.ScriptError
	if !errors.As(err, &e) || e.Line != 2 || !strings.Contains(e.Stack, `File "/packages/shapes/square.py", line 4, in broken`) {
		t.Errorf("%v", err)
	}
}

// TestNew has what is new in each run, though all begin from one snapshot of the interpreter; and the same when the
// host says so.
func TestNew(t *testing.T) {
	source := `
import os, random, secrets, time, uuid
[random.random(), secrets.token_hex(4), str(uuid.uuid4()), os.urandom(4).hex(), time.time(), dict(os.environ), time.monotonic()]`
	s := script(t, source)
	a, b := value(t, source), value(t, source)
	if a == b {
		t.Errorf("two runs have the same: %s", a)
	}
	s.Seed, s.Now = 7, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first, err := run(t, s)
	if err != nil {
		t.Fatal(err)
	}
	second, err := run(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if string(first.Value) != string(second.Value) || !strings.Contains(string(first.Value), "1767323045.0,{},") {
		t.Errorf("%s\n%s", first.Value, second.Value)
	}
	if first.Usage.Fuel != second.Usage.Fuel {
		t.Errorf("fuel: %d and %d", first.Usage.Fuel, second.Usage.Fuel)
	}
	// A frozen clock does not stop what waits for it.
	s.Source = "import asyncio, time\nawait asyncio.sleep(0.01)\ntime.sleep(0.01)\n'woken'"
	if r, err := run(t, s); err != nil || string(r.Value) != `"woken"` {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestLibrary has what docs/python.md says of the standard library: what is not there, and what CPython has removed.
func TestLibrary(t *testing.T) {
	text, err := os.ReadFile("../../../docs/python.md")
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		There, Missing, LeftOut []string
		Removed                 map[string][]string
	}
	s := script(t, `
from caisson import library
return {"there": library.there, "missing": list(library.missing), "leftOut": library.LEFT_OUT, "removed": library.REMOVED}`)
	r, err := run(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(r.Value, &found); err != nil {
		t.Fatal(err)
	}
	// Shows nothing, or is of no use to anybody.
	silent := map[string]bool{"antigravity": true, "this": true, "test": true, "turtledemo": true}
	for _, name := range append(found.Missing, found.LeftOut...) {
		if strings.HasPrefix(name, "_") || strings.HasSuffix(name, "_data") || silent[name] || strings.HasPrefix(name, "asyncio.") || strings.HasPrefix(name, "encodings.") {
			continue
		}
		if !strings.Contains(string(text), "`"+name) && !strings.Contains(string(text), "`"+strings.TrimPrefix(name, "compression.")) && name != "concurrent.futures.process" && name != "concurrent.futures.interpreter" {
			t.Errorf("docs/python.md does not say that %s is not there", name)
		}
	}
	if len(found.There) < 300 {
		t.Errorf("only %d modules are there", len(found.There))
	}
	for version, names := range found.Removed {
		for _, name := range names {
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("docs/python.md does not say that %s is gone since %s", name, version)
			}
			_, err := run(t, script(t, "import "+name))
			if err == nil || !strings.Contains(err.Error(), "CPython has none since "+version) {
				t.Errorf("import %s: %v", name, err)
			}
		}
	}
	// All of it can be imported: nothing is looked for on a disk.
	if got := value(t, "import importlib\nfrom caisson import library\nfor name in library.there: importlib.import_module(name)\nlen(library.there) > 300"); got != "true" {
		t.Error(got)
	}
}

// TestRemoved has the other things that CPython has removed, as the document lists them; and what works.
func TestRemoved(t *testing.T) {
	for _, source := range []string{
		"import fractions; fractions.gcd", "import array; array.array('b').tostring", "import json; json.loads('1', encoding='utf-8')",
		"import collections; collections.Mapping", "import asyncio; asyncio.coroutine", "import inspect; inspect.getargspec",
		"import random; random.shuffle([], random.random)", "import re; re.compile('a(?i)b')", "import unittest; unittest.TestCase.assertEquals",
		"import configparser; configparser.SafeConfigParser", "import locale; locale.format", "import typing; typing.io",
		"import locale; locale.resetlocale", "import ast; ast.Num", "import pkgutil; pkgutil.find_loader", "import sqlite3; sqlite3.version",
		"bool(NotImplemented)", "import asyncio; asyncio.sleep(0, loop=None)",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			_, err := run(t, script(t, source))
			if e := (*caisson.ScriptError)(nil); !errors.As(err, &e) || e.Kind != caisson.ScriptRuntime {
				t.Errorf("%v", err)
			}
		})
	}
	for source, want := range map[string]string{
		"import sqlite3\nd = sqlite3.connect(':memory:')\nd.execute('create table t (n, s)')\nd.executemany('insert into t values (?, ?)', [(1, 'a'), (2, 'ü')])\nd.execute('select sum(n), max(s) from t').fetchone()": `[3,"\u00fc"]`,
		"import gzip, zlib\ngzip.decompress(gzip.compress(b'x' * 1000)) == b'x' * 1000 and zlib.crc32(b'a')":                                                                                                            `3904355907`,
		"import io, zipfile, tarfile\nb = io.BytesIO()\nwith zipfile.ZipFile(b, 'w') as z: z.writestr('a', 'text')\nzipfile.ZipFile(b).read('a').decode()":                                                              `"text"`,
		"import hashlib\n[hashlib.new(n, b'x').hexdigest()[:6] for n in ('md5', 'sha1', 'sha256', 'sha512', 'sha3_256', 'blake2b')]":                                                                                    `["9dd4e4","11f6ad","2d7116","a4abd4","741efa","090937"]`,
		"import hmac\nhmac.new(b'k', b'm', 'sha256').hexdigest()[:8]":                                                                                                                                                   `"b60090e3"`,
		"[c for c in ('utf-16', 'latin-1', 'cp1252', 'shift_jis', 'gbk', 'koi8-r', 'idna', 'punycode') if 'a'.encode(c).decode(c) != 'a']":                                                                              `[]`,
		"import tomllib, configparser, email, string, textwrap, html.parser, xml.dom.minidom\nxml.dom.minidom.parseString('<a b=\"1\"/>').documentElement.getAttribute('b')":                                            `"1"`,
		"len(str(10 ** 4000)), int('7' * 4000) % 7, 3 ** 2000 // 7 ** 500 > 0":                                                                                                                                          `[4001,0,true]`,
		"import datetime\ndatetime.datetime.strptime('2 Jan 2026', '%d %b %Y').isoformat()":                                                                                                                             `"2026-01-02T00:00:00"`,
		"import unittest, io\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(1, 1)\nunittest.TextTestRunner(io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(T)).testsRun":        `1`,
		"from concurrent.futures import Future\nimport queue, heapq, bisect, struct, array, copy, glob, shutil, pprint, shlex, statistics, locale\nstruct.pack('<I', 1).hex()":                                          `"01000000"`,
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			if got := value(t, source); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestFirstRun has an empty cache: what runs before CPython is compiled runs in the interpreter, and a module that
// was loaded there goes on in compiled code.
func TestFirstRun(t *testing.T) {
	ctx := t.Context()
	r, err := caisson.New(ctx, &caisson.RuntimeOptions{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := script(t, "count = 0\nasync def counted():\n    global count\n    count += 1\n    return count, await tools.go.add(a=count, b=1)")
	s.Input, s.Args = nil, nil
	m, err := r.Load(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i := 1; i <= 50; i++ {
		got, err := m.RunFunction(ctx, "counted")
		if want := fmt.Sprintf("[%d,%d]", i, i+1); err != nil || string(got.Value) != want {
			t.Fatalf("%v, %+v, not %s", err, got, want)
		}
	}
	if got, err := r.RunScript(ctx, script(t, "import asyncio\nasyncio.run(tools.go.add(a=1, b=2))")); err != nil || string(got.Value) != "3" {
		t.Errorf("%v, %+v", err, got)
	}
}

// TestMany has many runs at once, each third of which fails, or is stopped while it computes. Each has its own
// interpreter, and none is left over.
func TestMany(t *testing.T) {
	r, set := shared(t), tools(t)
	one := func(i int) {
		s := caisson.Script{Language: python.Language, Tools: set, Input: i}
		ctx := t.Context()
		switch i % 3 {
		case 0:
			s.Source = "import builtins\nassert not hasattr(builtins, 'mine')\nbuiltins.mine = input\nawait tools.go.add(a=input, b=1)"
		case 1:
			s.Source = "raise ValueError(input)"
		case 2:
			s.Source = "while True: pass"
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
		}
		result, err := r.RunScript(ctx, s)
		var e *caisson.ScriptError
		switch {
		case i%3 == 0 && (err != nil || string(result.Value) != fmt.Sprint(i+1)):
			t.Errorf("%d: %v", i, err)
		case i%3 == 1 && (!errors.As(err, &e) || e.Message != fmt.Sprintf("ValueError: %d", i)):
			t.Errorf("%d: %v", i, err)
		case i%3 == 2 && !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("%d: %v", i, err)
		}
	}
	many := func(runs int) uint64 {
		var wg sync.WaitGroup
		turns := make(chan struct{}, 16)
		for i := range runs {
			turns <- struct{}{}
			wg.Go(func() {
				defer func() { <-turns }()
				one(i)
			})
		}
		wg.Wait()
		debug.FreeOSMemory()
		return footprint.AddressSpace()
	}
	// Each sandbox has reserved 128 MiB, and some are kept for further runs.
	before := many(48)
	if after := many(150); after > before+4<<30 {
		t.Errorf("the process has %d bytes; it had %d", after, before)
	}
}

// TestModuleAfterTrap has a module whose instance has trapped loaded anew by its next call.
func TestModuleAfterTrap(t *testing.T) {
	s := script(t, "import os\nn = 0\ndef count():\n    global n\n    n += 1\n    return n\ndef leave(): os._exit(3)")
	s.Input, s.Args = nil, nil
	m, err := shared(t).Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	count := func(want int) {
		t.Helper()
		if got, err := caisson.RunFunctionAs[int](t.Context(), m, "count"); err != nil || got != want {
			t.Errorf("count is %d, %v: want %d", got, err, want)
		}
	}
	count(1)
	count(2)
	var e *caisson.ScriptError
	if _, err := m.RunFunction(t.Context(), "leave"); !errors.As(err, &e) || e.Kind != caisson.ScriptTrap {
		t.Errorf("it ends with %v", err)
	}
	count(1)
}

// TestParallelCalls has 8 calls of tools underway at once, and no more.
func TestParallelCalls(t *testing.T) {
	s := script(t, "import asyncio\nlen(await asyncio.gather(*[tools.go.hold() for i in range(40)]))")
	hold, most := underway.Hold(8)
	functions := &caisson.Functions{}
	if err := caisson.AddFunction(functions, "hold", "", hold); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.Tools, err = caisson.NewToolSet(map[string]caisson.Caller{"go": functions}); err != nil {
		t.Fatal(err)
	}
	if r, err := run(t, s); err != nil || string(r.Value) != "40" || most() != 8 {
		t.Errorf("%d calls were underway at once: %v, %+v", most(), err, r)
	}
}

// TestLinked has only those programs link CPython that import this package.
func TestLinked(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../../caisson").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "host-go/internal/core\n") || strings.Contains(string(out), "host-go/internal/python") {
		t.Errorf("package caisson depends on %s", out)
	}
}

// TestNames has every way to bind a name at the top level: it is the module's then, and functions find it.
func TestNames(t *testing.T) {
	for source, names := range map[string]string{
		"a = b = 1; c, *d = 1, 2; [e, (f, g)] = 1, (2, 3); h: int = 1; i = 0; i += 1":  "a b c d e f g h i",
		"for a, b in [(1, 2)]: pass\nelse: c = 1":                                      "a b c",
		"import os, os.path as a, xml.sax; from os import path as b, sep":              "os a xml b sep",
		"def a(x=(b := 1)): y = 1\nclass c: z = 1\nasync def d(): pass":                "a b c d",
		"try: 1 / 0\nexcept ZeroDivisionError as e: a = str(e)":                        "a",
		"with open(0) if 0 else __import__('contextlib').nullcontext(1) as a: b = a":   "a b",
		"if (a := 1): pass\n[b := x for x in (1,)]; {(c := 1): 2}; (lambda: (z := 1))": "a b c",
		"match {'k': [1, 2, 3], 'r': 4}:\n    case {'k': [a, *b] as c, **d}: pass":     "a b c d",
		"type a = int; x = 1; del x; b = 1":                                            "a b",
		"async def g(): yield 1\nasync for a in g(): pass\nb = [x async for x in g()]": "a b",
	} {
		var checks []string
		for _, name := range strings.Fields(names) {
			checks = append(checks, "'"+name+"' in globals()")
		}
		got := value(t, source+"\ndef missing(): return ["+strings.Join(checks, ", ")+"]\nmissing()")
		if strings.Contains(got, "false") {
			t.Errorf("%s: %s of %s", source, got, names)
		}
	}
}
