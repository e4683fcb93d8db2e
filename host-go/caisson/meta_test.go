package caisson_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestTraceContext shows that a call carries the trace of its context to a server of the newest
// revision, and that what the caller put there stays.
//
// requirement: meta.trace
func TestTraceContext(t *testing.T) {
	t.Parallel()
	server := mcp.NewServer(&mcp.Implementation{Name: "traced", Version: "1"}, nil)
	got := make(chan mcp.Meta, 1)
	mcp.AddTool(server, &mcp.Tool{Name: "x"}, func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		got <- r.Params.Meta
		return say("x"), nil, nil
	})
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

func httpServer(t *testing.T, server *mcp.Server, stateless bool) caisson.Server {
	t.Helper()
	listener := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: stateless}))
	t.Cleanup(listener.Close)
	return caisson.Server{URL: listener.URL}
}
