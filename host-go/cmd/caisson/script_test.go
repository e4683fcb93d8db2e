package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/answers"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

func TestRunScriptLanguages(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ts := file("typed.ts", "const n: number = input.n\nreturn n satisfies number")
	keywords := file("keywords.py", "def area(width, height=1, *, unit='m'): return f'{width} {height} {unit}'\n")
	imports := file("imports.ts", "import { twice } from './lib/twice'\nreturn twice(4)")
	file("lib/twice.ts", "export const twice = (n: number): number => 2 * n")
	py := file("sum.py", "import statistics\ndef main(*args):\n    return {'mean': statistics.mean(map(int, args))}\n")
	packed := file("packed.py", "from shapes import area\narea(3, 4)")
	file("packages/shapes.py", "def area(a, b):\n    return a * b\n")
	packages := filepath.Join(folder, "packages")
	for _, test := range []struct {
		words []string
		code  int
		says  string
	}{
		{[]string{"run", ts, "n=3"}, exitOK, "3\n"},
		{[]string{"run", "--lang", "ts", "-e", "const n: number = 'a'.length; n"}, exitOK, "1\n"},
		{[]string{"run", imports, "--modules", folder}, exitOK, "8\n"},
		{[]string{"run", imports}, exitScript, "imports.ts:1"},
		{[]string{"run", "--lang", "js", ts}, exitScript, "syntax"},
		{[]string{"run", py, "--", "1", "2", "6"}, exitOK, "{\"mean\":3}\n"},
		{[]string{"run-function", py, "main", "4"}, exitOK, "{\"mean\":4}\n"},
		{[]string{"run-function", keywords, "area", "3", "unit=mm"}, exitOK, "3 1 mm\n"},
		{[]string{"run-function", keywords, "area", "unit=mm", "--args", "[3]", "height=7"}, exitOK, "3 7 mm\n"},
		{[]string{"run-function", keywords, "area", `"unit=mm"`, "https://x/?a=b"}, exitOK, "unit=mm https://x/?a=b m\n"},
		{[]string{"run-function", keywords, "area", "3", "size=4"}, exitScript, "size"},
		{[]string{"run-function", keywords, "area", "3", "unit=m", "unit=m"}, exitUsage, "given twice"},
		{[]string{"run-function", keywords, "area", "3", "--args", "[3]"}, exitUsage, "gives all of them"},
		{[]string{"run", "--lang", "py", "-e", "sum(range(4))"}, exitOK, "6\n"},
		{[]string{"run", packed, "--python-path", packages}, exitOK, "12\n"},
		{[]string{"run", packed}, exitScript, "shapes"},
		{[]string{"run", "--lang", "lua", "-e", "1"}, exitUsage, "--lang is js, ts or py"},
		{[]string{"run", "--modules", folder, "-e", "1"}, exitUsage, "--modules is for"},
		{[]string{"run", "--python-path", folder, "-e", "1"}, exitUsage, "--python-path is for"},
		{[]string{"run", packed, "--python-path", filepath.Join(folder, "none")}, exitUsage, "none"},
	} {
		t.Run(strings.Join(test.words, " "), func(t *testing.T) {
			t.Parallel()
			o := caissonRun(t, test.words...)
			if test.code != exitOK {
				o.expect(t, test.code, test.says)
				return
			}
			if o.expect(t, test.code); o.out != test.says {
				t.Errorf("it prints %q, want %q", o.out, test.says)
			}
		})
	}
}

// scriptFolder is a folder with a script, and a configuration with the demo server in it.
func scriptFolder(t *testing.T) (script, config string) {
	t.Helper()
	folder := t.TempDir()
	script, config = filepath.Join(folder, "script.js"), filepath.Join(folder, "mcp.json")
	servers, err := json.Marshal(map[string]any{"mcpServers": map[string]any{"demo": map[string]any{"command": self(t), "args": []string{"demo-server"}}}})
	if err != nil {
		t.Fatal(err)
	}
	source := `console.warn('input', input);
export const area = (a, b) => a * b;
export const join = (...texts) => texts.join();
export async function main(...args) { return { args, sum: (await tools.demo.add({ a: 1, b: 2 })).sum } }`
	for path, text := range map[string]string{script: source, config: string(servers)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return script, config
}

func TestRunScript(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	script, config := scriptFolder(t)
	input := filepath.Join(t.TempDir(), "input.json")
	if err := os.WriteFile(input, []byte(`{"from":"file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	twice := filepath.Join(filepath.Dir(script), "twice")
	for name, text := range map[string]string{"twice.js": "export const f = () => 'js'", "twice.py": "def f(): return 'py'", "fails.js": "console.log('so far'); throw 1"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(script), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tools := []string{"--tools", "demo", "--config", config}
	for _, test := range []struct {
		stdin string
		words []string
		code  int
		out   string
		err   string
	}{
		{"", append([]string{"run", script, "x=1", "y=a=b", "z=[1]"}, append(tools, "--", "p", "q")...), exitOK, "{\"args\":[\"p\",\"q\"],\"sum\":3}\n", `warn: input { x: 1, y: "a=b", z: [1] }`},
		{"", []string{"run", "-e", "return 'a\\ntext'"}, exitOK, "a\ntext\n", ""},
		{"return input.from", []string{"run", "-", "--input", "@" + input}, exitOK, "file\n", ""},
		{"\uFEFF[1]", []string{"run", "-e", "input", "--input", "-"}, exitOK, "[1]\n", ""},
		{"\"\xff\"", []string{"run", "-e", "input", "--input", "-"}, exitUsage, "", "it is not UTF-8"},
		{"\uFEFF null.x", []string{"run", "-"}, exitScript, "", "stdin:1:2: runtime"},
		{"1;\n'\xff'", []string{"run", "-"}, exitScript, "", "stdin:2:2: syntax: the source is not UTF-8"},
		{"", []string{"run", "-e", "input", "--input", "[1]"}, exitOK, "[1]\n", ""},
		{"", []string{"run", "-e", "Math.random() + Date.now()", "--seed", "1", "--now", "2026-11-29T12:00:00Z"}, exitOK, "1795953600000.248\n", ""},
		{"", []string{"run", "-e", "\nthrow new Error('no')"}, exitScript, "", "eval:2:7: runtime: Error: no"},
		{"", []string{"run", "-e", "function f() { throw new Error('no') }\nf()"}, exitScript, "", "at f (eval:1:22)"},
		{"", []string{"run", "-e", "await tools.demo.add({})"}, exitScript, "", "--tools NAME grants it"},
		{"", []string{"run", "-e", "let x = ;"}, exitScript, "", "eval:1:9: syntax"},
		{"", []string{"run", "-e", "for (;;);", "--computing", "200ms"}, exitScript, "", "--computing is 200ms"},
		{"", []string{"run", "-e", "await sleep(1e6)", "--time", "200ms"}, exitTimeout, "", "--time is 200ms"},
		{"", []string{"run", "-e", "await sleep(1e6)", "--time", "0.2"}, exitTimeout, "", "--time is 200ms"},
		{"", []string{"run", "-e", "for (;;);", "--computing", "0.2"}, exitScript, "", "--computing is 200ms"},
		{"", []string{"run", "-e", "1", "--computing", "soon"}, exitUsage, "", "neither seconds"},
		{"", []string{"run", "-e", "1", "--watch"}, exitUsage, "", "--watch is for a script in a file"},
		{"", []string{"run", "-", "--watch"}, exitUsage, "", "--watch is for a script in a file"},
		{"", []string{"run", script, "--input", "-", "--watch"}, exitUsage, "", "--watch is for a script in a file"},
		{"", append([]string{"run", "-e", "Object.keys(tools.demo)", "--allow-tool", "demo.add"}, tools...), exitOK, "[\"add\"]\n", ""},
		{"", append([]string{"run", "-e", "1", "--allow-tool", "demo.none"}, tools...), exitUsage, "", "demo.none"},
		{"", append([]string{"run", "-e", "1", "--allow-tool", "add"}, tools...), exitUsage, "", "SERVER.TOOL"},
		{"", []string{"run", "-e", "1", "--tools", "none", "--config", config}, exitUsage, "", "none"},
		{"", []string{"run", "-e", "1", "--tools", "demo,none", "--config", config}, exitUsage, "", "caisson: none:"},
		{"", []string{"run", "-e", "1", "--tool-calls", "-1"}, exitUsage, "", "--tool-calls is negative"},
		{"", []string{"run"}, exitUsage, "", "no script is given"},
		{"", []string{"run", "missing.js"}, exitUsage, "", "missing.js"},
		{"", []string{"run", config}, exitUsage, "", "no language has files of this name"},
		{"", []string{"run", script, "word"}, exitUsage, "", "word"},
		{"", []string{"run", "-e", "1", "--input", "{"}, exitUsage, "", "it is not JSON"},
		{"", []string{"run", "-e", "1", "a=1", "--input", "{}"}, exitUsage, "", "the whole input"},
		{"", []string{"run", "-e", "1", "--now", "yesterday"}, exitUsage, "", "--now"},
		{"", []string{"run", "-e", "1", "--now", "0001-01-01T00:00:00Z"}, exitUsage, "", "--now: the clock of a script begins in 1970"},
		{"", []string{"run", "-e", "1", "--now", "9999-01-01T00:00:00Z"}, exitUsage, "", "--now is not from 1970 to 2261"},
		{"", []string{"run", "-e", "1", "--seed", "0"}, exitUsage, "", "0 stands for no seed"},
		{"", []string{"run", "-e", " "}, exitUsage, "", "eval: the source is empty"},
		{"", []string{"run", script, "--record", script}, exitUsage, "", "the run reads this file"},
		{"", []string{"run", "-e", "1", "--input", "@" + input, "--record", input}, exitUsage, "", "the run reads this file"},
		{"", []string{"run-function", script, "area", "3", "4"}, exitOK, "12\n", "warn: input null"},
		{"", []string{"run-function", script, "join", "3", "x", `"4"`}, exitOK, "3,x,4\n", ""},
		{"", []string{"run-function", script, "area", "--args", "[3, 4]"}, exitOK, "12\n", "warn: input null"},
		{"", []string{"run-function", script, "area", "-3", "4"}, exitUsage, "", "an argument that begins with - stands after --"},
		{"", []string{"run-function", script, "area", "--", "-3", "4"}, exitOK, "-12\n", ""},
		{"", []string{"run-function", script, "area", "3", "b=4"}, exitScript, "", "JavaScript has no arguments by name"},
		{"", []string{"run-function", script, "area", "--args", "{}"}, exitUsage, "", "it is no JSON list"},
		{"", []string{"run-function", script, "area", "3", "--args", "[4]"}, exitUsage, "", "gives all of them"},
		{"", []string{"run-function", strings.TrimSuffix(script, ".js"), "area", "3", "4"}, exitOK, "12\n", ""},
		{"", []string{"run-function", twice, "f"}, exitUsage, "", "twice.js and twice.py"},
		{"", []string{"run-function", twice + ".py", "f"}, exitOK, "py\n", ""},
		{"", []string{"run-function", filepath.Join(filepath.Dir(script), "missing"), "f"}, exitUsage, "", `there is no module "missing"`},
		{"", []string{"run-function", filepath.Join(filepath.Dir(script), "fails"), "f"}, exitScript, "", "info: so far"},
		{"", []string{"run-function", script, "none"}, exitScript, "", `no function "none"; it has area, join, main`},
		{"", []string{"run-function", script}, exitUsage, "", "no function is given"},
	} {
		t.Run(strings.Join(test.words, " "), func(t *testing.T) {
			t.Parallel()
			o := caissonWith(t, test.stdin, test.words...)
			if test.err == "" {
				o.expect(t, test.code)
			} else {
				o.expect(t, test.code, test.err)
			}
			if o.out != test.out {
				t.Errorf("it prints %q, want %q", o.out, test.out)
			}
		})
	}
}

func TestRunScriptJSON(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	_, config := scriptFolder(t)
	o := caissonRun(t, "run", "-e", "console.log('a'); await tools.demo.add({ a: 1, b: 2 }); await tools.demo.none()", "--tools", "demo", "--config", config, "--json")
	o.expect(t, exitScript)
	var out scriptJSON
	if err := json.Unmarshal([]byte(o.out), &out); err != nil {
		t.Fatal(err)
	}
	if out.Error == nil || out.Error.Kind != "tool" || out.Error.Line != 1 || len(out.Logs) != 1 || out.Logs[0].Text != "a" || len(out.Calls) != 2 || out.Calls[0].Outcome != "done" || out.Calls[1].Code != "not found" || out.Usage.Fuel == 0 {
		t.Errorf("it prints %s", o.out)
	}
}

// TestInterruptedLog has a run that was interrupted: its log says where it was.
func TestInterruptedLog(t *testing.T) {
	t.Parallel()
	var out, stderr bytes.Buffer
	a := &app{out: &out, err: terminal.New(&stderr)}
	result := &caisson.ScriptResult{Logs: []caisson.ScriptLog{{Level: "info", Text: "so far"}}}
	if err := a.printScript(&scriptFlags{}, &scriptTask{book: &answers.Book{}}, result, context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if a.err.End(); !strings.Contains(stderr.String(), "info: so far") || out.Len() > 0 {
		t.Errorf("it prints %q and %q", out.String(), stderr.String())
	}
}
