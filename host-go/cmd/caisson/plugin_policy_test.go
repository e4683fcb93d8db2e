package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
)

// asPlugin copies a plugin of the tests into the current folder.
func asPlugin(t *testing.T, path, from string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, string(b))
}

// pluginFiles are the plugins of the tests, by absolute paths.
func pluginFiles(t *testing.T) (calcFile, reachFile string) {
	t.Helper()
	calcFile, err := filepath.Abs(calc)
	if err != nil {
		t.Fatal(err)
	}
	reachFile, err = filepath.Abs(reach)
	if err != nil {
		t.Fatal(err)
	}
	return calcFile, reachFile
}

// TestPluginPolicy finds that no command calls a plugin past the policy, and that the log has the calls.
func TestPluginPolicy(t *testing.T) {
	manyRuntimes(t)
	calcFile, _ := pluginFiles(t)
	withPolicy(t, `
version: 1
audit: {file: audit.jsonl}
plugins:
  calc:
    tools:
      - {name: sum, arguments: {properties: {a: {maximum: 10}}, required: [a, b]}}
      - {name: hello, ask: {}}
      - nothing_of_this_name
`)
	asPlugin(t, "calc.wasm", calcFile)
	asPlugin(t, "other.wasm", calcFile)
	put(t, "broken.wasm", "no component")
	list := caissonRun(t, "plugin", "list", "calc.wasm", "--json")
	list.expect(t, exitOK)
	if !strings.Contains(list.out, `"sum"`) || !strings.Contains(list.out, `"hello"`) || strings.Contains(list.out, "docs_calc") {
		t.Errorf("it lists %s", list.out)
	}
	for _, command := range [][]string{{"plugin", "call"}, {"run-tool"}} {
		run := func(words ...string) outcome { return caissonRun(t, append(command, words...)...) }
		sum := run("calc.wasm", "sum", "a=1", "b=2")
		sum.expect(t, exitOK)
		if sum.out != "3\n" {
			t.Error(sum.out)
		}
		run("calc.wasm", "sum", "a=11", "b=2").expect(t, exitDenied, "the arguments are not as the policy wants them")
		run("calc.wasm", "docs_calc_ops_add", "a=1", "b=2").expect(t, exitDenied, `the policy does not grant the tool "docs_calc_ops_add"`)
		run("calc.wasm", "never_there", "a=1").expect(t, exitDenied, `the policy does not grant the tool "never_there"`)
		run("calc.wasm", "nothing_of_this_name").expect(t, exitUsage, "nothing_of_this_name")
		run("calc.wasm", "hello", "name=you").expect(t, exitDenied, "nobody could be asked")
		run("other.wasm", "sum", "a=1", "b=2").expect(t, exitDenied, "other: ")
	}
	yes := atTerminal(t, "y\n", "run-tool", "calc.wasm", "hello", "name=you", "--timeout", "1m")
	yes.expect(t, exitOK, "The policy wants a yes for the tool hello of calc")
	atTerminal(t, "n\n", "run-tool", "calc.wasm", "hello", "name=you").expect(t, exitDenied, "was not approved")
	// What is not granted is not even loaded.
	caissonRun(t, "plugin", "list", "broken.wasm").expect(t, exitDenied)
	caissonRun(t, "plugin", "list", "other.wasm").expect(t, exitDenied)
	// It is looked at, so that a policy can be made for it.
	caissonRun(t, "plugin", "inspect", "other.wasm").expect(t, exitOK)

	denied := caissonRun(t, "audit", "show", "--denied")
	denied.expect(t, exitOK)
	for _, want := range []string{"deny calc tool docs_calc_ops_add", "deny calc tool never_there", "caller=command-line", "reason=arguments", "deny other"} {
		if !strings.Contains(denied.out, want) {
			t.Errorf("the log has no %s:\n%s", want, denied.out)
		}
	}
	put(t, "strict.yaml", "version: 1\n")
	caissonRun(t, "run-tool", "calc.wasm", "sum", "a=1", "b=2", "--policy", "strict.yaml").expect(t, exitDenied)
}

// TestPluginPolicyGrants finds that flags grant a plugin nothing that the policy does not grant.
func TestPluginPolicyGrants(t *testing.T) {
	manyRuntimes(t)
	_, reachFile := pluginFiles(t)
	withPolicy(t, `
version: 1
plugins:
  reach:
    tools: ["**"]
    environment: [GIVEN]
    origins: ["https://api.example.com"]
    folders: [{path: data, access: read}]
  bare: {tools: ["**"]}
`)
	asPlugin(t, "reach.wasm", reachFile)
	asPlugin(t, "bare.wasm", reachFile)
	asPlugin(t, "other.wasm", reachFile)
	for _, folder := range []string{"data", "secret"} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		tool, out string
		flags     []string
	}{
		{"environment", `[["GIVEN","1"]]` + "\n", []string{"--env", "GIVEN=1"}},
		{"folders", `[[1,"/in"]]` + "\n", []string{"--dir", "data:/in:ro", "--net", "https://api.example.com"}},
	} {
		o := caissonRun(t, append([]string{"run-tool", "reach.wasm", test.tool}, test.flags...)...)
		o.expect(t, exitOK)
		if o.out != test.out {
			t.Errorf("%q: %q", test.flags, o.out)
		}
	}
	for _, test := range []struct {
		flags []string
		texts []string
	}{
		{[]string{"--dir", "data:/in"}, []string{`the folder "data" to write`, "plugins.reach.folders has "}},
		{[]string{"--dir", "secret:/in:ro"}, []string{`the folder "secret" to read`, "plugins.reach.folders has "}},
		{[]string{"--dir", "data/..:/in:ro"}, []string{"plugins.reach.folders has "}},
		{[]string{"--env", "OTHER=1"}, []string{`the variable "OTHER"`, "plugins.reach.environment has GIVEN"}},
		{[]string{"--net", "https://evil.example"}, []string{"the origin https://evil.example", "plugins.reach.origins has https://api.example.com"}},
	} {
		for _, command := range [][]string{{"run-tool", "reach.wasm", "wall"}, {"plugin", "call", "reach.wasm", "wall"}, {"plugin", "list", "reach.wasm"}, {"plugin", "inspect", "reach.wasm"}} {
			caissonRun(t, append(command, test.flags...)...).expect(t, exitDenied, test.texts...)
		}
	}
	caissonRun(t, "run-tool", "bare.wasm", "wall").expect(t, exitOK)
	caissonRun(t, "run-tool", "bare.wasm", "wall", "--env", "GIVEN=1").expect(t, exitDenied, "it has no plugins.bare.environment")
	caissonRun(t, "plugin", "inspect", "other.wasm", "--env", "GIVEN=1").expect(t, exitDenied, `the plugin "other"`, "it has no plugins.other")
	if err := os.Remove(policyfile.Name); err != nil {
		t.Fatal(err)
	}
	caissonRun(t, "run-tool", "reach.wasm", "environment", "--env", "OTHER=1").expect(t, exitOK)
}

// TestNameOfPlugin finds that a plugin of a registry has no name that one of another registry, or a file, has.
func TestNameOfPlugin(t *testing.T) {
	for path, want := range map[string]string{
		"a/calc.wasm": "calc",
		"a/calc":      "calc",
		"oci://registry.example.com/tools/calc:1":                            "registry.example.com/tools/calc",
		"oci://localhost:5000/tools/calc@sha256:" + strings.Repeat("0a", 32): "localhost:5000/tools/calc",
	} {
		if got, err := nameOfPlugin(path); err != nil || got != want {
			t.Errorf("%s is %q, %v", path, got, err)
		}
	}
	if _, err := nameOfPlugin("oci://x"); err == nil {
		t.Error("a reference without a repository has a name")
	}
}

// TestPluginSecrets finds that a policy that is named fills in secrets, that one of the folder does not, and that
// a check says what is missing, and no value.
func TestPluginSecrets(t *testing.T) {
	manyRuntimes(t)
	_, reachFile := pluginFiles(t)
	withPolicy(t, `
version: 1
plugins:
  reach: {tools: [environment], secrets: {A: "${env:CAISSON_TEST_SECRET}", B: "${file:token}"}}
`)
	asPlugin(t, "reach.wasm", reachFile)
	t.Setenv("CAISSON_TEST_SECRET", "hunter2")
	call := []string{"run-tool", "reach.wasm", "environment"}
	caissonRun(t, call...).expect(t, exitUsage, "gives secrets to plugins: name it with --policy")
	named := append(call, "--policy", policyfile.Name)
	caissonRun(t, named...).expect(t, exitUsage, "plugins.reach.secrets.B", "token cannot be read")
	check := caissonRun(t, "policy", "check", policyfile.Name)
	check.expect(t, exitOK, "plugins.reach.secrets.B cannot be filled in here")
	if strings.Contains(check.out+check.stderr, "hunter2") || strings.Contains(check.stderr, "secrets.A") {
		t.Errorf("%s%s", check.out, check.stderr)
	}
	put(t, "token", "other\n")
	got := caissonRun(t, named...)
	if got.expect(t, exitOK); !strings.Contains(got.out, "hunter2") || !strings.Contains(got.out, "other") {
		t.Error(got.out)
	}
	if check := caissonRun(t, "policy", "check", policyfile.Name); strings.Contains(check.stderr, "secrets") {
		t.Error(check.stderr)
	}
}
