package caisson_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// The benchmarks run the same work on Caisson and on the Go SDK's client, in one run: only the
// ratio between the two means something on another machine.

type toolCaller interface {
	CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error)
}

func benchmarkServers(b *testing.B) map[string]caisson.Server {
	server := newGoServer()
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{JSONResponse: true})
	listener := httptest.NewServer(handler)
	b.Cleanup(listener.Close)
	return map[string]caisson.Server{"stdio": childServer(b, "go-sdk"), "http": {URL: listener.URL}}
}

func clients(b *testing.B, server caisson.Server) map[string]toolCaller {
	return map[string]toolCaller{"caisson": connect(b, sharedRuntime(b), server), "go-sdk": goClient(b, server)}
}

// BenchmarkCallTool calls a small tool, one call after the other.
func BenchmarkCallTool(b *testing.B) {
	for transport, server := range benchmarkServers(b) {
		for name, client := range clients(b, server) {
			b.Run(transport+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := client.CallTool(b.Context(), &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": 2, "b": 3}}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkInFlight has many calls under way at once.
func BenchmarkInFlight(b *testing.B) {
	for transport, server := range benchmarkServers(b) {
		for name, client := range clients(b, server) {
			b.Run(transport+"/"+name, func(b *testing.B) {
				b.SetParallelism(inFlight / 2)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := client.CallTool(b.Context(), &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": 2, "b": 3}}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkMegabyte has a megabyte come back.
func BenchmarkMegabyte(b *testing.B) {
	arguments := map[string]any{"value": strings.Repeat("x", 1<<20)}
	for name, client := range clients(b, childServer(b, "echo")) {
		b.Run("stdio/"+name, func(b *testing.B) {
			b.SetBytes(1 << 20)
			for b.Loop() {
				if _, err := client.CallTool(b.Context(), &mcp.CallToolParams{Name: "any", Arguments: arguments}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConnect opens and closes sessions over HTTP, so that no process is started.
func BenchmarkConnect(b *testing.B) {
	server, r := benchmarkServers(b)["http"], sharedRuntime(b)
	b.Run("caisson", func(b *testing.B) {
		for b.Loop() {
			s, err := r.Connect(b.Context(), server)
			if err != nil {
				b.Fatal(err)
			}
			_ = s.Close()
		}
	})
	b.Run("go-sdk", func(b *testing.B) {
		for b.Loop() {
			s, err := mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "1"}, nil).Connect(b.Context(), &mcp.StreamableClientTransport{Endpoint: server.URL}, nil)
			if err != nil {
				b.Fatal(err)
			}
			_ = s.Close()
		}
	})
}
