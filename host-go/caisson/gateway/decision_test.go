package gateway_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/audit"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestOneDecisionOfACall finds that a call whose server asks is decided about once, whatever the rounds of its client:
// it takes one token, and the log has one decision and one outcome. The next call has no token left, and its client
// learns when to come back.
func TestOneDecisionOfACall(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		log, err := audit.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		server := caissontest.NewServer(t, up)
		server.AddTool(&mcp.Tool{Name: "ask"}, asksAll(map[string]string{"first": "elicitation/create", "second": "sampling/createMessage"}))
		options := governed(rules(t, "version: 1\naudit: {file: '"+path+"'}\nservers: {s: {tools: [{name: ask, rate: {maxTokens: 1, refillPeriod: 1h}}], asks: [elicitation, sampling]}}\n"))
		options.Principal, options.Client.Audit = "ada", log
		session := connectTo(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, options), "/mcp", down, transport, person())
		ctx := testContext(t)
		if _, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__ask"}); err != nil {
			t.Fatal(err)
		}
		_, err = session.CallTool(ctx, &mcp.CallToolParams{Name: "s__ask"})
		var e *jsonrpc.Error
		var data struct {
			RetryAfterSeconds float64 `json:"retryAfterSeconds"`
		}
		if !errors.As(err, &e) || e.Code != 429 || json.Unmarshal(e.Data, &data) != nil || data.RetryAfterSeconds < 1 || data.RetryAfterSeconds > 3600 {
			t.Errorf("the second call gets %v", err)
		}
		var events []string
		for r, err := range audit.Records(path) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Kind == "tool" {
				events = append(events, string(r.Event)+" "+r.Effect+r.Error)
				if r.Event == audit.Decision && (r.Principal != "ada" || r.Caller != "client") {
					t.Errorf("%+v", r)
				}
			}
		}
		if got := strings.Join(events, ", "); got != "decision allow, outcome , decision deny" {
			t.Errorf("the log has: %s", got)
		}
	})
}
