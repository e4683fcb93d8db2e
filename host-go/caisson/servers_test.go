package caisson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A realServer is a server that nobody here wrote, with calls to compare on it.
type realServer struct {
	name  string
	start func(t *testing.T) caisson.Server
	calls []mcp.CallToolParams
}

func everythingCalls() []mcp.CallToolParams {
	return []mcp.CallToolParams{
		{Name: "echo", Arguments: map[string]any{"message": "Grüße, 世界 😀"}},
		{Name: "get-sum", Arguments: map[string]any{"a": 1.5, "b": -3}},
		{Name: "get-tiny-image"},
		{Name: "get-structured-content", Arguments: map[string]any{"location": "New York"}},
		{Name: "get-annotated-message", Arguments: map[string]any{"messageType": "error", "includeImage": true}},
		{Name: "get-resource-links", Arguments: map[string]any{"count": 3}},
		{Name: "echo", Arguments: map[string]any{"wrong": 1}},
		{Name: "no-such-tool"},
	}
}

func everything(mode string) func(*testing.T) caisson.Server {
	return func(t *testing.T) caisson.Server {
		program, script := node(t, "node_modules/@modelcontextprotocol/server-everything/dist/index.js")
		if mode == "stdio" {
			return caisson.Server{Command: program, Args: []string{script, mode}}
		}
		// It listens on every interface, but for what it is started with, which also says where it listens.
		cmd := exec.Command(program, "--import", "file:///"+strings.TrimPrefix(filepath.ToSlash(root(t)), "/")+"/test/servers/loopback.mjs", script, mode)
		cmd.Env = append(os.Environ(), "PORT=0")
		_, url, _ := strings.Cut(start(t, cmd, "listening on http://"), "listening on ")
		path := map[string]string{"streamableHttp": "/mcp", "sse": "/sse"}[mode]
		return caisson.Server{URL: url + path}
	}
}

func filesystem(t *testing.T) caisson.Server {
	program, script := node(t, "node_modules/@modelcontextprotocol/server-filesystem/dist/index.js")
	return caisson.Server{Command: program, Args: []string{script, filepath.Join(root(t), "wit")}}
}

func goServer(stateless, jsonReply bool) func(*testing.T) caisson.Server {
	return func(t *testing.T) caisson.Server {
		server := newGoServer()
		handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: stateless, JSONResponse: jsonReply})
		listener := httptest.NewServer(handler)
		t.Cleanup(listener.Close)
		return caisson.Server{URL: listener.URL}
	}
}

func goCalls() []mcp.CallToolParams {
	return []mcp.CallToolParams{
		{Name: "add", Arguments: map[string]any{"a": 2, "b": 3}},
		{Name: "add", Arguments: map[string]any{"a": "two"}},
		{Name: "fail"},
		{Name: "no-such-tool"},
	}
}

type addition struct {
	A int `json:"a" jsonschema:"the first number"`
	B int `json:"b,omitempty"`
}

type sum struct {
	Sum int `json:"sum"`
}

// newGoServer is a server on the official Go SDK, with more tools than fit on a page.
func newGoServer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "go", Version: "1", Title: "A Go server"}, &mcp.ServerOptions{Instructions: "Add.", PageSize: 2})
	mcp.AddTool(server, &mcp.Tool{Name: "add", Description: "adds", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}, add)
	mcp.AddTool(server, &mcp.Tool{Name: "fail"}, fail)
	for _, name := range []string{"one", "two", "three"} {
		mcp.AddTool(server, &mcp.Tool{Name: name}, fail)
	}
	return server
}

func realServers() []realServer {
	return []realServer{
		{"everything, stdio", everything("stdio"), everythingCalls()},
		{"everything, streamable HTTP", everything("streamableHttp"), everythingCalls()},
		{"everything, SSE", everything("sse"), everythingCalls()},
		{"filesystem, stdio", filesystem, []mcp.CallToolParams{
			{Name: "list_allowed_directories"},
			{Name: "read_text_file", Arguments: map[string]any{"path": "client.wit"}},
			{Name: "read_text_file", Arguments: map[string]any{"path": "/etc/passwd"}},
		}},
		{"Go SDK, stdio", func(t *testing.T) caisson.Server { return childServer(t, "go-sdk") }, goCalls()},
		{"Go SDK, HTTP, stateful", goServer(false, false), goCalls()},
		{"Go SDK, HTTP, stateful, JSON", goServer(false, true), goCalls()},
		{"Go SDK, HTTP, stateless", goServer(true, false), goCalls()},
	}
}

// TestRealServers lists and calls tools on each server, and compares what comes with what the Go
// SDK's own client gets from the same server, field by field.
func TestRealServers(t *testing.T) {
	t.Parallel()
	for _, test := range realServers() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := test.start(t)
			ours := connect(t, sharedRuntime(t), server)
			theirs := goClient(t, server)
			ctx := testContext(t)

			hello := theirs.InitializeResult()
			same(t, "serverInfo", ours.ServerInfo(), hello.ServerInfo)
			same(t, "capabilities", ours.Capabilities(), hello.Capabilities)
			same(t, "instructions", ours.Instructions(), hello.Instructions)
			same(t, "protocolVersion", ours.ProtocolVersion(), hello.ProtocolVersion)

			page, err := ours.ListTools(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			theirPage, err := theirs.ListTools(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "tools/list", page, theirPage)
			var tools, theirTools []*mcp.Tool
			for tool, err := range ours.Tools(ctx, nil) {
				if err != nil {
					t.Fatal(err)
				}
				tools = append(tools, tool)
			}
			for tool, err := range theirs.Tools(ctx, nil) {
				if err != nil {
					t.Fatal(err)
				}
				theirTools = append(theirTools, tool)
			}
			same(t, "all tools", tools, theirTools)
			for _, call := range test.calls {
				compareCall(t, ours, theirs, call)
			}
			if err := ours.Ping(ctx, nil); err != nil {
				t.Errorf("ping: %v", err)
			}
		})
	}
}

func compareCall(t *testing.T, ours *caisson.Session, theirs *mcp.ClientSession, call mcp.CallToolParams) {
	t.Helper()
	theirCall := call
	result, err := ours.CallTool(testContext(t), &call)
	theirResult, theirErr := theirs.CallTool(testContext(t), &theirCall)
	if theirErr == nil {
		if err != nil {
			t.Errorf("%s: %v; the Go SDK's client gets a result", call.Name, err)
			return
		}
		same(t, call.Name, result, theirResult)
		return
	}
	var wire, theirWire *jsonrpc.Error
	if !errors.As(err, &wire) || !errors.As(theirErr, &theirWire) {
		t.Errorf("%s: %v; the Go SDK's client gets %v", call.Name, err, theirErr)
		return
	}
	same(t, call.Name, wire, theirWire)
}

// same compares two values by their JSON.
func same(t *testing.T, what string, ours, theirs any) {
	t.Helper()
	if diff := cmp.Diff(decoded(t, theirs), decoded(t, ours)); diff != "" {
		t.Errorf("%s is not what the Go SDK's client gets (-theirs +ours):\n%s", what, diff)
	}
}

func decoded(t *testing.T, v any) (out any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// goClient connects the Go SDK's client to a server.
func goClient(t testing.TB, server caisson.Server) *mcp.ClientSession {
	t.Helper()
	return goClientIn(t, server, "")
}

// goClientIn connects it in a revision; in the newest with "".
func goClientIn(t testing.TB, server caisson.Server, revision string) *mcp.ClientSession {
	t.Helper()
	var transport mcp.Transport
	switch {
	case server.Command != "":
		cmd := exec.Command(server.Command, server.Args...)
		cmd.Env = os.Environ()
		for name, value := range server.Env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		transport = &mcp.CommandTransport{Command: cmd}
	case strings.HasSuffix(server.URL, "/sse"):
		transport = &mcp.SSEClientTransport{Endpoint: server.URL}
	default:
		transport = &mcp.StreamableClientTransport{Endpoint: server.URL}
	}
	// No capabilities, as ours has none: servers offer more tools to clients with more.
	client := mcp.NewClient(&mcp.Implementation{Name: "caisson", Version: caisson.Version}, &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}})
	session, err := client.Connect(testContext(t), transport, &mcp.ClientSessionOptions{ProtocolVersion: revision})
	if err != nil {
		t.Fatalf("the Go SDK's client: %v", err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}
