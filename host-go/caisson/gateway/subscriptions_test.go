package gateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// mostSubscribed is the bound of docs/serve.md.
const mostSubscribed = 256

// TestSubscriptionsAreBounded has a client subscribe to more resources than it may: one after the other in a session, and
// all in one request. Those of before go on, and there is room again once one ends.
func TestSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	uri := func(i int) string { return fmt.Sprint("test://t/", i) }
	for _, up := range eras {
		t.Run(up, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			server := newUpstream(t, up)
			g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil)
			session := connectTo(t, g, "/servers/s", older, "memory", nil)
			subscribe := func(i int) error { return session.Subscribe(ctx, &mcp.SubscribeParams{URI: uri(i)}) }
			for i := range mostSubscribed {
				if err := subscribe(i); err != nil {
					t.Fatal(i, err)
				}
			}
			var wire *jsonrpc.Error
			if err := subscribe(mostSubscribed); !errors.As(err, &wire) || !strings.Contains(wire.Message, "subscribed to as many") {
				t.Errorf("one more gets %v", err)
			}
			if err := subscribe(0); err != nil {
				t.Errorf("what it is subscribed to: %v", err)
			}
			for range 2 {
				if err := session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: uri(0)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := subscribe(mostSubscribed); err != nil {
				t.Errorf("once there is room: %v", err)
			}

			var uris []string
			for i := range 10 * mostSubscribed {
				uris = append(uris, uri(i))
			}
			web := serveTest(t, newGateway(t, caisson.ServerMap{"s": server.Caisson()}, nil))
			a := post(t, web, request{path: "/servers/s", version: newest, body: fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":%s},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, mustMarshal(uris))})
			if !strings.Contains(a.err.Message, "subscribed to as many") {
				t.Errorf("all in one request: %.300s", a.body)
			}
		})
	}
}
