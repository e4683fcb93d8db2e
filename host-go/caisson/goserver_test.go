package caisson_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

func add(_ context.Context, _ *mcp.CallToolRequest, in addition) (*mcp.CallToolResult, sum, error) {
	return nil, sum{in.A + in.B}, nil
}

func fail(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
	return nil, nil, errors.New("it did not work")
}

// serveGo is the Go SDK's server on standard input and output.
func serveGo() {
	if err := newGoServer().Run(context.Background(), &mcp.StdioTransport{}); err != nil {
		os.Exit(1)
	}
}

// TestSessionIsDeleted shows that closing a stateful HTTP session tells the server.
func TestSessionIsDeleted(t *testing.T) {
	t.Parallel()
	var deleted atomic.Value
	server := newGoServer()
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			deleted.Store(r.Header.Get("Mcp-Session-Id"))
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	s := connect(t, sharedRuntime(t), caisson.Server{URL: listener.URL})
	if s.ID() == "" {
		t.Skip("the server keeps no sessions in the revision " + s.ProtocolVersion())
	}
	_ = s.Close()
	if deleted.Load() != s.ID() {
		t.Errorf("the server was told to delete %v, want %q", deleted.Load(), s.ID())
	}
}

// TestHeaders shows that configured headers reach the server, and only there.
func TestHeaders(t *testing.T) {
	t.Parallel()
	var seen atomic.Value
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return newGoServer() }, nil)
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Authorization"))
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	connect(t, sharedRuntime(t), caisson.Server{URL: listener.URL, Headers: http.Header{"authorization": {"Bearer token"}}})
	if seen.Load() != "Bearer token" {
		t.Errorf("the server saw %q", seen.Load())
	}
}
