//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// serve serves HTTP on loopback and returns the URL.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // Event streams do not end by themselves.
		server.Close()
	})
	return server.URL
}

// demoArgs returns the words that name the demo server, for the end of a command line.
func demoArgs(t *testing.T) []string {
	t.Helper()
	return []string{"--", self(t), "demo-server"}
}

// demoTransports returns the words that name the demo server, for each transport.
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

// toolsServer serves n tools that do nothing, pageSize on each page.
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

// cannedServer answers each method with a result that is given as text, over HTTP and as JSON, in revision
// 2025-06-18. Another method gets a JSON-RPC error.
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
		case request.Method == "initialize" && !ok:
			result = initialize
		case !ok:
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"there is no method %s"}}`, request.ID, request.Method)
			return
		}
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, request.ID, result)
	}))
}

// A fullServer is a server with every kind of item, over HTTP.
type fullServer struct {
	*mcp.Server
	old, new     []string // the words that name it, in a revision with sessions and in one without
	unsubscribed chan string
}

// serveFull serves a fullServer. Tests add the tools that they use.
func serveFull(t *testing.T) *fullServer {
	t.Helper()
	f := &fullServer{unsubscribed: make(chan string, 10)}
	f.Server = mcp.NewServer(&mcp.Implementation{Name: "full", Version: "1"}, &mcp.ServerOptions{
		PageSize:         2,
		Logger:           slog.New(slog.DiscardHandler),
		SubscribeHandler: func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler: func(_ context.Context, r *mcp.UnsubscribeRequest) error {
			f.unsubscribed <- r.Params.URI
			return nil
		},
		CompletionHandler: func(_ context.Context, r *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			about := r.Params.Ref.Name + r.Params.Ref.URI + " " + r.Params.Argument.Name
			values := []string{about, r.Params.Argument.Value + "\x1b[31m"}
			if r.Params.Context != nil {
				values = append(values, fmt.Sprint(r.Params.Context.Arguments))
			}
			return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: values, Total: 9, HasMore: true}}, nil
		},
		Capabilities: &mcp.ServerCapabilities{Logging: &mcp.LoggingCapabilities{}},
	})
	read := func(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		contents := []*mcp.ResourceContents{{URI: r.Params.URI, Text: "the text of " + r.Params.URI + "\n"}}
		if r.Params.URI == "test:///blob" {
			contents = append(contents, &mcp.ResourceContents{URI: r.Params.URI, MIMEType: "image/png", Blob: []byte("\x89PNG\r\n")})
		}
		return &mcp.ReadResourceResult{Contents: contents}, nil
	}
	for _, r := range []mcp.Resource{
		{URI: "test:///blob", Name: "blob", Title: "A picture", MIMEType: "image/png", Size: 12_345},
		{URI: "test:///evil", Name: "evil\x1b[2J", Description: "first\nsecond"},
		{URI: "test:///text", Name: "text", MIMEType: "text/plain"},
	} {
		f.AddResource(&r, read)
	}
	f.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: "test:///files/{path}", Name: "files", MIMEType: "text/plain", Description: "Any file."}, read)
	f.AddPrompt(&mcp.Prompt{
		Name: "greet", Description: "Greets.\nKindly.",
		Arguments: []*mcp.PromptArgument{{Name: "who", Required: true}, {Name: "style"}},
	}, func(_ context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{Description: "A greeting", Messages: []*mcp.PromptMessage{
			{Role: "user", Content: &mcp.TextContent{Text: fmt.Sprint("Greet ", r.Params.Arguments)}},
			{Role: "assistant", Content: &mcp.ImageContent{MIMEType: "image/png", Data: []byte("abc")}},
		}}, nil
	})
	f.AddPrompt(&mcp.Prompt{Name: "plain"}, func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: "Hello.\n"}}}}, nil
	})
	f.addTool("nothing", nil)
	f.old = []string{serveIn(t, f.Server, false), "--protocol-version=2025-11-25"}
	f.new = []string{serveIn(t, f.Server, true), "--protocol-version=2026-07-28"}
	return f
}

// serveIn serves a server of the Go SDK. The server speaks revision 2026-07-28 only without sessions.
func serveIn(t *testing.T, server *mcp.Server, stateless bool) string {
	t.Helper()
	// The store keeps what the server sends before the client's stream is there.
	options := &mcp.StreamableHTTPOptions{Stateless: stateless, EventStore: mcp.NewMemoryEventStore(nil)}
	return serve(t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options))
}

// addTool adds a tool without arguments.
func (f *fullServer) addTool(name string, handle func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error)) {
	f.AddTool(&mcp.Tool{Name: name, InputSchema: map[string]any{"type": "object"}}, handle)
}

// dyingServer is the command of a server on stdio whose only tool ends the process.
const dyingServer = "dying-server"

// serveUntilDeath runs that server. It does not return.
func serveUntilDeath() {
	fmt.Fprintln(os.Stderr, "process", os.Getpid())
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
