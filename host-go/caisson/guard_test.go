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
