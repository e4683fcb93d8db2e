package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// connectAs connects a client on behalf of a principal.
func connectAs(t testing.TB, g *gateway.Gateway, principal, era string, options *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	handler := g.Handler()
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(gateway.WithPrincipal(r.Context(), principal)))
	}))
	t.Cleanup(func() { listener.CloseClientConnections(); listener.Close() })
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, options)
	session, err := client.Connect(testContext(t), &mcp.StreamableClientTransport{Endpoint: listener.URL + "/mcp"}, &mcp.ClientSessionOptions{ProtocolVersion: era})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// named is a person who gives a name.
func named(name string) *mcp.ClientOptions {
	options := person()
	options.ElicitationHandler = func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
		return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": name}}, nil
	}
	return options
}

const stateless = "version: 1\nservers: {s: {stateless: true, tools: ['**'], resources: ['**'], asks: [elicitation, sampling, roots]}, own: {tools: ['**'], asks: [elicitation]}}\n"

// TestStatelessServer has the sessions of two principals use a server that the policy says is stateless, and one that it
// does not. The sessions of one principal share the sessions with the former, and those of two do not.
func TestStatelessServer(t *testing.T) {
	for _, up := range eras {
		t.Run(up, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			shared, own := &broken{Server: newUpstream(t, up)}, &broken{Server: newUpstream(t, up)}
			g := newGateway(t, caisson.ServerMap{"s": {Transport: shared}, "own": {Transport: own}}, governed(rules(t, stateless)))
			silent := &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}} // Calls of who can be asked have more sessions.
			clients := []*mcp.ClientSession{
				connectAs(t, g, "ada", older, silent), connectAs(t, g, "ada", older, silent), connectAs(t, g, "bob", older, silent),
			}
			for _, session := range clients {
				result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__rich"})
				_ = textsOf(t, result, err)
				_ = tools(ctx, t, session)
			}
			if n := shared.attempts.Load(); n != 2 {
				t.Errorf("there are %d sessions with the stateless server, want 2: one for each principal", n)
			}
			if n := own.attempts.Load(); n != 3 {
				t.Errorf("there are %d sessions with the other server, want 3: one for each session", n)
			}
			_ = clients[0].Close()
			result, err := clients[1].CallTool(ctx, &mcp.CallToolParams{Name: "s__rich"})
			_ = textsOf(t, result, err)
			if n := shared.attempts.Load(); n != 2 {
				t.Errorf("after the end of a session there were %d with the server", n)
			}
		})
	}
}

func textsOf(t testing.TB, result *mcp.CallToolResult, err error) *mcp.CallToolResult {
	t.Helper()
	if err != nil || result.IsError {
		t.Fatalf("the call gets %+v, %v", result, err)
	}
	return result
}

// TestStatelessQuestions has calls of two sessions of one principal, and of another principal, ask at the same time. Each
// question goes to the client of its call; a question that belongs to no call goes to nobody.
func TestStatelessQuestions(t *testing.T) {
	for _, up := range eras {
		t.Run(up, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			server := newUpstream(t, up)
			var refused sync.Map
			list := json.RawMessage(`{"resources":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"}`)
			if up == older {
				list = json.RawMessage(`{"resources":[]}`)
			}
			server.Handle("resources/list", func(call *caissontest.Call) (any, error) {
				if up == older { // In 2026-07-28 a list cannot ask.
					answer, err := call.Ask("elicitation/create", json.RawMessage(`{"mode":"form","message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}}`))
					refused.Store(fmt.Sprint(string(answer), err), err != nil)
				}
				return list, nil
			})
			g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, governed(rules(t, stateless)))
			clients := map[string]*mcp.ClientSession{}
			for _, name := range []string{"ada", "ada's other", "bob"} {
				clients[name] = connectAs(t, g, name[:3], older, named(name))
			}
			var all sync.WaitGroup
			for name, session := range clients {
				for range 5 {
					all.Go(func() {
						result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__form"})
						if err != nil {
							t.Error(err)
							return
						}
						var answer struct{ Content struct{ Name string } }
						if text := textOf(t, result, nil); json.Unmarshal([]byte(text), &answer) != nil || answer.Content.Name != name {
							t.Errorf("%s is answered %s", name, text)
						}
						if _, err := session.ListResources(ctx, nil); err != nil {
							t.Error(err)
						}
					})
				}
			}
			all.Wait()
			asked := 0
			refused.Range(func(answer, no any) bool {
				asked++
				if no != true {
					t.Errorf("a question that belongs to no call is answered %s", answer)
				}
				return true
			})
			if up == older && asked == 0 {
				t.Error("nothing was asked outside of a call")
			}
		})
	}
}

// TestStatelessSubscriptions has two sessions of one principal share a server: an update reaches the one that has
// subscribed, and a change of a list both.
func TestStatelessSubscriptions(t *testing.T) {
	for _, up := range eras {
		t.Run(up, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			server := newUpstream(t, up)
			g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, governed(rules(t, stateless)))
			heard := map[string]chan string{}
			var clients []*mcp.ClientSession
			for _, name := range []string{"subscribed", "other"} {
				told := make(chan string, 1000)
				heard[name] = told
				clients = append(clients, connectAs(t, g, "ada", older, &mcp.ClientOptions{
					ResourceUpdatedHandler: func(_ context.Context, r *mcp.ResourceUpdatedNotificationRequest) { told <- r.Params.URI },
					ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { told <- "tools" },
				}))
			}
			for _, session := range clients {
				if _, err := session.ListResources(ctx, nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := clients[0].Subscribe(ctx, &mcp.SubscribeParams{URI: "test://a"}); err != nil {
				t.Fatal(err)
			}
			until := func(name, want string, tell func()) {
				t.Helper()
				for {
					tell()
					select {
					case got := <-heard[name]:
						if got == want {
							return
						}
						if got != "tools" {
							t.Fatalf("%s hears %q", name, got)
						}
					case <-ctx.Done():
						t.Fatalf("%s does not hear %q", name, want)
					}
				}
			}
			updated := func() {
				server.Notify("notifications/resources/updated", map[string]any{"uri": "test://a"})
			}
			until("subscribed", "test://a", updated)
			// What comes after it has come, too, once the change of the tools has: they have one order.
			until("other", "tools", func() { server.Notify("notifications/tools/list_changed", nil) })
			for len(heard["other"]) > 0 {
				if got := <-heard["other"]; got != "tools" {
					t.Errorf("who has not subscribed hears %q", got)
				}
			}
			if err := clients[1].Subscribe(ctx, &mcp.SubscribeParams{URI: "test://a"}); err != nil {
				t.Fatal(err)
			}
			if err := clients[0].Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: "test://a"}); err != nil {
				t.Fatal(err)
			}
			until("other", "test://a", updated)
		})
	}
}
