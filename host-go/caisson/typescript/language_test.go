package typescript_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/typescript"
)

var client *caisson.Client

func TestMain(m *testing.M) {
	runtime, err := caisson.New(context.Background(), nil)
	if err == nil {
		client, err = runtime.NewClient(nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	runtime.Close()
	os.Exit(code)
}

func run(t *testing.T, source string, options *typescript.Options) (string, error) {
	t.Helper()
	fs := &caisson.Functions{}
	type numbers struct {
		A int `json:"a"`
		B int `json:"b"`
	}
	if err := caisson.AddFunction(fs, "add", "Adds.", func(_ context.Context, in numbers) (map[string]int, error) {
		return map[string]int{"sum": in.A + in.B}, nil
	}); err != nil {
		t.Fatal(err)
	}
	tools, err := caisson.NewToolSet(map[string]caisson.Caller{"go": fs})
	if err != nil {
		t.Fatal(err)
	}
	result, err := client.RunScript(t.Context(), caisson.Script{
		Source: source, Name: "script.ts", Language: typescript.Language(options), Tools: tools, Input: 7, Args: []string{"x", "y"},
	})
	if err != nil {
		return "", err
	}
	return string(result.Value), nil
}

func TestScriptsRun(t *testing.T) {
	files := fstest.MapFS{
		"lib/double.ts":                  {Data: []byte("export const double = (n: number): number => n * 2")},
		"node_modules/left/index.cjs":    {Data: []byte("exports.left = s => '<' + s")},
		"node_modules/left/package.json": {Data: []byte(`{"main": "index.cjs"}`)},
	}
	for source, want := range map[string]string{
		"const n: number = input as number; n + 1":                                          "8",
		"const n: number = input as number;\nreturn n":                                      "7",
		"const { sum } = await tools.go.add({ a: 1, b: 2 }) as { sum: number }; return sum": "3",
		"export function main(...args: string[]): string { return args.join('+') }":         `"x+y"`,
		"function main(a: string, b: string): string { return a + b }":                      `"xy"`,
		"enum E { A = 3, B } return [E.A, E[4]]":                                            `[3,"B"]`,
		"const enum E { A = 3 } E.A":                                                        "3",
		"namespace N { export const x = 5 }\nN.x":                                           "5",
		"abstract class A { constructor(protected n: number) {} get m() { return this.n } }\nclass B extends A {}\nreturn new B(4).m":     "4",
		"const up = (f: any, _: any) => function (this: any) { return f.call(this) + 1 };\nclass A { @up n() { return 1 } }\nnew A().n()": "2",
		"let closed = 0; { using a = { [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() { closed++ } }; }\nclosed":                      "1",
		"import { double } from './lib/double'; import { left } from 'left';\nreturn left(double(input as number))":                       `"<14"`,
		"import { double } from './lib/double.js';\nexport const main = async () => { await sleep(1); return double(4) }":                 "8",
		"const { double } = await import('./lib/double'); double(5)":                                                                      "10",
		"import type { X } from './none'; const x: X | null = null; x":                                                                    "null",
		"const t = `${[1, 2].map((n): number => n * 2)}` satisfies string; t":                                                             `"2,4"`,
	} {
		if got, err := run(t, source, &typescript.Options{Files: files}); err != nil || got != want {
			t.Errorf("%s\ngives %s, %v\nand not %s", source, got, err, want)
		}
	}
}

func TestErrorsOfScriptsHaveTheirPlaces(t *testing.T) {
	files := fstest.MapFS{"lib/fail.ts": {Data: []byte("type A = string;\n\nexport function fail(a: A): never {\n  throw new RangeError(a);\n}\n")}}
	for _, c := range []struct {
		source, script string
		kind           caisson.ScriptErrorKind
		line           int
		stack          string
	}{
		{"type A = 1;\n\nconst a: A = 1;\nthrow new Error('x')", "script.ts", caisson.ScriptRuntime, 4, "script.ts:4:"},
		{"type A = 1;\nfunction f(a: A): never {\n  throw new Error('x');\n}\nreturn f(1)", "script.ts", caisson.ScriptRuntime, 3, "script.ts:5:"},
		{"import { fail } from './lib/fail';\ntype A = 1;\nreturn fail('x')", "lib/fail.ts", caisson.ScriptRuntime, 4, "script.ts:3:"},
		{"let a: = 1", "script.ts", caisson.ScriptSyntax, 1, ""},
		{"import './none'", "script.ts", caisson.ScriptSyntax, 1, ""},
		{"const a = <b>x</b>", "script.ts", caisson.ScriptSyntax, 1, ""},
		{"type A = 1;\n\nawait tools.go.nothing({})", "script.ts", caisson.ScriptTool, 3, ""},
		{"\uFEFFthrow new Error('x')", "script.ts", caisson.ScriptRuntime, 1, "script.ts:1:7"},
		{"const a: string = '😀😀😀😀😀😀😀😀'; null!.a; null!.b", "script.ts", caisson.ScriptRuntime, 1, "script.ts:1:31"},
		{"type A = 1;\r\nthrow new Error('x')\r\n", "script.ts", caisson.ScriptRuntime, 2, "script.ts:2:7"},
	} {
		_, err := run(t, c.source, &typescript.Options{Files: files})
		var e *caisson.ScriptError
		if !errors.As(err, &e) || e.Script != c.script || e.Kind != c.kind || e.Line != c.line || !strings.Contains(e.Stack, c.stack) {
			text, _ := json.Marshal(e)
			t.Errorf("%s\nfails with %s", c.source, text)
		}
	}
	// The name of a file need not be a text of one line.
	_, err := client.RunScript(t.Context(), caisson.Script{Name: "\xff\n.ts", Source: "throw new Error('x')", Language: typescript.Language(nil)})
	var e *caisson.ScriptError
	if !errors.As(err, &e) || e.Script != "\uFFFD\uFFFD.ts" || e.Stack != "at \uFFFD\uFFFD.ts:1:7" {
		t.Errorf("a name that is no text: %#v", e)
	}
}

func TestModulesOfScripts(t *testing.T) {
	m, err := client.Load(t.Context(), caisson.Script{
		Source: "export const add = (a: number, b: number): number => a + b; export type T = 1", Name: "module.ts", Language: typescript.Language(nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	result, err := m.RunFunction(t.Context(), "add", 1, 2)
	if err != nil || string(result.Value) != "3" {
		t.Error(result, err)
	}
}
