package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// These are plugins: one whose exported functions are tools, one that tells what it reaches, and one that lists its
// tools itself and does what the names of its tools say.
const (
	calc  = "../../caisson/plugin/testdata/calc.wasm"
	reach = "../../caisson/plugin/testdata/reach.wasm"
)

// puppet returns a file with the puppet, which lists these tools.
func puppet(t *testing.T, tools string) string {
	t.Helper()
	b, err := os.ReadFile("../../caisson/plugin/testdata/puppet.wasm")
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), "[LIST")
	copy(b[at:], tools+strings.Repeat(" ", 4096-len(tools)))
	return componentFile(t, "puppet.wasm", b)
}

func TestPluginHelp(t *testing.T) {
	for _, command := range []string{"plugin", "plugin inspect", "plugin list", "plugin call", "plugin pull", "plugin new", "run-tool"} {
		o := caissonRun(t, append(strings.Fields(command), "--help")...)
		o.expect(t, exitOK)
		golden(t, "help-"+strings.ReplaceAll(command, " ", "-"), o.out)
	}
}

func TestPluginList(t *testing.T) {
	o := caissonRun(t, "plugin", "list", "--no-cache", calc)
	o.expect(t, exitOK)
	golden(t, "plugin-list", o.out)
	o = caissonRun(t, "plugin", "list", "--no-cache", calc, "--json")
	o.expect(t, exitOK)
	var page struct{ Tools []tool }
	if err := json.Unmarshal([]byte(o.out), &page); err != nil || len(page.Tools) != 8 || page.Tools[0].Name != "docs_calc_ops_add" {
		t.Error(o.out, err)
	}
}

func TestPluginInspect(t *testing.T) {
	o := caissonRun(t, "plugin", "inspect", "--no-cache", calc)
	o.expect(t, exitOK)
	golden(t, "plugin-inspect", o.out)
	var got pluginInspection
	o = caissonRun(t, "plugin", "inspect", "--no-cache", reach, "--json")
	o.expect(t, exitOK)
	if err := json.Unmarshal([]byte(o.out), &got); err != nil || strings.Join(got.Grants, " ") != "--dir --env --clocks --random" || got.Provider || got.Tools[0].Function == "" {
		t.Error(o.out, err)
	}
	o = caissonRun(t, "plugin", "inspect", "--no-cache", puppet(t, `[{"name":"echo","inputSchema":{"type":"object"}}]`))
	o.expect(t, exitOK)
	if !strings.Contains(o.out, "kind     lists its tools itself (caisson:plugin/provider)\ngrants   none\n") {
		t.Error(o.out)
	}
}

// A plugin's tool is called as a server's is: the same arguments, results and exit codes.
func TestPluginCall(t *testing.T) {
	for _, command := range [][]string{{"plugin", "call"}, {"run-tool"}} {
		run := func(code int, out string, words ...string) {
			t.Helper()
			o := caissonRun(t, append(append(command, "--no-cache"), words...)...)
			o.expect(t, code)
			if o.out != out {
				t.Errorf("%q: %q", words, o.out)
			}
		}
		run(exitOK, "42\n", calc, "docs_calc_ops_add", "a=40", "b=2")
		run(exitOK, "42\n", calc, "docs_calc_ops_add", "--args", `{"a": 40, "b": 3}`, "b=2")
		run(exitOK, `{"content":[{"type":"text","text":"18446744073709551615"}],"structuredContent":{"result":18446744073709551615}}`+"\n",
			calc, "sum", "a=18446744073709551614", "b=1", "--json")
		run(exitOK, "grüezi\n", calc, "hello", "name=grüezi")
		run(exitToolError, "division by zero\n", calc, "docs_calc_ops_divide", "a=1", "b=0")
	}
	for _, c := range []struct {
		code  int
		words []string
		text  string
	}{
		{exitUsage, nil, "no plugin is given"},
		{exitUsage, []string{calc}, "no tool is given: 'caisson plugin list' shows the plugin's tools"},
		{exitUsage, []string{calc, "other"}, `the plugin has no tool "other": it has docs_calc_ops_add`},
		{exitUsage, []string{calc, "sum", "c=1"}, `the tool "sum" has no argument "c": it has a: integer, b: integer`},
		{exitUsage, []string{calc, "sum", "a=1"}, `the arguments of the tool "sum": the parameter "b" is missing`},
		{exitUsage, []string{calc, "sum", "--args", `{"a": -1, "b": 1}`}, "/a: must be a whole number from 0 to 18446744073709551615, not -1"},
		{exitUsage, []string{calc, "sum", "--dir", "/nowhere/at/all"}, "--dir: "},
		{exitUsage, []string{calc, "sum", "--net", "example.com"}, "--net: "},
		{exitUsage, []string{calc, "sum", "--timeout", "-1s"}, "--timeout must be more than 0"},
		{exitConnect, []string{"none.wasm", "sum"}, "none: load: connect: "},
		{exitConnect, []string{"plugin_test.go", "sum"}, "it is no component that can be run: component: not WebAssembly"},
	} {
		o := caissonRun(t, append([]string{"run-tool", "--no-cache"}, c.words...)...)
		o.expect(t, c.code, c.text)
	}
}

// What a plugin does wrong, or takes too much of, has its exit code and says which flag allows more.
func TestPluginFaults(t *testing.T) {
	const tools = `[{"name":"trap","inputSchema":{"type":"object"}},{"name":"loop","inputSchema":{"type":"object"}},{"name":"memory","inputSchema":{"type":"object"}},{"name":"progress","inputSchema":{"type":"object"}}]`
	file := puppet(t, tools)
	caissonRun(t, "run-tool", "--no-cache", file, "trap").expect(t, exitFailure, "puppet: tools/call: trap: ")
	caissonRun(t, "run-tool", "--no-cache", file, "loop", "--fuel", "1000000").expect(t, exitFailure, "it computed for more than Limits.Fuel of 1000000 units", "on the command line that is --fuel")
	caissonRun(t, "run-tool", "--no-cache", file, "memory", "--max-memory", "4MiB").expect(t, exitFailure, "it was refused memory", "on the command line that is --max-memory")
	caissonRun(t, "run-tool", "--no-cache", file, "loop", "--timeout", "300ms").expect(t, exitTimeout, "it took longer than 300ms: allow more with --timeout")
	caissonRun(t, "run-tool", "--no-cache", file, "progress", "--args", `{"content":[]}`).expect(t, exitOK, "progress 1/2 half done\n", `warning part: {"a":[1]}`+"\n", "debug: not JSON\n")
	caissonRun(t, "plugin", "list", "--no-cache", puppet(t, "[1]")).expect(t, exitFailure, "puppet: load: protocol: tool 0 of its list")
}

// A plugin reaches what the flags grant.
func TestPluginGrants(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("GIVEN", "from outside")
	for _, c := range []struct {
		tool, out string
		flags     []string
	}{
		{"environment", "[]\n", nil},
		{"environment", `[["A","1"],["GIVEN","from outside"]]` + "\n", []string{"--env", "GIVEN", "--env", "A=1"}},
		{"folders", "[]\n", nil},
		{"folders", `[[1,"/data"]]` + "\n", []string{"--dir", folder + ":/data:ro"}},
		{"wall", "0\n", nil},
	} {
		o := caissonRun(t, append([]string{"run-tool", "--no-cache", reach, c.tool}, c.flags...)...)
		o.expect(t, exitOK)
		if o.out != c.out {
			t.Errorf("%s %q: %q", c.tool, c.flags, o.out)
		}
	}
	random := func(flags ...string) string {
		return caissonRun(t, append([]string{"run-tool", "--no-cache", reach, "random"}, flags...)...).out
	}
	if first := random(); first != random() {
		t.Error("random numbers differ without --random")
	}
	if first := random("--random"); first == random("--random") {
		t.Error("random numbers are the same with --random")
	}
	if o := caissonRun(t, "run-tool", "--no-cache", reach, "wall", "--clocks"); len(o.out) < 10 {
		t.Error(o.out)
	}
}

func TestPluginNew(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "greeter")
	o := caissonRun(t, "plugin", "new", "--lang", "rust", folder)
	o.expect(t, exitOK, "/greeter/README.md says how it is built")
	if !strings.Contains(o.out, "/greeter/src/lib.rs\n") {
		t.Error(o.out)
	}
	caissonRun(t, "plugin", "new", "--lang", "rust", folder).expect(t, exitUsage, "is not empty")
	caissonRun(t, "plugin", "new", "--lang", "cobol", folder).expect(t, exitUsage, "--lang is one of go, javascript, python, rust")
	caissonRun(t, "plugin", "new", "--lang", "go", "Not/A Name").expect(t, exitUsage, `"A Name" is no name for a plugin`)
	caissonRun(t, "plugin", "new", "--lang", "go").expect(t, exitUsage, "no folder is given")
}
