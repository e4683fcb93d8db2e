//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on using them.

package client_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
	"github.com/caisson-dev/caisson/host-go/caissontest"

	"github.com/caisson-dev/caisson/daemon/client"
	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/server"
)

// A daemon serves on real sockets, with a token.
type daemon struct {
	address string
	token   string
	tokens  string // the file
	stop    func() // ends it at once: what is underway breaks
	leave   func() // has it end as SIGTERM does
}

// startDaemon starts a daemon with a configuration, a token, and a Unix socket in a folder.
func startDaemon(t *testing.T, folder, text string) *daemon {
	t.Helper()
	tokens := filepath.Join(t.TempDir(), "tokens.json")
	token, err := bearer.AddToken(t.Context(), tokens, "alice", []string{"caisson:mcp"})
	if err != nil {
		t.Fatal(err)
	}
	d := startDaemonWith(t, folder, tokens, text)
	d.token = token
	return d
}

// startDaemonWith starts a daemon with the tokens of a file.
func startDaemonWith(t *testing.T, folder, tokens, text string) *daemon {
	t.Helper()
	d := &daemon{tokens: tokens}
	path := filepath.Join(t.TempDir(), "caisson.yaml")
	text = "listen: [\"127.0.0.1:0\", \"unix:" + filepath.Join(folder, "caissond.sock") + "\"]\naccess: {tokens: " + tokens + "}\ndrainTimeout: 100ms\n" + text
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), file, server.Options{Runtime: caissontest.Runtime(t), Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.address = listeners[0].Addr().String()
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(ctx, listeners)
	}()
	d.leave = end
	d.stop = func() {
		end()
		s.Drain() // It does not wait for drainDelay.
		<-ended
	}
	t.Cleanup(d.stop)
	return d
}

// one is the configuration with one server, up.
func one(url string) string { return "mcpServers:\n  up: {url: " + url + "}\n" }

func dial(t *testing.T, target string, o *client.Options) *client.Client {
	t.Helper()
	c, err := client.Dial(target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// upstream is an MCP server that has everything that the client has a method for.
func upstream(t *testing.T) *mcp.Server {
	t.Helper()
	s := mcp.NewServer(&mcp.Implementation{Name: "upstream", Version: "1"}, &mcp.ServerOptions{
		Instructions: "Be kind.",
		CompletionHandler: func(_ context.Context, r *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: []string{r.Params.Argument.Value + "da"}}}, nil
		},
		PageSize: 2,
	})
	type said struct {
		Text string `json:"text"`
	}
	mcp.AddTool(s, &mcp.Tool{Name: "echo", Description: "Says it again."}, func(_ context.Context, _ *mcp.CallToolRequest, in said) (*mcp.CallToolResult, said, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: in.Text}}, Meta: mcp.Meta{"own": "yes"}}, in, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "fail"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: "no"}}}, nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "progress"}, func(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		for i := range 3 {
			if err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: float64(i + 1), Total: 3}); err != nil {
				return nil, nil, err
			}
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "ask"}, func(ctx context.Context, r *mcp.CallToolRequest, in said) (*mcp.CallToolResult, any, error) {
		var answer any
		var err error
		switch in.Text {
		case "roots":
			answer, err = r.Session.ListRoots(ctx, nil)
		case "form":
			answer, err = r.Session.Elicit(ctx, &mcp.ElicitParams{Mode: "form", Message: "Who?", RequestedSchema: json.RawMessage(`{"type":"object","properties":{"name":{"type":"string"}}}`)})
		default:
			answer, err = r.Session.CreateMessage(ctx, &mcp.CreateMessageParams{MaxTokens: 5, Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: "hi"}}}})
		}
		if err != nil {
			return nil, nil, err
		}
		text, err := json.Marshal(answer)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}}, nil, err
	})
	s.AddPrompt(&mcp.Prompt{Name: "greet", Arguments: []*mcp.PromptArgument{{Name: "who"}}}, func(_ context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: "hello " + r.Params.Arguments["who"]}}}}, nil
	})
	s.AddResource(&mcp.Resource{URI: "test://a", Name: "a"}, func(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: r.Params.URI, Text: "it is " + r.Params.URI}}}, nil
	})
	s.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: "test://t/{id}", Name: "t"}, func(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: r.Params.URI, Text: "t"}}}, nil
	})
	return s
}

// serve serves an MCP server over HTTP, and returns its URL.
func serve(t *testing.T, s *mcp.Server) string {
	t.Helper()
	listener := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, nil))
	t.Cleanup(func() {
		listener.CloseClientConnections()
		listener.Close()
	})
	return listener.URL
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// inProcess is a session with the same server, without a daemon.
func inProcess(t *testing.T, url string, handlers caisson.Handlers) *caisson.Session {
	t.Helper()
	c, err := caissontest.Runtime(t).NewClient(&caisson.ClientOptions{Handlers: handlers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s, err := c.Connect(testContext(t), caisson.Server{Name: "up", URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	a, errA := json.Marshal(got)
	b, errB := json.Marshal(want)
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("%s is\n%s\nand in process\n%s (%v, %v)", what, a, b, errA, errB)
	}
}

func textOf(t *testing.T, r *mcp.CallToolResult, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range r.Content {
		if text, ok := c.(*mcp.TextContent); ok {
			all = append(all, text.Text)
		}
	}
	return strings.Join(all, " ")
}
