package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// serve serves HTTP on loopback and gives the URL.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // Event streams do not end by themselves.
		server.Close()
	})
	return server.URL
}

// demoArgs are the words that name the demo server, for the end of a command line.
func demoArgs(t *testing.T) []string {
	t.Helper()
	return []string{"--", self(t), "demo-server"}
}

// demoTransports name the demo server in every way.
func demoTransports(t *testing.T) map[string][]string {
	t.Helper()
	sse := mcp.NewSSEHandler(func(*http.Request) *mcp.Server { return demoserver.New() }, nil)
	return map[string][]string{
		"stdio":         demoArgs(t),
		"http":          {serve(t, demoserver.Handler(false, false))},
		"json":          {serve(t, demoserver.Handler(false, true))},
		"stateless":     {serve(t, demoserver.Handler(true, false))},
		"sse":           {"--transport", "sse", serve(t, sse)},
		"sse, not told": {serve(t, sse)},
	}
}

// toolsServer is a server with n tools that do nothing, a few a page.
func toolsServer(t *testing.T, n, pageSize int) string {
	t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "tools", Version: "1"}, &mcp.ServerOptions{PageSize: pageSize})
	for i := range n {
		server.AddTool(
			&mcp.Tool{Name: fmt.Sprintf("tool-%d", i), Description: "a < b && c > d", InputSchema: map[string]any{"type": "object"}},
			nil,
		)
	}
	return serve(t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil))
}

// cannedServer answers each method with a result that is given as text, over HTTP and as JSON, in
// revision 2025-06-18. A method that is not there gets a JSON-RPC error.
func cannedServer(t *testing.T, results map[string]string) string {
	t.Helper()
	const initialize = `{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"canned","version":"1"}}`
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		var request struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if request.ID == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		result, ok := results[request.Method]
		switch {
		case request.Method == "initialize":
			result = initialize
		case !ok:
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"there is no method %s"}}`, request.ID, request.Method)
			return
		}
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, request.ID, result)
	}))
}

// dyingServer is the command of a server on stdio whose only tool ends the process.
const dyingServer = "dying-server"

// serveUntilDeath is that server; it does not return.
func serveUntilDeath() {
	server := mcp.NewServer(&mcp.Implementation{Name: "dying", Version: "1"}, nil)
	server.AddTool(
		&mcp.Tool{Name: "die", InputSchema: map[string]any{"type": "object"}},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			fmt.Fprintln(os.Stderr, "the last words of the server")
			os.Exit(7)
			return nil, nil
		},
	)
	_ = server.Run(context.Background(), &mcp.StdioTransport{})
	os.Exit(0)
}
