package caisson_test

import (
	"encoding/json"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// TestGuard puts the policy in front of a Caller that is no session of the client.
func TestGuard(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "add", "hidden")
	server.AddTool(&mcp.Tool{Name: "look", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}, telling("look"))
	behind := connect(t, newClient(t, caisson.ClientOptions{}), server.Caisson())
	c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: rules(t, `
version: 1
servers: {sum: {tools: ['**']}}
plugins:
  sum:
    tools: [{name: add, arguments: {properties: {n: {maximum: 5}}}, maxResultBytes: 60}, {name: '*', readOnly: true}]
`)}})
	guarded := c.Guard(policy.Plugin, "sum", behind)
	call := func(name string, arguments any) error {
		_, err := guarded.CallTool(testContext(t), &mcp.CallToolParams{Name: name, Arguments: arguments})
		return err
	}
	page, err := guarded.ListTools(testContext(t), nil)
	if err != nil || len(page.Tools) != 2 || page.Tools[0].Name != "add" || page.Tools[1].Name != "look" {
		t.Errorf("it lists %+v (%v)", page, err)
	}
	for name, arguments := range map[string]any{"add": map[string]any{"n": 5}, "look": nil} {
		if err := call(name, arguments); err != nil {
			t.Error(err)
		}
	}
	deniedFor(t, call("hidden", nil), policy.NotGranted)
	deniedFor(t, call("absent", nil), policy.NotGranted)
	deniedFor(t, call("add", map[string]any{"n": 6}), policy.BadArguments)
	deniedFor(t, call("add", json.RawMessage(`{"n":5,"n":6}`)), policy.BadArguments)
	if other := c.Guard(policy.Script, "sum", behind); other != nil {
		_, err := other.ListTools(testContext(t), nil)
		deniedFor(t, err, policy.NotGranted)
	}
	if got := newClient(t, caisson.ClientOptions{}).Guard(policy.Plugin, "sum", behind); got != caisson.Caller(behind) {
		t.Errorf("without a policy it is %T", got)
	}
	for _, r := range server.Requests("tools/call") {
		var params struct{ Name string }
		if err := json.Unmarshal(r.Params, &params); err != nil || params.Name == "hidden" {
			t.Errorf("the server was called: %s", r.Params)
		}
	}
}

// TestScriptIsGoverned finds that a script reaches what the policy lets scripts reach, and nothing by way of a
// plugin, a function or a group.
func TestScriptIsGoverned(t *testing.T) {
	t.Parallel()
	server := toolServer(t, "2025-11-25", "open", "mine", "hidden")
	c := newClient(t, caisson.ClientOptions{Governance: caisson.Governance{Policy: rules(t, `
version: 1
servers: {caissontest: {tools: [open, {name: mine, callers: [script]}]}}
plugins: {go: {tools: [add]}, extra: {tools: [{name: add, callers: [script]}]}}
`)}})
	s := connect(t, c, server.Caisson())
	group, err := c.ConnectGroup(testContext(t), nil, &caisson.GroupOptions{Callers: map[string]caisson.Caller{"extra": programTools(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	result, err := c.RunScript(testContext(t), caisson.Script{
		Source: `
const out = [];
for (const [server, tool, args] of [
  ["s", "open", {}], ["s", "mine", {}], ["s", "hidden", {}],
  ["go", "add", {a: 1, b: 2}], ["go", "fail", {}], ["group", "extra__add", {a: 1, b: 2}], ["group", "extra__fail", {}],
]) {
  try { await tools[server][tool](args); out.push("yes"); } catch (e) { out.push("no"); }
}
return out.join(" ");`,
		Tools: toolSet(t, map[string]caisson.Caller{"s": s, "go": programTools(t), "group": group}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(result.Value); got != `"yes yes no yes no yes no"` {
		t.Errorf("it reaches %s", got)
	}
	if _, err := call(t, s, "mine", nil); err == nil {
		t.Error("the program may call what is for scripts")
	}
	_, err = group.CallTool(testContext(t), &mcp.CallToolParams{Name: "extra__add", Arguments: map[string]any{"a": 1, "b": 2}})
	deniedFor(t, err, policy.NotGranted)
	for _, r := range server.Requests("tools/call") {
		var params struct{ Name string }
		if err := json.Unmarshal(r.Params, &params); err != nil || params.Name == "hidden" {
			t.Errorf("the server was called: %s", r.Params)
		}
	}
}
