package client_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/bearer"

	"github.com/caisson-dev/caisson/daemon/client"
)

// two starts two daemons whose server says which of them it is called by, with a token for both.
func two(t *testing.T, text string) (a, b *daemon, token string) {
	t.Helper()
	tokens := filepath.Join(t.TempDir(), "tokens.json")
	token, err := bearer.AddToken(t.Context(), tokens, "alice", []string{"caisson:mcp"})
	if err != nil {
		t.Fatal(err)
	}
	start := func(name string) *daemon {
		server := upstream(t)
		mcp.AddTool(server, &mcp.Tool{Name: "who"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: name}}}, nil, nil
		})
		return startDaemonWith(t, t.TempDir(), tokens, "store: none\n"+text+one(serve(t, server)))
	}
	return start("a"), start("b"), token
}

// who asks which daemon answers.
func who(t *testing.T, c *client.Client) string {
	t.Helper()
	r, err := c.Session("up").CallTool(testContext(t), &mcp.CallToolParams{Name: "who"})
	return textOf(t, r, err)
}

// untilRow calls until so many calls in a row are answered by one of these daemons, and fails where that does not come to be.
func untilRow(t *testing.T, c *client.Client, calls int, by string) {
	t.Helper()
	ctx := testContext(t)
	for row := 0; row < calls; row++ {
		if ctx.Err() != nil {
			t.Fatalf("it does not come to be that %s answers alone", by)
		}
		if who(t, c) != by {
			row = -1
		}
	}
}

// untilBoth calls until each of the two daemons has answered.
func untilBoth(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := testContext(t)
	for seen := map[string]bool{}; len(seen) < 2; seen[who(t, c)] = true {
		if ctx.Err() != nil {
			t.Fatalf("only %v answer", seen)
		}
	}
}

// balancers are those that spread calls.
var balancers = []string{"", "round_robin", "least_request_experimental"}

// TestBalancers spreads calls over two daemons. When one has ended, the other one gets all of them.
func TestBalancers(t *testing.T) {
	a, b, token := two(t, "")
	var all []*client.Client
	for _, name := range balancers {
		c := dial(t, a.address+","+b.address, &client.Options{Token: token, Balancer: name})
		untilBoth(t, c)
		all = append(all, c)
	}
	a.stop()
	ctx := testContext(t)
	for i, c := range all {
		for answers := 0; answers < 10; {
			r, err := c.Session("up").CallTool(ctx, &mcp.CallToolParams{Name: "who"})
			if caisson.CodeOf(err) == caisson.CodeConnect && ctx.Err() == nil { // The client has not seen yet that it is gone: nothing was sent.
				continue
			}
			if text := textOf(t, r, err); text != "b" {
				t.Errorf("%s: %s answers", balancers[i], text)
			}
			answers++
		}
	}
}

// TestHealthCheck has a daemon say that it ends, while it goes on as before. A client that watches the health calls the other
// one, whichever balancer it has, and one that does not calls both.
func TestHealthCheck(t *testing.T) {
	a, b, token := two(t, "drainDelay: 10m\n")
	target := a.address + "," + b.address
	var watching []*client.Client
	for _, name := range balancers {
		c := dial(t, target, &client.Options{Token: token, Balancer: name, HealthCheck: true})
		untilBoth(t, c)
		watching = append(watching, c)
	}
	not := dial(t, target, &client.Options{Token: token})
	alone := dial(t, a.address, &client.Options{Token: token, HealthCheck: true})
	if got := who(t, alone); got != "a" {
		t.Errorf("%s answers", got)
	}
	a.leave()
	for _, c := range watching {
		untilRow(t, c, 20, "b")
	}
	untilBoth(t, not)
	ctx := testContext(t)
	for { // With none that is healthy nothing is sent.
		_, err := alone.Session("up").CallTool(ctx, &mcp.CallToolParams{Name: "who"})
		if caisson.CodeOf(err) == caisson.CodeConnect {
			break
		}
		if err != nil || ctx.Err() != nil {
			t.Fatalf("a daemon that ends: %v", err)
		}
	}
}
