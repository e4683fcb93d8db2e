package demoserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// transports are the ways to reach a demo server. Each connects a client of the Go SDK.
var transports = []struct {
	name    string
	connect func(*testing.T) mcp.Transport
}{
	{"memory", func(t *testing.T) mcp.Transport {
		client, server := mcp.NewInMemoryTransports()
		session, err := demoserver.New().Connect(t.Context(), server, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = session.Wait() })
		return client
	}},
	{"http", overHTTP(false, false)},
	{"http, JSON", overHTTP(false, true)},
	{"http, stateless", overHTTP(true, false)},
	{"http, stateless, JSON", overHTTP(true, true)},
}

func overHTTP(stateless, jsonResponse bool) func(*testing.T) mcp.Transport {
	return func(t *testing.T) mcp.Transport {
		server := httptest.NewServer(demoserver.Handler(stateless, jsonResponse))
		t.Cleanup(server.Close)
		return &mcp.StreamableClientTransport{Endpoint: server.URL}
	}
}

func connect(t *testing.T, transport mcp.Transport, options *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, options)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func call(t *testing.T, session *mcp.ClientSession, tool string, args map[string]any) *mcp.CallToolResult {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func textOf(t *testing.T, result *mcp.CallToolResult) string {
	t.Helper()
	if len(result.Content) != 1 {
		t.Fatalf("%d blocks of content, want 1", len(result.Content))
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok {
		t.Fatalf("content is %T, want text", result.Content[0])
	}
	return text.Text
}

func TestTools(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport.name, func(t *testing.T) {
			session := connect(t, transport.connect(t), nil)

			var names []string
			for tool, err := range session.Tools(t.Context(), nil) {
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, tool.Name)
			}
			if diff := cmp.Diff([]string{"add", "countdown", "echo", "fail"}, names); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}

			if got := textOf(t, call(t, session, "echo", map[string]any{"message": "π 🚀"})); got != "π 🚀" {
				t.Errorf("echo gave %q", got)
			}
			sum, err := json.Marshal(call(t, session, "add", map[string]any{"a": 2, "b": 0.5}).StructuredContent)
			if err != nil || string(sum) != `{"sum":2.5}` {
				t.Errorf("add gave %s, %v", sum, err)
			}
			failed := call(t, session, "fail", map[string]any{"message": "no"})
			if got := textOf(t, failed); !failed.IsError || got != "no" {
				t.Errorf("fail gave IsError %v and %q", failed.IsError, got)
			}
			for _, args := range []map[string]any{{"from": 0}, {"from": 1001}, {"from": 1, "pause_ms": -1}} {
				if !call(t, session, "countdown", args).IsError {
					t.Errorf("countdown took %v", args)
				}
			}
		})
	}
}

func TestCountdownReportsProgress(t *testing.T) {
	for _, transport := range transports {
		if strings.Contains(transport.name, "JSON") {
			continue // A JSON body cannot contain notifications.
		}
		t.Run(transport.name, func(t *testing.T) {
			var mu sync.Mutex
			var got []string
			all := make(chan struct{})
			session := connect(t, transport.connect(t), &mcp.ClientOptions{
				ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, fmt.Sprint(r.Params.ProgressToken, " ", r.Params.Progress, "/", r.Params.Total, " ", r.Params.Message))
					if len(got) == 3 {
						close(all)
					}
				},
			})
			params := &mcp.CallToolParams{Name: "countdown", Arguments: map[string]any{"from": 3}}
			params.SetProgressToken("token")
			result, err := session.CallTool(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			if got := textOf(t, result); got != "liftoff" {
				t.Errorf("countdown gave %q", got)
			}
			select {
			case <-all:
			case <-time.After(30 * time.Second):
				t.Fatal("three progress notifications did not come")
			}
			mu.Lock()
			defer mu.Unlock()
			want := []string{"token 1/3 2 to go", "token 2/3 1 to go", "token 3/3 0 to go"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCountdownStopsWhenCancelled(t *testing.T) {
	session := connect(t, transports[0].connect(t), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "countdown", Arguments: map[string]any{"from": 1000, "pause_ms": 60_000}})
	if err == nil {
		t.Fatal("the countdown went on")
	}
	if got := textOf(t, call(t, session, "echo", map[string]any{"message": "still here"})); got != "still here" {
		t.Errorf("after the cancellation, echo gave %q", got)
	}
}
