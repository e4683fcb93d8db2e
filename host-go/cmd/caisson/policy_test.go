package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
	"github.com/caisson-dev/caisson/host-go/caisson/scan"
)

// withPolicy changes to a folder with a configuration of the demo server, and a policy.
func withPolicy(t *testing.T, policy string) {
	t.Helper()
	ownConfig(t, "", "")
	text, err := json.Marshal(map[string]any{"mcpServers": map[string]any{"demo": map[string]any{"command": self(t), "args": []string{"demo-server"}}}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, "servers.json", string(text))
	if policy != "" {
		put(t, policyfile.Name, policy)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPolicyOfCommands finds that the folder's policy holds for the commands, and its log has them.
func TestPolicyOfCommands(t *testing.T) {
	manyRuntimes(t)
	withPolicy(t, `
version: 1
audit: {file: audit.jsonl, content: arguments}
servers:
  demo:
    tools:
      - {name: echo, arguments: {properties: {message: {maxLength: 3}}, required: [message], additionalProperties: false}}
      - {name: add, ask: {who: "**", text: "Adding costs."}}
`)
	list := caissonRun(t, "list-tools", "--config", "servers.json", "demo")
	list.expect(t, exitOK)
	if !strings.Contains(list.out, "echo") || strings.Contains(list.out, "countdown") {
		t.Errorf("it lists\n%s", list.out)
	}
	caissonRun(t, "call-tool", "--config", "servers.json", "demo", "echo", "message=hi").expect(t, exitOK)
	caissonRun(t, "call-tool", "--config", "servers.json", "demo", "echo", "--args", `{"message":"long"}`).expect(t, exitDenied, "the arguments are not as the policy wants them")
	caissonRun(t, "call-tool", "--config", "servers.json", "demo", "countdown", "--args", `{"from":1}`).expect(t, exitDenied, `the policy does not grant the tool "countdown"`)
	caissonRun(t, "call-tool", "--config", "servers.json", "demo", "add", "--args", `{"a":1,"b":2}`).expect(t, exitDenied, "nobody could be asked")
	caissonRun(t, "ping", "--", self(t), "demo-server").expect(t, exitDenied, "does not grant the server")

	yes := atTerminal(t, "y\n", "call-tool", "--config", "servers.json", "demo", "add", "--args", `{"a":1,"b":2}`)
	yes.expect(t, exitOK, "The policy wants a yes for the tool add of demo", `"a": 1`, "The policy asks **, and you are ", "Adding costs.")
	atTerminal(t, "n\n", "call-tool", "--config", "servers.json", "demo", "add", "--args", `{"a":1,"b":2}`).expect(t, exitDenied, "was not approved")

	verified := caissonRun(t, "audit", "verify")
	verified.expect(t, exitOK)
	head := verified.out[strings.Index(verified.out, "the last hash is ")+len("the last hash is "):][:64]
	caissonRun(t, "audit", "verify", "--anchor", head).expect(t, exitOK)
	caissonRun(t, "audit", "verify", "--anchor", strings.Repeat("0a", 32)).expect(t, exitDifference, "no record")
	shown := caissonRun(t, "audit", "show", "--denied")
	shown.expect(t, exitOK)
	for _, want := range []string{"deny demo tool countdown", "caller=command-line", "rule=servers.demo", "reason=arguments", `arguments={"message":"long"}`} {
		if !strings.Contains(shown.out, want) {
			t.Errorf("the log has no %s:\n%s", want, shown.out)
		}
	}
	text, err := os.ReadFile("audit.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	put(t, "audit.jsonl", string(bytes.Replace(text, []byte("countdown"), []byte("countdowm"), 1)))
	caissonRun(t, "audit", "verify").expect(t, exitDifference, "it was changed")
}

// TestWhichPolicy finds that a command does not guess which policy holds, and that one that came with a folder
// writes nowhere else.
func TestWhichPolicy(t *testing.T) {
	withPolicy(t, "version: 1\nservers: {a: {}}\n")
	caissonRun(t, "policy", "check").expect(t, exitOK)
	ownPath := filepath.Join(filepath.Dir(ownDefault(t)), policyfile.Name)
	if err := os.MkdirAll(filepath.Dir(ownPath), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, ownPath, "version: 1\n")
	caissonRun(t, "policy", "check").expect(t, exitUsage, "there are two policies", "--policy")
	caissonRun(t, "list-tools", "--config", "servers.json", "demo").expect(t, exitUsage, "there are two policies")
	caissonRun(t, "policy", "check", "--policy", ownPath).expect(t, exitOK)
	if err := os.Remove(policyfile.Name); err != nil {
		t.Fatal(err)
	}
	caissonRun(t, "list-tools", "--config", "servers.json", "demo").expect(t, exitDenied)
	if err := os.Remove(ownPath); err != nil {
		t.Fatal(err)
	}
	caissonRun(t, "policy", "check").expect(t, exitUsage, "there is no policy")
	put(t, policyfile.Name, "version: 1\naudit: {file: ../elsewhere.jsonl}\n")
	caissonRun(t, "list-tools", "--config", "servers.json", "demo").expect(t, exitUsage, "leads out of the folder")
	put(t, policyfile.Name, "version: 1\nservrs: {}\n")
	caissonRun(t, "list-tools", "--config", "servers.json", "demo").expect(t, exitUsage, policyfile.Name+":2: servrs: the key is not known: is it servers?")
}

// TestPolicyWho has a person at the terminal whom the policy does not ask: there is no question.
func TestPolicyWho(t *testing.T) {
	manyRuntimes(t)
	withPolicy(t, `
version: 1
servers:
  demo:
    tools: [{name: add, ask: {who: not the user of these tests}}]
`)
	denied := atTerminal(t, "y\n", "call-tool", "--config", "servers.json", "demo", "add", "--args", `{"a":1,"b":2}`)
	denied.expect(t, exitDenied, "the policy asks", "not the user of these tests")
	if strings.Contains(denied.stderr, "May it be called?") {
		t.Errorf("it asks:\n%s", denied.stderr)
	}
}

func TestPolicyExplain(t *testing.T) {
	withPolicy(t, `
version: 1
servers:
  files:
    tools: [read, {name: write, arguments: {properties: {path: {pattern: "^/work/"}}}, ask: {}}, {name: look, readOnly: true}]
    resources: ["a:*"]
plugins:
  thumbs: {tools: [resize]}
scripts:
  report: {tools: [{name: "**", ask: {}}]}
`)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"files", "read"}, "allow, by servers.files.tools[0]"},
		{[]string{"files", "write", "--args", `{"path":"/work/a"}`}, "ask, by servers.files.tools[1]"},
		{[]string{"files", "write", "--args", `{"path":"/etc"}`}, "deny, by servers.files.tools[1]"},
		{[]string{"files", "other"}, "no rule grants it"},
		{[]string{"files", "look"}, "--read-only supposes it"},
		{[]string{"files", "look", "--read-only"}, "allow"},
		{[]string{"files", "a:b", "--kind", "resource"}, "allow, by servers.files.resources[0]"},
		{[]string{"files"}, "allow, by servers.files"},
		{[]string{"none"}, `the policy has no server "none"`},
		{[]string{"files", "read", "--source", "plugin"}, `deny, by caisson.policy.yaml: the policy has no plugin`},
		{[]string{"files", "--source", "script"}, `the policy has no script "files"`},
		{[]string{"thumbs", "resize", "--source", "plugin"}, "allow, by plugins.thumbs.tools[0]"},
		{[]string{"thumbs", "--source", "plugin"}, "allow, by plugins.thumbs of"},
		{[]string{"report", "x", "--source", "script", "--caller", "client"}, "ask, by scripts.report.tools[0]"},
		{[]string{"files", "read", "--json"}, `"effect":"allow"`},
	} {
		o := caissonRun(t, append([]string{"policy", "explain"}, test.args...)...)
		o.expect(t, exitOK)
		if !strings.Contains(o.out, test.want) {
			t.Errorf("%v: %s", test.args, o.out)
		}
	}
	caissonRun(t, "policy", "explain", "files", "x", "--kind", "tol").expect(t, exitUsage, "--kind")
	caissonRun(t, "policy", "explain", "files", "x", "--caller", "me").expect(t, exitUsage, "--caller")
	caissonRun(t, "policy", "explain", "files", "x", "--source", "folder").expect(t, exitUsage, "--source")
	schema := caissonRun(t, "policy", "schema")
	if schema.expect(t, exitOK); schema.out != string(policyfile.Schema) {
		t.Error("it prints another schema")
	}
	check := caissonRun(t, "policy", "check")
	check.expect(t, exitOK, `the argument "path" may be left out`, "additionalProperties: false denies them")
}

// TestPins writes a policy, approves a server's tools, and sees that another program under its name is not
// approved.
func TestPins(t *testing.T) {
	manyRuntimes(t)
	withPolicy(t, "")
	flags := []string{"--config", "servers.json", "demo"}
	with := func(words ...string) []string { return append(words, flags...) }
	caissonRun(t, append(with("policy", "init"), "demo")...).expect(t, exitOK) // Who names a server twice means one.
	caissonRun(t, with("policy", "init")...).expect(t, exitUsage, "exists")
	caissonRun(t, with("call-tool", "--args", `{"message":"a"}`)...).expect(t, exitUsage)
	call := []string{"call-tool", "--config", "servers.json", "demo", "echo", "--args", `{"message":"a"}`}
	caissonRun(t, call...).expect(t, exitDenied, "not approved (pending)")
	inWords := []string{"call-tool", "--config", "servers.json", "demo", "echo", "message=a"}
	caissonRun(t, inWords...).expect(t, exitDenied, `no tool "echo"`, "caisson pins verify")
	if o := caissonRun(t, with("list-tools")...); o.code != exitOK || !strings.Contains(o.out, "caisson pins verify") {
		t.Errorf("%d %s", o.code, o.out)
	}
	caissonRun(t, "run", "-e", "await tools.demo.echo({ message: 'a' })", "--tools", "demo", "--config", "servers.json").expect(t, exitToolError, "caisson pins verify")
	pending := caissonRun(t, with("pins", "verify")...)
	if pending.expect(t, exitDifference, "not approved"); !strings.Contains(pending.out, "demo: echo: pending\n") || strings.Contains(pending.out, "{+") {
		t.Errorf("it says of what is pending: %s", pending.out)
	}
	caissonRun(t, with("pins", "approve")...).expect(t, exitUsage, "{+Gives the message back, as text.+}", "--yes, in caisson.lock")
	atTerminal(t, "no\n", with("pins", "approve")...).expect(t, exitDifference, "{+Gives the message back, as text.+}")
	caissonRun(t, call...).expect(t, exitDenied)
	atTerminal(t, "yes\n", with("pins", "approve")...).expect(t, exitOK)
	caissonRun(t, call...).expect(t, exitOK)
	caissonRun(t, inWords...).expect(t, exitOK)
	caissonRun(t, with("pins", "verify")...).expect(t, exitOK)
	caissonRun(t, "pins", "reset", "demo", "echo").expect(t, exitOK)
	caissonRun(t, call...).expect(t, exitDenied)
	caissonRun(t, "pins", "reset", "demo", "none").expect(t, exitUsage)
	all := caissonRun(t, "pins", "list")
	if all.expect(t, exitOK); !strings.Contains(all.out, "  instructions ") {
		t.Errorf("it lists %s", all.out)
	}
	caissonRun(t, "pins", "reset", "demo", "instructions").expect(t, exitUsage, "no tool")
	caissonRun(t, "pins", "reset", "demo", "instructions", "--kind", "instruction").expect(t, exitUsage, "--kind")
	caissonRun(t, "pins", "reset", "demo", "instructions", "--kind", "instructions").expect(t, exitOK)
	if o := caissonRun(t, with("pins", "verify")...); o.code != exitDifference || !strings.Contains(o.out, "demo: instructions: pending") {
		t.Errorf("%d %s", o.code, o.out)
	}
	caissonRun(t, append(with("pins", "approve"), "--yes")...).expect(t, exitOK)
	caissonRun(t, "pins", "reset", "demo", "echo").expect(t, exitOK)
	caissonRun(t, append(with("pins", "approve"), "--yes", "--tool", "echo")...).expect(t, exitOK)
	listed := caissonRun(t, "pins", "list")
	if listed.expect(t, exitOK); !strings.Contains(listed.out, "  echo ") {
		t.Errorf("%s", listed.out)
	}
	text, err := os.ReadFile("caisson.lock")
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(text), `"argumentsHash": "`, `"argumentsHash": "0`, 1)
	put(t, "caisson.lock", other)
	caissonRun(t, call...).expect(t, exitDenied, "is not the approved one")
	caissonRun(t, with("pins", "verify")...).expect(t, exitDifference)
	put(t, "caisson.lock", strings.Replace(string(text), "Gives", "Gave", 1))
	caissonRun(t, call...).expect(t, exitUsage, "the hash or the name is not that of the definition")
	scanned := caissonRun(t, with("scan")...)
	if scanned.expect(t, exitOK); !strings.Contains(scanned.out, "0 findings") {
		t.Errorf("%s", scanned.out)
	}
}

// TestPinsOfOnePolicy has a policy in the folder and one of the user's own: --policy says whose lock file it is, for each
// command of pins.
func TestPinsOfOnePolicy(t *testing.T) {
	manyRuntimes(t)
	withPolicy(t, "version: 1\n")
	own := filepath.Join(filepath.Dir(ownDefault(t)), policyfile.Name)
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, own, "version: 1\n")
	folder := []string{"--policy", policyfile.Name}
	servers := []string{"--config", "servers.json", "demo"}
	for _, command := range [][]string{{"pins", "approve", "--yes"}, {"pins", "verify"}} {
		without := append(slices.Clone(command), servers...)
		caissonRun(t, without...).expect(t, exitUsage, "two policies", "--policy")
		caissonRun(t, append(without, folder...)...).expect(t, exitOK)
	}
	for _, command := range [][]string{{"pins", "list"}, {"pins", "reset", "demo", "echo"}} {
		caissonRun(t, command...).expect(t, exitUsage, "two policies", "--policy")
		caissonRun(t, append(command, folder...)...).expect(t, exitOK)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(own), "caisson.lock")); !os.IsNotExist(err) {
		t.Errorf("the own lock file: %v", err)
	}
	caissonRun(t, "pins", "verify", "--config", "servers.json", "--policy", policyfile.Name).expect(t, exitDifference, "1 are not approved")
}

// TestOfferWithoutServers looks for the servers of a command that is given none.
func TestOfferWithoutServers(t *testing.T) {
	withPolicy(t, "")
	own := ownDefault(t)
	for _, command := range [][]string{{"pins", "verify"}, {"pins", "approve"}, {"policy", "init", "-o", "-"}, {"scan"}} {
		caissonRun(t, command...).expect(t, exitUsage, projectConfig, own, "--config FILE")
	}
	put(t, projectConfig, "{")
	// The user's own servers do not stand in for those of a file with a mistake.
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, own, `{"mcpServers": {"none": {"command": "./none"}}}`)
	caissonRun(t, "pins", "verify").expect(t, exitUsage, projectConfig, "line 1")
	caissonRun(t, "policy", "init").expect(t, exitUsage, projectConfig, "line 1")
	put(t, policyfile.Name, "version: 1\n")
	caissonRun(t, "policy", "init", "--config", own).expect(t, exitUsage, "exists", "-o FILE") // It does not start the server.
}

// TestFindingLine has a finding without a name and a place, as those in instructions are.
func TestFindingLine(t *testing.T) {
	for want, finding := range map[string]scan.Finding{
		"a: instructions: instruction: obey":         {Server: "a", Kind: "instructions", Sort: "instruction", Text: "obey"},
		"a: tool read: description: secret: ~/.ssh/": {Server: "a", Kind: "tool", Name: "read", Place: "description", Sort: "secret", Text: "~/.ssh/"},
	} {
		if got := findingLine(&finding); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func ownDefault(t *testing.T) string {
	t.Helper()
	path, err := config.DefaultPath()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPolicyOfScripts finds that a script on the command line reaches what the policy lets scripts reach.
func TestPolicyOfScripts(t *testing.T) {
	manyRuntimes(t)
	withPolicy(t, `
version: 1
servers:
  demo:
    callers: [command-line, script]
    tools: [{name: add, callers: [script]}, {name: echo, callers: [command-line]}]
`)
	o := caissonRun(t, "run", "-e", `const out = []; for (const [t, a] of [["add", {a: 1, b: 2}], ["echo", {message: "a"}]]) { try { await tools.demo[t](a); out.push("yes") } catch { out.push("no") } } return out.join()`,
		"--tools", "demo", "--config", "servers.json")
	if o.expect(t, exitOK); o.out != "yes,no\n" {
		t.Errorf("it reaches %q", o.out)
	}
	caissonRun(t, "call-tool", "--config", "servers.json", "demo", "add", "--args", `{"a":1,"b":2}`).expect(t, exitDenied)
	caissonRun(t, "call-tool", "--config", "servers.json", "demo", "echo", "message=a").expect(t, exitOK)
}
