//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"
)

// TestApproval shows that a person approves a call by an elicitation of the gateway's, and that the same answer of a
// client that is nobody's is none.
func TestApproval(t *testing.T) {
	const rules = `
version: 1
people: [{principal: ada, clients: [test]}]
servers:
  s:
    tools:
      - {name: rich, ask: {text: "Look at it."}}
      - meta
`
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		p, err := policyfile.Parse("caisson.policy.yaml", []byte(rules))
		if err != nil {
			t.Fatal(err)
		}
		server := newUpstream(t, up)
		for _, c := range []struct {
			principal, answer string
			ok                bool
		}{{"ada", "yes", true}, {"ada", "no", false}, {"robot", "yes", false}} {
			g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, &gateway.Options{Principal: c.principal, Client: caisson.ClientOptions{Governance: caisson.Governance{Policy: p}}})
			options := person()
			var asked atomic.Int32
			options.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
				asked.Add(1)
				if !strings.Contains(r.Params.Message, "rich") || strings.Contains(r.Params.Message, "\u202e") {
					t.Errorf("the person is asked %q", r.Params.Message)
				}
				var form struct {
					Properties map[string]any `json:"properties"`
				}
				_ = json.Unmarshal(mustMarshal(r.Params.RequestedSchema), &form)
				content := map[string]any{}
				for name := range form.Properties {
					content[name] = c.answer
				}
				return &mcp.ElicitResult{Action: "accept", Content: content}, nil
			}
			session := connectTo(t, g, "/mcp", down, transport, options)
			if names := tools(ctx, t, session); len(names) != 2 {
				t.Errorf("the tools are %v", names)
			}
			before := len(server.Requests("tools/call"))
			_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__rich", Arguments: map[string]any{"path": "a\u202eb"}})
			if (err == nil) != c.ok {
				t.Errorf("%s says %s: %v", c.principal, c.answer, err)
			}
			if calls := len(server.Requests("tools/call")) - before; (calls > 0) != c.ok {
				t.Errorf("%s says %s: the server got %d calls", c.principal, c.answer, calls)
			}
			if was := asked.Load() > 0; was != (c.principal == "ada") {
				t.Errorf("%s was asked %d times", c.principal, asked.Load())
			}
			// A denied tool's error is that of one that is not there.
			_, denied := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__form"})
			_, missing := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__none"})
			if denied == nil || missing == nil || strings.ReplaceAll(denied.Error(), "form", "none") != missing.Error() {
				t.Errorf("a denied tool gets %v, one that is not there %v", denied, missing)
			}
		}
	})
}
