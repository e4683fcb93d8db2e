//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on using them.

package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestQuestionsPassTheGate has a server ask everything of a client that answers everything. The client is asked what the
// policy lets the server ask, and nothing else is declared to the server.
func TestQuestionsPassTheGate(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		tools := map[string]string{"form": "elicitation", "sample": "sampling", "roots": "roots"}
		for _, asks := range []string{"elicitation", "sampling", "roots", ""} {
			server := newUpstream(t, up)
			var mu sync.Mutex
			asked := map[string]bool{}
			options := person()
			elicit, create := options.ElicitationHandler, options.CreateMessageHandler
			options.ElicitationHandler = func(ctx context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
				mu.Lock()
				defer mu.Unlock()
				asked["elicitation"] = true
				return elicit(ctx, r)
			}
			options.CreateMessageHandler = func(ctx context.Context, r *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
				mu.Lock()
				defer mu.Unlock()
				asked["sampling"] = true
				return create(ctx, r)
			}
			g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, governed(rules(t, "version: 1\nservers: {s: {tools: ['**'], asks: ["+asks+"]}}\n")))
			session := connectTo(t, g, "/mcp", down, transport, options)
			for tool, kind := range tools {
				_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__" + tool})
				if may := kind == asks; (err == nil) != may {
					t.Errorf("with asks: [%s] the tool that asks for %s gets %v", asks, kind, err)
				}
			}
			mu.Lock()
			for kind := range asked {
				if kind != asks {
					t.Errorf("with asks: [%s] the client is asked for %s", asks, kind)
				}
			}
			mu.Unlock()
			for _, r := range server.Requests("initialize", "server/discover", "tools/call") {
				var declared map[string]json.RawMessage
				text := r.Meta()[mcp.MetaKeyClientCapabilities]
				if r.Method == "initialize" {
					var params struct{ Capabilities json.RawMessage }
					_ = json.Unmarshal(r.Params, &params)
					text = params.Capabilities
				}
				_ = json.Unmarshal(text, &declared)
				for _, kind := range tools {
					if _, is := declared[kind]; is && kind != asks {
						t.Errorf("with asks: [%s] the server is told in %s of %s", asks, r.Method, text)
					}
				}
			}
		}
	})
}

// TestSubscriptionsPassTheGate has a client subscribe to resources that the policy grants, and to others, which the server
// hears nothing of. The client hears of no change of a resource that it may not have.
func TestSubscriptionsPassTheGate(t *testing.T) {
	for _, up := range eras {
		for _, down := range eras {
			for path, where := range map[string]string{"/mcp": "all", "/servers/s": "alone"} {
				t.Run(up+" "+down+" "+where, func(t *testing.T) {
					t.Parallel()
					ctx := testContext(t)
					server := newUpstream(t, up)
					server.Answer("resources/list", `{"resources":[{"uri":"test://a","name":"a"},{"uri":"test://hidden","name":"h"}]}`)
					g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, governed(rules(t, "version: 1\nservers: {s: {tools: ['**'], resources: ['test://a', 'test://b']}}\n")))
					heard := make(chan string, 1000)
					session := connectAt(t, g, path, down, &caisson.ClientOptions{Handlers: caisson.Handlers{
						ResourceUpdatedHandler: func(_ context.Context, r *caisson.Request[*mcp.ResourceUpdatedNotificationParams]) {
							heard <- r.Params.URI
						},
					}})
					subscribe := func(uris ...string) error {
						if down == older {
							return session.Subscribe(ctx, &mcp.SubscribeParams{URI: uris[len(uris)-1]})
						}
						_, err := session.Listen(ctx, &mcp.SubscriptionsListenParams{Notifications: &mcp.NotificationSubscriptions{ResourceSubscriptions: uris}})
						return err
					}
					if err := subscribe("test://a"); err != nil {
						t.Fatal(err)
					}
					answers := map[string]string{}
					for _, uri := range []string{"test://hidden", "test://absent"} {
						for what, err := range map[string]error{"alone": subscribe(uri), "with another": subscribe("test://a", uri)} {
							var e *jsonrpc.Error
							if !errors.As(err, &e) {
								t.Fatalf("%s, %s gets %v", uri, what, err)
							}
							answers[what+uri] = told(e, uri)
						}
					}
					for _, what := range []string{"alone", "with another"} {
						if there, not := answers[what+"test://hidden"], answers[what+"test://absent"]; there != not {
							t.Errorf("%s: what is there gets %q, and what is not %q", what, there, not)
						}
					}
					for _, r := range server.Requests("resources/subscribe", "subscriptions/listen") {
						if text := string(r.Params); strings.Contains(text, "hidden") || strings.Contains(text, "absent") {
							t.Errorf("the server got %s %s", r.Method, text)
						}
					}
					again := time.NewTicker(100 * time.Millisecond)
					defer again.Stop()
					for { // The client may still be about to listen, so the server tells again until it is heard.
						for _, uri := range []string{"test://hidden", "test://a"} {
							server.Notify("notifications/resources/updated", map[string]any{"uri": uri})
						}
						select {
						case uri := <-heard:
							if uri != "test://a" {
								t.Errorf("the client hears of %s", uri)
							}
							return
						case <-again.C:
						case <-ctx.Done():
							t.Fatal("the client hears of nothing")
						}
					}
				})
			}
		}
	}
}

// TestRatesOfPrincipals has a principal use up a bucket, in two sessions. Then it gets the error that
// docs/serve.md says, and another principal does not.
func TestRatesOfPrincipals(t *testing.T) {
	for _, up := range eras {
		for _, down := range eras {
			t.Run(up+" "+down, func(t *testing.T) {
				t.Parallel()
				ctx := testContext(t)
				server := newUpstream(t, up)
				options := governed(rules(t, "version: 1\nservers: {s: {tools: [{name: rich, rate: {maxTokens: 2, refillPeriod: 1h}}, meta], resources: ['test://a'], rate: {maxTokens: 6, refillPeriod: 1h}}}\n"))
				g := newGateway(t, caisson.ServerMap{"s": server.Caisson()}, options)
				first, second, other := connectAs(t, g, "ada", down, nil), connectAs(t, g, "ada", down, nil), connectAs(t, g, "bob", down, nil)
				rich := func(session *mcp.ClientSession) error {
					_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__rich"})
					return err
				}
				late := func(what string, err error) {
					t.Helper()
					var e *jsonrpc.Error
					var data struct {
						RetryAfterSeconds float64 `json:"retryAfterSeconds"`
					}
					if !errors.As(err, &e) || e.Code != 429 || json.Unmarshal(e.Data, &data) != nil || data.RetryAfterSeconds < 1 || data.RetryAfterSeconds > 3600 {
						t.Errorf("%s: it gets %v", what, err)
					}
				}
				for _, session := range []*mcp.ClientSession{first, second} {
					if err := rich(session); err != nil {
						t.Fatal(err)
					}
				}
				late("the first session", rich(first))
				late("the second", rich(second))
				if err := rich(other); err != nil {
					t.Errorf("another principal gets %v", err)
				}
				if _, err := first.CallTool(ctx, &mcp.CallToolParams{Name: "s__meta"}); err != nil {
					t.Errorf("another tool gets %v", err)
				}
				// The bucket of the server is for resources, too.
				var err error
				for range 6 {
					if _, err = first.ReadResource(ctx, &mcp.ReadResourceParams{URI: "test://a"}); err != nil {
						break
					}
				}
				late("a resource", err)
				if _, err := other.ReadResource(ctx, &mcp.ReadResourceParams{URI: "test://a"}); err != nil {
					t.Errorf("another principal's resource gets %v", err)
				}
				if n := len(server.Requests("tools/call")); n != 4 {
					t.Errorf("the server got %d calls", n)
				}
			})
		}
	}
}

// told is an error as a client gets it, without the name that it is about.
func told(e *jsonrpc.Error, name string) string {
	return strings.ReplaceAll(fmt.Sprint(e.Code, e.Message, string(e.Data)), name, "NAME")
}
