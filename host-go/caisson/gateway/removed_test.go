package gateway_test

import (
	"slices"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// partly are servers of which some are disabled.
type partly struct {
	caisson.ServerMap
	off []string
}

func (p partly) Disabled(name string) bool { return slices.Contains(p.off, name) }

// TestDisabledServer disables a server whose resources a client knows from a result. Nothing reaches the server any
// more, by any way to it.
func TestDisabledServer(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		server := &broken{Server: newUpstream(t, up)}
		server.AddTool(&mcp.Tool{Name: "link"}, func(*caissontest.Call) (any, error) {
			return map[string]any{"content": []any{map[string]any{"type": "resource_link", "uri": "linked://a", "name": "a"}}}, nil
		})
		all := caisson.ServerMap{"s": {Transport: server}}
		g := newGateway(t, partly{all, nil}, nil)
		session := connectTo(t, g, "/mcp", down, transport, nil)
		if _, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__link"}); err != nil {
			t.Fatal(err)
		}
		if _, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: "linked://a"}); err != nil {
			t.Fatal(err)
		}
		if err := g.Reload(partly{all, []string{"s"}}); err != nil {
			t.Fatal(err)
		}
		attempts, requests := server.attempts.Load(), len(server.Requests("resources/read"))
		for what, try := range map[string]func() error{
			"read": func() error {
				_, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: "linked://a"})
				return err
			},
			"complete": func() error {
				_, err := session.Complete(ctx, &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/resource", URI: "linked://a"}})
				return err
			},
			"call": func() error {
				_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__link"})
				return err
			},
		} {
			if err := try(); err == nil {
				t.Errorf("%s: the server that is disabled has answered", what)
			}
		}
		if server.attempts.Load() != attempts || len(server.Requests("resources/read")) != requests {
			t.Error("the server that is disabled was connected with")
		}
	})
}
