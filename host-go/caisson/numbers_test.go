package caisson_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// figures has numbers that no float64 holds.
type figures struct {
	Int    int64           `json:"int"`
	Uint   uint64          `json:"uint"`
	Number json.Number     `json:"number"`
	Raw    json.RawMessage `json:"raw"`
	List   []int64         `json:"list"`
}

// TestNumbersAreWhole calls a tool that gives its arguments back, in a session and in a group: no
// integer loses a digit on the way there or back.
func TestNumbersAreWhole(t *testing.T) {
	t.Parallel()
	server := answering(t, func(method string, params json.RawMessage) string {
		if method == "tools/list" {
			return `{"tools":[{"name":"same","inputSchema":{"type":"object"}}]}`
		}
		var call struct{ Arguments json.RawMessage }
		_ = json.Unmarshal(params, &call)
		// The member in capitals is another one.
		return fmt.Sprintf(`{"content":[],"structuredContent":%s,"STRUCTUREDCONTENT":{"int":1}}`, call.Arguments)
	})
	session := connect(t, sharedRuntime(t), caisson.Server{URL: server.URL})
	group := connectGroup(t, testContext(t), groupConfig(t, object{"it": object{"url": server.URL}}), nil)
	for name, caller := range map[string]caisson.Caller{"same": session, "it__same": group} {
		for _, n := range []int64{0, 1<<53 - 1, 1<<53 + 1, -(1<<53 + 1), math.MaxInt64, math.MinInt64} {
			text := fmt.Sprint(n)
			sent := figures{n, math.MaxUint64, json.Number(text + "." + "00000000000000000001"), json.RawMessage(`[` + text + `]`), []int64{n, n}}
			got, result, err := caisson.CallToolAs[figures](testContext(t), caller, &mcp.CallToolParams{Name: name, Arguments: sent})
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(sent) {
				t.Errorf("%s: sent %v, got %v", name, sent, got)
			}
			if _, ok := result.StructuredContent.(map[string]any); !ok {
				t.Errorf("%s: the result has %T", name, result.StructuredContent)
			}
		}
	}
	if got, _, err := caisson.CallToolAs[figures](testContext(t), session, nil); err != nil || got.Int != 0 {
		t.Errorf("without params: %v, %v", got, err)
	}
}
