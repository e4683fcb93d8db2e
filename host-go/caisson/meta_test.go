package caisson_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// tracedServer has a tool x, and gives the _meta of each call of it.
func tracedServer() (*mcp.Server, <-chan mcp.Meta) {
	server := mcp.NewServer(&mcp.Implementation{Name: "traced", Version: "1"}, nil)
	got := make(chan mcp.Meta, 1)
	mcp.AddTool(server, &mcp.Tool{Name: "x"}, func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		got <- r.Params.Meta
		return say("x"), nil, nil
	})
	return server, got
}

// TestTraceContext shows that a call carries the trace of its context to a server of the newest
// revision, and that what the caller put there stays.
//
// requirement: meta.trace
func TestTraceContext(t *testing.T) {
	t.Parallel()
	server, got := tracedServer()
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	const traceparent = "00-01000000000000000000000000000000-0200000000000000-01"
	for _, test := range []struct {
		revision string
		ctx      context.Context
		meta     mcp.Meta
		want     any
	}{
		{modern, testContext(t), nil, nil},
		{modern, trace.ContextWithSpanContext(testContext(t), span), nil, traceparent},
		{modern, trace.ContextWithSpanContext(testContext(t), span), mcp.Meta{"traceparent": "mine"}, "mine"},
		{"2025-11-25", trace.ContextWithSpanContext(testContext(t), span), nil, nil},
	} {
		at := httpServer(t, server, test.revision == modern)
		at.ProtocolVersions = []string{test.revision}
		s := connect(t, sharedRuntime(t), at)
		ctx := caisson.WithCallOptions(test.ctx, caisson.CallOptions{OnProgress: func(*mcp.ProgressNotificationParams) {}})
		if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "x", Meta: test.meta}); err != nil {
			t.Fatal(err)
		}
		meta := <-got
		if meta["traceparent"] != test.want || meta["progressToken"] == nil {
			t.Errorf("%s: the server saw %v, want traceparent %v and a progress token", test.revision, meta, test.want)
		}
	}
}

// TestPropagator shows what of a context reaches a server: its trace alone, and what
// ClientOptions.Propagator takes where it is set.
func TestPropagator(t *testing.T) {
	t.Parallel()
	server, got := tracedServer()
	both := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	secret, err := baggage.Parse("tenant=s3cret")
	if err != nil {
		t.Fatal(err)
	}
	state, err := trace.ParseTraceState("vendor=1")
	if err != nil {
		t.Fatal(err)
	}
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceState: state})
	for name, test := range map[string]struct {
		propagator propagation.TextMapPropagator
		want       []string // of what could be propagated
	}{
		"default":       {nil, []string{"traceparent", "tracestate"}},
		"with baggage":  {both, []string{"baggage", "traceparent", "tracestate"}},
		"baggage alone": {propagation.Baggage{}, []string{"baggage"}},
		"nothing":       {propagation.NewCompositeTextMapPropagator(), nil},
		"of one's own":  {ownPropagator{}, []string{"x-own"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := connect(t, newClient(t, caisson.ClientOptions{Propagator: test.propagator}), httpServer(t, server, true))
			if s.ProtocolVersion() != modern {
				t.Fatalf("it speaks %s", s.ProtocolVersion())
			}
			ctx := trace.ContextWithSpanContext(baggage.ContextWithBaggage(testContext(t), secret), span)
			if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "x"}); err != nil {
				t.Fatal(err)
			}
			var seen []string
			for key := range <-got {
				if !strings.Contains(key, "/") { // The protocol's own have a prefix.
					seen = append(seen, key)
				}
			}
			slices.Sort(seen)
			if !slices.Equal(seen, test.want) {
				t.Errorf("the server saw %q, want %q", seen, test.want)
			}
		})
	}
}

type ownPropagator struct{ propagation.TextMapPropagator }

func (ownPropagator) Inject(_ context.Context, to propagation.TextMapCarrier) { to.Set("x-own", "1") }

func httpServer(t *testing.T, server *mcp.Server, stateless bool) caisson.Server {
	t.Helper()
	listener := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: stateless}))
	t.Cleanup(listener.Close)
	return caisson.Server{URL: listener.URL}
}
