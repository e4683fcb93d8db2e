package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// TestLogsOfAnotherCall has two calls of one principal at the same time, of which one wants to hear what is logged. It
// hears nothing of the other's, whichever began first.
func TestLogsOfAnotherCall(t *testing.T) {
	t.Parallel()
	for _, up := range eras {
		for _, first := range []string{"hears", "tells"} {
			t.Run(up+" "+first+" first", func(t *testing.T) {
				t.Parallel()
				ctx := testContext(t)
				release, tell := make(chan struct{}), make(chan struct{})
				s := caissontest.NewServer(t, up)
				message := func(text string) map[string]any { return map[string]any{"level": "error", "data": text} }
				s.AddTool(&mcp.Tool{Name: "hears"}, func(call *caissontest.Call) (any, error) {
					if err := call.Notify("notifications/message", message("of its own")); err != nil {
						return nil, err
					}
					return caissontest.Text("done"), call.Wait(release)
				})
				s.AddTool(&mcp.Tool{Name: "tells"}, func(call *caissontest.Call) (any, error) {
					if err := call.Wait(tell); err != nil {
						return nil, err
					}
					return caissontest.Text("done"), call.Notify("notifications/message", message("of another call"))
				})
				server := serveTest(t, newGateway(t, caisson.ServerMap{"s": s.Caisson()}, &gateway.Options{Authenticate: byHeader}))
				call := func(tool, level string) <-chan answer {
					body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s__%s","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":%q,"io.modelcontextprotocol/clientCapabilities":{}%s}}}`, tool, newest, level)
					got := make(chan answer, 1)
					go func() { got <- post(t, server, request{path: "/mcp", principal: "ada", version: newest, body: body}) }()
					if _, err := s.Await(ctx, "tools/call"); err != nil {
						t.Error(err)
					}
					return got
				}
				const level = `,"io.modelcontextprotocol/logLevel":"debug"`
				var hears, tells <-chan answer
				if first == "hears" {
					hears, tells = call("hears", level), call("tells", "")
				} else {
					tells, hears = call("tells", ""), call("hears", level)
				}
				close(tell)
				if a := <-tells; !strings.Contains(a.body, "done") || strings.Contains(a.body, "notifications/message") {
					t.Errorf("the call that wants to hear nothing gets %s", a.body)
				}
				close(release)
				if a := <-hears; !strings.Contains(a.body, "of its own") || strings.Contains(a.body, "of another call") {
					t.Errorf("the call that wants to hear gets %s", a.body)
				}
			})
		}
	}
}
