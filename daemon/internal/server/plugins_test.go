package server

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/config"
)

// calc is a component that anybody may have written: its functions are tools.
const calc = "../../../host-go/caisson/plugin/testdata/calc.wasm"

// TestPlugins has a plugin be called by RunTool, by a script, and by a script that is a tool, behind the policy.
func TestPlugins(t *testing.T) {
	file, err := filepath.Abs(calc)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("add.js", "/* ---\ndescription: Adds.\ninputSchema: {properties: {a: {type: integer}}}\ntools: {calc: [sum]}\n--- */\nreturn await tools.calc.sum({a: input.a, b: 1})")
	policy := write("policy.yaml", "version: 1\nplugins:\n  calc: {tools: [{name: sum, arguments: {properties: {a: {maximum: 10}}}}]}\nscripts:\n  mine: {tools: [add]}\n")
	text := "policy: " + policy + "\nscripts: {plugins: {calc: " + file + "}, tools: {mine: " + folder + "}}\n"
	d := start(t, text)
	ctx := t.Context()
	alice := d.scripts(d.token("alice"))
	tool := func(source, name, arguments string) (string, error) {
		r, err := alice.RunTool(ctx, connect.NewRequest(&caissonv1.RunToolRequest{Source: source, Name: name, Arguments: []byte(arguments)}))
		if err != nil {
			return "", err
		}
		return string(r.Msg.GetResult()), nil
	}
	script := func(source string, servers ...string) (*caissonv1.Outcome, error) {
		r, err := alice.RunScript(ctx, connect.NewRequest(&caissonv1.RunScriptRequest{Script: &caissonv1.Script{Source: source, Servers: servers}}))
		if err != nil {
			return nil, err
		}
		return r.Msg.GetOutcome(), nil
	}
	if text, err := tool("calc", "sum", `{"a":1,"b":2}`); err != nil || !strings.Contains(text, "3") {
		t.Errorf("RunTool: %s, %v", text, err)
	}
	if _, err := tool("calc", "sum", `{"a":11,"b":2}`); detail(t, err).GetCode() != caissonv1.Code_CODE_DENIED {
		t.Errorf("what the policy does not grant: %v", err)
	}
	if text, err := tool("mine", "add", `{"a":4}`); err != nil || !strings.Contains(text, "5") {
		t.Errorf("from a script that is a tool: %s, %v", text, err)
	}
	// The plugin is behind the principal's policy there too: the runner of the tool has none.
	if text, err := tool("mine", "add", `{"a":11}`); err == nil && strings.Contains(text, "12") {
		t.Errorf("a script that is a tool calls what the policy does not grant: %s", text)
	}
	for _, name := range []string{"calc", "*"} {
		if done, err := script("return await tools.calc.sum({a: 1, b: 5})", name); err != nil || !strings.Contains(string(done.GetValue()), "6") {
			t.Errorf("from a script with %q: %v, %v", name, done, err)
		}
	}
	if done, err := script("return await tools.calc.sum({a: 11, b: 5})", "calc"); err != nil || done.GetFailure() == nil {
		t.Errorf("a script calls what the policy does not grant: %v, %v", done, err)
	}

	for name, test := range map[string]struct{ text, want string }{
		"fine":          {text, ""},
		"no component":  {"scripts: {plugins: {calc: " + policy + "}}\n", "scripts.plugins.calc"},
		"no such file":  {"scripts: {plugins: {calc: none.wasm}}\n", "none.wasm"},
		"not granted":   {"policy: " + policy + "\nscripts: {plugins: {other: " + file + "}}\n", `add it to "plugins"`},
		"of a server":   {servers("calc", "http://127.0.0.1:1") + "scripts: {plugins: {calc: " + file + "}}\n", "a server too"},
		"of a folder":   {"scripts: {plugins: {calc: " + file + "}, tools: {calc: " + folder + "}}\n", "scripts.tools too"},
		"of everything": {"scripts: {plugins: {'*': " + file + "}}\n", "it means all"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := config.Load(write("caisson.yaml", test.text))
			if err != nil {
				t.Fatal(err)
			}
			err = Check(ctx, f)
			var wrong *config.Error
			if (err == nil) != (test.want == "") || (err != nil && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), test.want))) {
				t.Errorf("the check says %v", err)
			}
		})
	}
}
