package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
)

// TestSetPolicy replaces the policy under open sessions: of servers, upstream and downstream, and of sources.
func TestSetPolicy(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := &broken{Server: newUpstream(t, up)}
		source := newUpstream(t, up)
		client, err := runtime(t).NewClient(nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		caller, err := client.Connect(ctx, source.Caisson())
		if err != nil {
			t.Fatal(err)
		}
		options := governed(rules(t, "version: 1\nservers: {s: {tools: [rich]}}\nplugins: {p: {tools: [rich]}}\n"))
		options.Sources = map[string]gateway.NewCaller{"p": gateway.Shared(caller)}
		g := newGateway(t, caisson.ServerMap{"s": {Transport: server}}, options)
		changed := make(chan struct{}, 100)
		session := connectTo(t, g, "/mcp", down, transport, &mcp.ClientOptions{
			ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- struct{}{} },
		})
		want := func(granted string) {
			t.Helper()
			if got := strings.Join(tools(ctx, t, session), " "); got != "s__"+granted+" p__"+granted {
				t.Errorf("the tools are %s, want %s", got, granted)
			}
			for _, name := range []string{"rich", "meta"} {
				for _, of := range []string{"s__", "p__"} {
					_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: of + name})
					if (err == nil) != (name == granted) {
						t.Errorf("%s: %v", of+name, err)
					}
				}
			}
		}
		want("rich")
		before := server.attempts.Load()
		if err := g.SetPolicy(rules(t, "version: 1\npins: {mode: enforce}\nservers: {s: {tools: ['**']}}\n")); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("a policy that wants pins gets %v", err)
		}
		if err := g.SetPolicy(nil); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("no policy gets %v", err)
		}
		want("rich")
		next := rules(t, "version: 1\nservers: {s: {tools: [meta]}}\nplugins: {p: {tools: [meta]}}\n")
		for told := false; !told; {
			if err := g.SetPolicy(next); err != nil {
				t.Fatal(err)
			}
			select {
			case <-changed:
				told = true
			case <-time.After(100 * time.Millisecond): // The client was not yet listening.
			case <-ctx.Done():
				t.Fatal("the client is not told")
			}
		}
		want("meta")
		if now := server.attempts.Load(); now != before {
			t.Errorf("the server was connected with %d times more", now-before)
		}
	})
	if err := newGateway(t, caisson.ServerMap{}, nil).SetPolicy(rules(t, "version: 1\n")); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("a gateway without a policy gets %v", err)
	}
}
