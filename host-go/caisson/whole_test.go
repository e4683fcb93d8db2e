//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/race"
)

var revisions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}

const modern = "2026-07-28"

// TestWhole goes over every call and everything that a server asks and tells, in every revision and
// over every transport that the revision has, on each kind of server. Results are compared with
// what the Go SDK's own client gets from the same server in the same revision.
func TestWhole(t *testing.T) {
	t.Parallel()
	for _, server := range wholeServers {
		t.Run(server.name, func(t *testing.T) {
			if race.Enabled && server.name != "Go SDK" {
				t.Skip("the same code of ours as with the Go SDK's server, many times slower")
			}
			h := &received{changed: make(chan struct{}, 1)}
			r := newClient(t, caisson.ClientOptions{Handlers: wholeHandlers(h)})
			for _, revision := range revisions {
				for _, transport := range []caisson.TransportType{caisson.TransportStdio, caisson.TransportHTTP, caisson.TransportSSE} {
					if revision == modern && transport == caisson.TransportSSE {
						continue // The transport of 2024-11-05 is gone.
					}
					t.Run(revision+" "+string(transport), func(t *testing.T) {
						server.skip(t, "connect", transport, revision)
						at := server.start(t, transport, revision)
						at.ProtocolVersions = []string{revision}
						w := &whole{T: t, server: &server, transport: transport, revision: revision, received: h}
						w.session = connect(t, r, at)
						if got := w.session.ProtocolVersion(); got != revision {
							t.Fatalf("the revision is %s", got)
						}
						w.theirs = goClientIn(t, at, revision)
						w.run()
					})
				}
			}
		})
	}
}

// A whole is one run of the table.
type whole struct {
	*testing.T
	server    *wholeServer
	transport caisson.TransportType
	revision  string
	upstream  string // the revision behind a gateway; "" without one
	lateLogs  bool   // a log may come too late to be told
	session   *caisson.Session
	theirs    *mcp.ClientSession
	received  *received
}

func (w *whole) run() {
	w.feature("lists", w.lists)
	w.feature("calls", w.calls)
	w.feature("sampling", func(t *testing.T) {
		w.asked(t, "sampling", `{"role":"assistant","model":"m","content":{"type":"text","text":"hi there"}}`)
	})
	w.feature("elicitation", func(t *testing.T) { w.asked(t, "elicitation", `{"action":"accept","content":{"name":"ada","age":42}}`) })
	w.feature("url", func(t *testing.T) { w.asked(t, "url", `{"action":"accept"}`) })
	w.feature("roots", func(t *testing.T) { w.asked(t, "roots", `{"roots":[{"uri":"file:///work","name":"work"}]}`) })
	w.feature("progress", w.progress)
	w.feature("logging", w.logging)
	w.feature("cancel", w.cancel)
	// In this order: when a subscription ends, the Go SDK's server on stdio forgets the others too.
	w.feature("changed", w.changed)
	w.feature("updated", w.updated)
	w.feature("ping", func(t *testing.T) {
		if err := w.session.Ping(testContext(t), nil); err != nil {
			t.Error(err)
		}
	})
}

func (w *whole) feature(name string, test func(t *testing.T)) {
	w.Run(name, func(t *testing.T) {
		w.server.skip(t, name, w.transport, w.revision)
		w.server.skip(t, name, w.transport, w.upstream)
		test(t)
	})
}

// asSame runs a call on both clients and compares what comes.
func asSame[P, R any](t *testing.T, what string, params P, ours, theirs func(context.Context, P) (R, error)) {
	t.Helper()
	ctx := testContext(t)
	want, err := theirs(ctx, params)
	if err != nil {
		t.Fatalf("%s: the Go SDK's client: %v", what, err)
	}
	got, err := ours(ctx, params)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	same(t, what, got, want)
}

func (w *whole) lists(t *testing.T) {
	asSame(t, "list tools", &mcp.ListToolsParams{}, w.session.ListTools, w.theirs.ListTools)
	asSame(t, "list resources", &mcp.ListResourcesParams{}, w.session.ListResources, w.theirs.ListResources)
	asSame(t, "list resource templates", &mcp.ListResourceTemplatesParams{}, w.session.ListResourceTemplates, w.theirs.ListResourceTemplates)
	asSame(t, "list prompts", &mcp.ListPromptsParams{}, w.session.ListPrompts, w.theirs.ListPrompts)
	ctx := testContext(t)
	var names []string
	for tool, err := range w.session.Tools(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	if want := []string{"ask", "echo", "grow", "log", "progress", "touch", "wait"}; !slices.Equal(names, want) {
		t.Errorf("the tools are %v", names)
	}
	for resource, err := range w.session.Resources(ctx, nil) {
		if err != nil || resource.URI != docURI {
			t.Errorf("a resource is %v, %v", resource, err)
		}
	}
	for template, err := range w.session.ResourceTemplates(ctx, nil) {
		if err != nil || template.URITemplate != docURI+"/{name}" {
			t.Errorf("a template is %v, %v", template, err)
		}
	}
	for prompt, err := range w.session.Prompts(ctx, nil) {
		if err != nil || prompt.Name != "greet" {
			t.Errorf("a prompt is %v, %v", prompt, err)
		}
	}
}

func (w *whole) calls(t *testing.T) {
	asSame(t, "call tool", &mcp.CallToolParams{Name: "echo", Arguments: said{"x"}}, w.session.CallTool, w.theirs.CallTool)
	asSame(t, "read resource", &mcp.ReadResourceParams{URI: docURI}, w.session.ReadResource, w.theirs.ReadResource)
	asSame(t, "read resource", &mcp.ReadResourceParams{URI: docURI + "/a"}, w.session.ReadResource, w.theirs.ReadResource)
	asSame(t, "get prompt", &mcp.GetPromptParams{Name: "greet", Arguments: map[string]string{"name": "bob"}}, w.session.GetPrompt, w.theirs.GetPrompt)
	asSame(t, "complete", &mcp.CompleteParams{
		Ref:      &mcp.CompleteReference{Type: "ref/prompt", Name: "greet"},
		Argument: mcp.CompleteParamsArgument{Name: "name", Value: "ad"},
	}, w.session.Complete, w.theirs.Complete)
	value, _, err := caisson.CallToolAs[said](testContext(t), w.session, &mcp.CallToolParams{Name: "echo", Arguments: said{"y"}})
	if err != nil || value.Text != "y" {
		t.Errorf("echo as a value is %v, %v", value, err)
	}
}

// asked calls the tool that asks, and compares what it was answered.
func (w *whole) asked(t *testing.T, what, want string) {
	result, err := w.session.CallTool(testContext(t), &mcp.CallToolParams{Name: "ask", Arguments: said{what}})
	if err != nil {
		t.Fatal(err)
	}
	got := result.Content[0].(*mcp.TextContent).Text
	if result.IsError {
		t.Fatal(got)
	}
	same(t, what, json.RawMessage(got), json.RawMessage(want))
}

func (w *whole) progress(t *testing.T) {
	var steps []float64
	ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{
		OnProgress: func(p *mcp.ProgressNotificationParams) { steps = append(steps, p.Progress) },
		Timeout:    patience,
	})
	if _, err := w.session.CallTool(ctx, &mcp.CallToolParams{Name: "progress"}); err != nil {
		t.Fatal(err)
	}
	// All of it has been told when the call returns: no lock, and no waiting.
	if !slices.Equal(steps, []float64{1, 2, 3}) {
		t.Errorf("the progress is %v", steps)
	}
}

func (w *whole) logging(t *testing.T) {
	ctx := testContext(t)
	if err := w.session.SetLoggingLevel(ctx, &mcp.SetLoggingLevelParams{Level: "debug"}); err != nil {
		t.Fatal(err)
	}
	message := w.server.name + w.revision + string(w.transport)
	for {
		if _, err := w.session.CallTool(ctx, &mcp.CallToolParams{Name: "log", Arguments: said{message}}); err != nil {
			t.Fatal(err)
		}
		if !w.lateLogs || w.received.has(`log "`+message+`"`) {
			break
		}
	}
	w.received.wait(ctx, t, `log "`+message+`"`)
}

func (w *whole) cancel(t *testing.T) {
	ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{MaxTimeout: 50 * time.Millisecond})
	_, err := w.session.CallTool(ctx, &mcp.CallToolParams{Name: "wait"})
	if caisson.CodeOf(err) != caisson.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call that took too long: %v", err)
	}
}

func (w *whole) updated(t *testing.T) {
	ctx := testContext(t)
	if w.revision == modern {
		s, err := w.session.Listen(ctx, &mcp.SubscriptionsListenParams{Notifications: &mcp.NotificationSubscriptions{ResourceSubscriptions: []string{docURI}}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if !slices.Contains(s.Granted().ResourceSubscriptions, docURI) {
			t.Errorf("granted is %+v", s.Granted())
		}
	} else if err := w.session.Subscribe(ctx, &mcp.SubscribeParams{URI: docURI}); err != nil {
		t.Fatal(err)
	}
	w.received.forget()
	if _, err := w.session.CallTool(ctx, &mcp.CallToolParams{Name: "touch"}); err != nil {
		t.Fatal(err)
	}
	w.received.wait(ctx, t, "updated "+docURI)
	if w.revision != modern {
		if err := w.session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: docURI}); err != nil {
			t.Error(err)
		}
	}
}

func (w *whole) changed(t *testing.T) {
	ctx := testContext(t)
	w.received.forget()
	if _, err := w.session.CallTool(ctx, &mcp.CallToolParams{Name: "grow"}); err != nil {
		t.Fatal(err)
	}
	for {
		w.received.wait(ctx, t, "tools")
		w.received.forget()
		for tool, err := range w.session.Tools(ctx, nil) {
			if err != nil {
				t.Fatal(err)
			}
			if tool.Name == "grown" {
				return
			}
		}
		// A gateway also tells when it has another session with the server: the server's own word comes after that.
		if w.upstream == "" {
			t.Fatal("the tool that came is not listed")
		}
	}
}
