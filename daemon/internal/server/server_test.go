//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
	"github.com/caisson-dev/caisson/host-go/caissontest"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/config"
)

// upstream is an MCP server over HTTP, the Go SDK's.
type upstream struct {
	url    string
	server *mcp.Server
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{server: mcp.NewServer(&mcp.Implementation{Name: "upstream", Version: "1"}, nil)}
	type echo struct {
		Text string `json:"text"`
	}
	mcp.AddTool(u.server, &mcp.Tool{Name: "echo", Description: "Says it again."}, func(_ context.Context, _ *mcp.CallToolRequest, in echo) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: in.Text}}}, nil, nil
	})
	mcp.AddTool(u.server, &mcp.Tool{Name: "fail", Description: "Fails."}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: "no"}}}, nil, nil
	})
	mcp.AddTool(u.server, &mcp.Tool{Name: "ask", Description: "Asks for the roots."}, func(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		roots, err := r.Session.ListRoots(ctx, nil)
		if err != nil {
			return nil, nil, err
		}
		var names []string
		for _, root := range roots.Roots {
			names = append(names, root.URI)
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: strings.Join(names, " ")}}}, nil, nil
	})
	mcp.AddTool(u.server, &mcp.Tool{Name: "progress", Description: "Tells of progress."}, func(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		for i := range 3 {
			if err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: float64(i + 1), Total: 3}); err != nil {
				return nil, nil, err
			}
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil, nil
	})
	u.url = serveHTTP(t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return u.server }, nil))
	return u
}

func serveHTTP(t *testing.T, handler http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// daemon is a daemon that serves on real sockets.
type daemon struct {
	*Server
	url    string
	tokens string            // the file
	of     map[string]string // the tokens, by their names
	t      *testing.T
	ended  chan error
	end    context.CancelFunc
}

// start starts a daemon with a configuration, whose tokens are in a file of their own.
func start(t *testing.T, text string) *daemon {
	t.Helper()
	return startWith(t, text, Options{})
}

// startWith starts a daemon with options, whose runtime and folder are the test's.
func startWith(t *testing.T, text string, options Options) *daemon {
	t.Helper()
	folder := t.TempDir()
	d := &daemon{t: t, tokens: filepath.Join(folder, "tokens.json"), of: map[string]string{}, ended: make(chan error, 1)}
	for name, scopes := range people {
		token, err := bearer.AddToken(t.Context(), d.tokens, name, scopes)
		if err != nil {
			t.Fatal(err)
		}
		d.of[name] = token
	}
	path := filepath.Join(folder, "caisson.yaml")
	text = "listen: 127.0.0.1:0\n" + text
	if !strings.Contains(text, "access:") {
		text += "\naccess: {tokens: tokens.json}\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	options.Runtime, options.Folder = caissontest.Runtime(t), filepath.Join(folder, "first")
	if d.Server, err = New(t.Context(), file, options); err != nil {
		t.Fatal(err)
	}
	listeners, err := d.Listen(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.url = "http://" + listeners[0].Addr().String()
	ctx, end := context.WithCancel(context.Background())
	d.end = end
	go func() { d.ended <- d.Serve(ctx, listeners) }()
	t.Cleanup(func() {
		hangUp()
		end()
		<-d.ended
	})
	return d
}

// stop ends the daemon, and waits for its end.
func (d *daemon) stop() error {
	d.end()
	err := <-d.ended
	d.ended <- err
	return err
}

// people are who has a token, with its scopes.
var people = map[string][]string{
	"alice": nil, "bob": nil,
	"owner": {"caisson:admin"}, "only-mcp": {"caisson:mcp"}, "only-scripts": {"caisson:scripts"}, "unknown": {"caisson:unknown"}, "other": {"openid"},
	"urls": {"caisson:mcp", "caisson:inline-url"}, "commands": {"caisson:mcp", "caisson:inline-command"},
}

// token is the token of a name.
func (d *daemon) token(name string) string {
	d.t.Helper()
	token := d.of[name]
	if token == "" {
		d.t.Fatalf("%s has no token", name)
	}
	return token
}

// client is HTTP with a token, over HTTP/2 without TLS.
func client(token string) *http.Client {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	dialled.Lock()
	defer dialled.Unlock()
	dialled.all = append(dialled.all, transport)
	return &http.Client{Transport: &access.WithToken{Token: token, Next: transport}}
}

// dialled are the transports of all clients.
var dialled struct {
	sync.Mutex
	all []*http.Transport
}

// hangUp closes connections that nobody uses: a server that ends waits a second for each of HTTP/2.
func hangUp() {
	dialled.Lock()
	defer dialled.Unlock()
	for _, transport := range dialled.all {
		transport.CloseIdleConnections()
	}
	dialled.all = nil
}

// post sends JSON to a plain path, as curl does, and gives the status and the body of the answer.
func (d *daemon) post(c *http.Client, path, body string) (status int, text string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func (d *daemon) mcp(token string, options ...connect.ClientOption) caissonv1connect.McpServiceClient {
	return caissonv1connect.NewMcpServiceClient(client(token), d.url, options...)
}

func (d *daemon) scripts(token string) caissonv1connect.ScriptServiceClient {
	return caissonv1connect.NewScriptServiceClient(client(token), d.url)
}

func (d *daemon) admin(token string) caissonv1connect.AdminServiceClient {
	return caissonv1connect.NewAdminServiceClient(client(token), d.url)
}

func byServer(name string) *caissonv1.Target {
	return &caissonv1.Target{Of: &caissonv1.Target_Server{Server: name}}
}

func bySession(id string) *caissonv1.Target {
	return &caissonv1.Target{Of: &caissonv1.Target_Session{Session: id}}
}

func servers(pairs ...string) string {
	text := "mcpServers:\n"
	for i := 0; i < len(pairs); i += 2 {
		text += "  " + pairs[i] + ": {url: " + pairs[i+1] + "}\n"
	}
	return text
}
