//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

const patience = 2 * time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

var shared = sync.OnceValues(func() (*caisson.Runtime, error) {
	return caisson.New(context.Background(), nil)
})

func runtime(t testing.TB) *caisson.Runtime {
	t.Helper()
	r, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The eras, by the newest revision of a side that speaks only one of them.
const (
	older  = "2025-11-25"
	newest = "2026-07-28"
)

var eras = []string{older, newest}

// serveURL serves an upstream server of one era.
func serveURL(t testing.TB, server *mcp.Server, era string) caisson.Server {
	t.Helper()
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: era == newest})
	listener := httptest.NewServer(handler)
	t.Cleanup(func() { listener.CloseClientConnections(); listener.Close() })
	return caisson.Server{URL: listener.URL, ProtocolVersions: []string{era}}
}

func newGateway(t testing.TB, servers caisson.Servers, options *gateway.Options) *gateway.Gateway {
	t.Helper()
	var o gateway.Options
	if options != nil {
		o = *options
	}
	if o.ConnectWait == 0 { // A busy machine is slow.
		o.ConnectWait = patience
	}
	g, err := gateway.New(runtime(t), servers, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// connectTo connects a client of the Go SDK's with an endpoint, over HTTP or in memory.
func connectTo(t testing.TB, g *gateway.Gateway, path, era, transport string, options *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	ctx := testContext(t)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, options)
	var end mcp.Transport
	if transport == "http" {
		listener := httptest.NewServer(g.Handler())
		t.Cleanup(func() { listener.CloseClientConnections(); listener.Close() })
		end = &mcp.StreamableClientTransport{Endpoint: listener.URL + path}
	} else {
		near, far := mcp.NewInMemoryTransports()
		end = near
		done := make(chan struct{})
		running, stop := context.WithCancel(context.Background())
		go func() {
			defer close(done)
			_ = g.RunEndpoint(running, path, far)
		}()
		t.Cleanup(func() { stop(); <-done })
	}
	session, err := client.Connect(ctx, end, &mcp.ClientSessionOptions{ProtocolVersion: era})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	if got := session.InitializeResult().ProtocolVersion; got != era {
		t.Fatalf("the client speaks %s, want %s", got, era)
	}
	return session
}

// everyWay runs a test for each era on both sides, over HTTP and in memory.
func everyWay(t *testing.T, f func(t *testing.T, up, down, transport string)) {
	for _, up := range eras {
		for _, down := range eras {
			for _, transport := range []string{"memory", "http"} {
				t.Run(up+" "+down+" "+transport, func(t *testing.T) {
					t.Parallel()
					f(t, up, down, transport)
				})
			}
		}
	}
}

// TestListsAndCalls lists and calls the tools of two servers, merged and alone.
func TestListsAndCalls(t *testing.T) {
	everyWay(t, func(t *testing.T, up, down, transport string) {
		ctx := testContext(t)
		g := newGateway(t, caisson.ServerMap{
			"one": serveURL(t, demoserver.New(), up),
			"two": serveURL(t, demoserver.New(), up),
		}, nil)
		all := connectTo(t, g, "/mcp", down, transport, nil)
		list, err := all.ListTools(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tool := range list.Tools {
			names = append(names, tool.Name)
		}
		for _, want := range []string{"one__echo", "one__add", "two__echo", "two__fail"} {
			if !slices.Contains(names, want) {
				t.Errorf("the tools are %v, without %s", names, want)
			}
		}
		if text := all.InitializeResult().Instructions; strings.Count(text, "Tools to try a client with") != 2 || !strings.Contains(text, "# two\n") {
			t.Errorf("the instructions are %q", text)
		}
		sum, err := all.CallTool(ctx, &mcp.CallToolParams{Name: "two__add", Arguments: map[string]any{"a": 1, "b": 2}})
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := json.Marshal(sum.StructuredContent); !strings.Contains(string(text), "3") {
			t.Errorf("the sum is %s", text)
		}
		alone := connectTo(t, g, "/servers/one", down, transport, nil)
		echo, err := alone.CallTool(ctx, &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": "hello"}})
		if err != nil {
			t.Fatal(err)
		}
		if text := echo.Content[0].(*mcp.TextContent).Text; !strings.Contains(text, "hello") {
			t.Errorf("the echo is %q", text)
		}
		if name := alone.InitializeResult().ServerInfo.Name; name != demoserver.Name {
			t.Errorf("the server that is alone is called %q", name)
		}
		if _, err := all.CallTool(ctx, &mcp.CallToolParams{Name: "three__echo"}); err == nil {
			t.Error("a tool of a server that is not there was called")
		}
	})
}
