package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// TestAbandoned shows that the session of a call that its client has given up serves no other call: a question that the
// server still has would go to that one's client. The session of a call that was answered does.
func TestAbandoned(t *testing.T) {
	for _, up := range eras {
		for _, sessions := range []int{1, 2} {
			t.Run(fmt.Sprint(up, " ", sessions), func(t *testing.T) {
				t.Parallel()
				ctx := testContext(t)
				server := &broken{Server: newUpstream(t, up)}
				g := newGateway(t, caisson.ServerMap{"s": {Transport: server}}, &gateway.Options{MaxSessionsOfServer: sessions})
				session := connectTo(t, g, "/mcp", newest, "http", person())
				form := func() {
					t.Helper()
					result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__form"})
					_ = textOf(t, result, err)
				}
				form()
				form()
				if n := server.attempts.Load(); n != 1 {
					t.Fatalf("calls that were answered took %d sessions", n)
				}
				for i := range 2 {
					calling, giveUp := context.WithCancel(ctx)
					go func() {
						for {
							call, err := server.Await(ctx, "tools/call")
							if err != nil || strings.Contains(string(call.Params), `"slow"`) {
								break
							}
						}
						giveUp()
					}()
					if _, err := session.CallTool(calling, &mcp.CallToolParams{Name: "s__slow"}); err == nil {
						t.Error("a call that was given up has a result")
					}
					form()
					if n, want := int(server.attempts.Load()), 2+i; n != want {
						t.Errorf("after %d calls that were given up there were %d sessions, want %d", i+1, n, want)
					}
				}
			})
		}
	}
}
