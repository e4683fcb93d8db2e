package caisson_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// TestScriptWaitsForPerson has a person take longer than a script may. The script's time does not run meanwhile,
// and goes on afterwards.
func TestScriptWaitsForPerson(t *testing.T) {
	t.Parallel()
	limits := caisson.ScriptLimits{Time: 2 * time.Second}
	think := func(ctx context.Context) error {
		select {
		case <-time.After(limits.Time + time.Second):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	elicits := caisson.ClientOptions{Handlers: caisson.Handlers{
		ElicitationHandler: func(ctx context.Context, _ *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "ada"}}, think(ctx)
		},
	}}
	approves := caisson.ClientOptions{Governance: caisson.Governance{
		Policy: asksFor(t, ""),
		Approve: func(ctx context.Context, q *policy.Question) (policy.Answer, error) {
			return q.Yes("ada"), think(ctx)
		},
	}}
	elicitation := func(t *testing.T, c *caisson.Client) caisson.Caller { return connect(t, c, inMemory(t, asking())) }
	for _, test := range []struct {
		name    string
		options caisson.ClientOptions
		caller  func(*testing.T, *caisson.Client) caisson.Caller
		tool    string
		gives   string
	}{
		{"elicitation", elicits, elicitation, "ask", "ada"},
		{"approval", approves, func(t *testing.T, c *caisson.Client) caisson.Caller {
			return connect(t, c, toolServer(t, "2025-11-25", "a").Caisson())
		}, "a", "a"},
		{"elicitation of a tool that runs a script", elicits, func(t *testing.T, c *caisson.Client) caisson.Caller {
			inner := toolSet(t, map[string]caisson.Caller{"s": elicitation(t, c)})
			fs := &caisson.Functions{}
			if err := caisson.AddFunction(fs, "run", "", func(ctx context.Context, _ struct{}) (any, error) {
				result, err := c.RunScript(ctx, caisson.Script{Source: "await tools.s.ask()", Tools: inner, Limits: limits})
				if err != nil {
					return nil, err
				}
				return result.Value, nil
			}); err != nil {
				t.Fatal(err)
			}
			return fs
		}, "run", "ada"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, test.options)
			result, err := c.RunScript(testContext(t), caisson.Script{
				Source: "console.log(await tools.s." + test.tool + "()); await sleep(1e6)",
				Tools:  toolSet(t, map[string]caisson.Caller{"s": test.caller(t, c)}), Limits: limits,
			})
			var failed *caisson.ScriptError
			if !errors.As(err, &failed) || failed.Kind != caisson.ScriptLimit || !strings.Contains(failed.Message, "ScriptLimits.Time") {
				t.Fatalf("the script ends with %v", err)
			}
			if len(result.Logs) != 1 || result.Logs[0].Text != test.gives {
				t.Errorf("the script has logged %+v, and called %+v", result.Logs, result.Calls)
			}
		})
	}
}
