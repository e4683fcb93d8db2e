//go:build unix

package gateway_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// processor is the processor time of the process, in microseconds.
func processor(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}

// counted makes calls, and reports the processor time of each.
func counted(b *testing.B, call func(context.Context) error) {
	ctx := testContext(b)
	for range 20 { // The core gets quicker with the first calls.
		if err := call(ctx); err != nil {
			b.Fatal(err)
		}
	}
	before := processor(b)
	for b.Loop() {
		if err := call(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processor(b)-before)/float64(b.N), "cpu-µs/op")
}

// BenchmarkCall calls a tool through the gateway, and makes the two calls that one is made of: from a client to a server
// over HTTP, and to the server behind, as the gateway reaches it. All are in one process, which is why the processor
// time that the gateway adds is the difference.
func BenchmarkCall(b *testing.B) {
	behind := caissontest.NewServer(b, older)
	behind.AddTool(&mcp.Tool{Name: "echo"}, says("hello"))
	for _, down := range eras {
		b.Run(down+" to the gateway", func(b *testing.B) {
			session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).
				Connect(testContext(b), &mcp.StreamableClientTransport{Endpoint: serveURL(b, demoserver.New(), down).URL}, &mcp.ClientSessionOptions{ProtocolVersion: down})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = session.Close() })
			counted(b, func(ctx context.Context) error {
				_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": "hello"}})
				return err
			})
		})
		for _, asks := range []bool{false, true} {
			b.Run(fmt.Sprint(down, " through the gateway, asks ", asks), func(b *testing.B) {
				options := &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}}
				if asks {
					options = person()
				}
				session := connectTo(b, newGateway(b, caisson.ServerMap{"s": behind.Caisson()}, nil), "/mcp", down, "http", options)
				counted(b, func(ctx context.Context) error {
					_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "s__echo", Arguments: map[string]any{"message": "hello"}})
					return err
				})
			})
		}
	}
	b.Run("to the server", func(b *testing.B) {
		client, err := runtime(b).NewClient(nil)
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		session, err := client.Connect(testContext(b), behind.Caisson())
		if err != nil {
			b.Fatal(err)
		}
		counted(b, func(ctx context.Context) error {
			_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": "hello"}})
			return err
		})
	})
}

// BenchmarkList lists the tools of twelve servers, which have not changed.
func BenchmarkList(b *testing.B) {
	for _, governs := range []bool{false, true} {
		b.Run(fmt.Sprint("policy ", governs), func(b *testing.B) {
			servers := caisson.ServerMap{}
			for i := range 12 {
				server := caissontest.NewServer(b, older)
				for n := range 26 {
					server.AddTool(&mcp.Tool{Name: fmt.Sprintf("tool-%d", n), Description: "Says hello to whoever calls it, and nothing else."}, says("hello"))
				}
				servers[fmt.Sprintf("s%d", i)] = server.Caisson()
			}
			options := governed(nil)
			if governs {
				options = governed(rules(b, "version: 1\nservers: {'*': {tools: ['**']}}\n"))
			}
			front := httptest.NewServer(newGateway(b, servers, options).Handler())
			b.Cleanup(front.Close)
			session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).
				Connect(testContext(b), &mcp.StreamableClientTransport{Endpoint: front.URL + "/mcp"}, &mcp.ClientSessionOptions{ProtocolVersion: older})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = session.Close() })
			counted(b, func(ctx context.Context) error {
				list, err := session.ListTools(ctx, nil)
				if err == nil && len(list.Tools) != 312 {
					err = fmt.Errorf("there are %d tools", len(list.Tools))
				}
				return err
			})
		})
	}
}
