package docs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caissontest"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// TestMain runs a server on stdio when the first argument says so.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		_ = demoserver.New().Run(context.Background(), &mcp.StdioTransport{})
		return
	}
	os.Exit(m.Run())
}

// connectBefore is the program in docs/from-go-sdk.md that uses the Go SDK.
func connectBefore(ctx context.Context, out io.Writer, endpoint string, command []string) error {
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: endpoint}
	if endpoint == "" {
		transport = &mcp.CommandTransport{Command: exec.Command(command[0], command[1:]...)}
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "inventory", Version: "1"}, nil)
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	return inventory(ctx, out, session)
}

// connectAfter is the same program with Caisson.
func connectAfter(ctx context.Context, out io.Writer, endpoint string, command []string) error {
	runtime, err := caisson.New(ctx, nil)
	if err != nil {
		return err
	}
	defer runtime.Close()
	client, err := runtime.NewClient(&caisson.ClientOptions{
		ClientInfo: &mcp.Implementation{Name: "inventory", Version: "1"},
	})
	if err != nil {
		return err
	}
	server := caisson.Server{URL: endpoint}
	if endpoint == "" {
		server = caisson.Server{Command: command[0], Args: command[1:]}
	}
	session, err := client.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer session.Close()
	return inventory(ctx, out, session)
}

// A lister is the part of a session that inventory needs. Sessions of both libraries have it.
type lister interface {
	InitializeResult() *mcp.InitializeResult
	Tools(context.Context, *mcp.ListToolsParams) iter.Seq2[*mcp.Tool, error]
	Resources(context.Context, *mcp.ListResourcesParams) iter.Seq2[*mcp.Resource, error]
	Prompts(context.Context, *mcp.ListPromptsParams) iter.Seq2[*mcp.Prompt, error]
}

func inventory(ctx context.Context, out io.Writer, session lister) error {
	has := session.InitializeResult().Capabilities
	if has.Tools != nil {
		for tool, err := range session.Tools(ctx, nil) {
			if err != nil {
				return err
			}
			fmt.Fprintln(out, "tool", tool.Name)
		}
	}
	if has.Resources != nil {
		for resource, err := range session.Resources(ctx, nil) {
			if err != nil {
				return err
			}
			fmt.Fprintln(out, "resource", resource.Name)
		}
	}
	if has.Prompts != nil {
		for prompt, err := range session.Prompts(ctx, nil) {
			if err != nil {
				return err
			}
			fmt.Fprintln(out, "prompt", prompt.Name)
		}
	}
	return nil
}

// TestInventory runs both programs, over HTTP and with a command.
func TestInventory(t *testing.T) {
	t.Parallel()
	served := httptest.NewServer(demoserver.Handler(false, false))
	t.Cleanup(func() {
		served.CloseClientConnections()
		served.Close()
	})
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(context.Context, io.Writer, string, []string) error{"before": connectBefore, "after": connectAfter} {
		for _, endpoint := range []string{served.URL, ""} {
			var out strings.Builder
			if err := run(t.Context(), &out, endpoint, []string{own, "serve"}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !strings.Contains(out.String(), "tool add\n") {
				t.Errorf("%s: it printed %q", name, out.String())
			}
		}
	}
}

// fill fills in a form, as a user does.
func fill(form *mcp.ElicitParams) *mcp.ElicitResult {
	return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "for " + form.Message}}
}

func handlersBefore(logger *slog.Logger) *mcp.Client {
	client := mcp.NewClient(&mcp.Implementation{Name: "inventory", Version: "1"}, &mcp.ClientOptions{
		ElicitationHandler: func(ctx context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return fill(r.Params), nil
		},
	})
	client.AddSendingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
			result, err := next(ctx, method, r)
			logger.Info("sent", "method", method, "error", err)
			return result, err
		}
	})
	return client
}

func handlersAfter(runtime *caisson.Runtime, logger *slog.Logger) (*caisson.Client, error) {
	logging := func(next caisson.MethodHandler) caisson.MethodHandler {
		return func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
			result, err := next(ctx, s, method, params)
			logger.Info("sent", "method", method, "error", err)
			return result, err
		}
	}
	return runtime.NewClient(&caisson.ClientOptions{
		ClientInfo: &mcp.Implementation{Name: "inventory", Version: "1"},
		Handlers: caisson.Handlers{
			ElicitationHandler: func(ctx context.Context, r *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
				return fill(r.Params), nil
			},
		},
		SendingMiddleware: []caisson.Middleware{logging},
	})
}

func progressBefore(ctx context.Context, session *mcp.ClientSession) (*mcp.CallToolResult, error) {
	params := &mcp.CallToolParams{Name: "build"}
	params.SetProgressToken("build-1") // and a ProgressNotificationHandler in mcp.ClientOptions
	return session.CallTool(ctx, params)
}

func progressAfter(ctx context.Context, session *caisson.Session, show func(float64)) (*mcp.CallToolResult, error) {
	shown := session.With(caisson.CallOptions{
		OnProgress: func(p *mcp.ProgressNotificationParams) { show(p.Progress) },
	})
	return shown.CallTool(ctx, &mcp.CallToolParams{Name: "build"})
}

func errorsAfter(err error) string {
	var wire *jsonrpc.Error
	var refused *auth.RefusedError
	switch {
	case errors.As(err, &wire):
		return "the server says " + wire.Message
	case errors.As(err, &refused):
		return "the login was refused: " + refused.Code
	case errors.Is(err, caisson.CodeAuthorizationRequired):
		return "the server wants authorization: set Server.Auth, or log in"
	case errors.Is(err, caisson.CodeConnect), errors.Is(err, caisson.CodeTransport), errors.Is(err, caisson.CodeClosed):
		return "the server cannot be reached, or is gone"
	case errors.Is(err, caisson.CodeTrap), errors.Is(err, caisson.CodeLimit):
		return "the server has sent too much"
	}
	return err.Error()
}

// TestHandlersAndProgress has a server ask and report progress, with both programs.
func TestHandlersAndProgress(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t)
	server.AddTool(&mcp.Tool{Name: "build"}, func(call *caissontest.Call) (any, error) {
		call.Progress(1, 2, "")
		answer, err := call.Ask("elicitation/create", &mcp.ElicitParams{Message: "the build", RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{"name": map[string]any{"type": "string"}}}})
		if err != nil {
			return nil, err
		}
		return caissontest.Text(string(answer)), nil
	})
	check := func(name string, result *mcp.CallToolResult, err error, logged string) {
		t.Helper()
		if err != nil || !strings.Contains(result.Content[0].(*mcp.TextContent).Text, "for the build") {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
		if !strings.Contains(logged, "msg=sent method=tools/call error=<nil>") {
			t.Errorf("%s: the log is %q", name, logged)
		}
	}
	var log strings.Builder
	before, err := handlersBefore(slog.New(slog.NewTextHandler(&log, nil))).Connect(t.Context(), server, nil)
	if err != nil {
		t.Fatal(err)
	}
	result, err := progressBefore(t.Context(), before)
	check("before", result, err, log.String())
	_ = before.Close()

	log.Reset()
	client, err := handlersAfter(caissontest.Runtime(t), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	after, err := client.Connect(t.Context(), server.Caisson())
	if err != nil {
		t.Fatal(err)
	}
	var shown []float64
	result, err = progressAfter(t.Context(), after, func(progress float64) { shown = append(shown, progress) })
	check("after", result, err, log.String())
	if len(shown) == 0 || shown[0] != 1 {
		t.Errorf("the progress is %v", shown)
	}
	server.Fail("tools/call", &jsonrpc.Error{Code: -32000, Message: "no"})
	_, err = after.CallTool(t.Context(), &mcp.CallToolParams{Name: "build"})
	if got := errorsAfter(err); got != "the server says no" {
		t.Errorf("the error is %q", got)
	}
	server.End()
	_ = after.Wait()
	if _, err = after.CallTool(t.Context(), nil); errorsAfter(err) != "the server cannot be reached, or is gone" {
		t.Errorf("the error is %v", err)
	}
}

// A withToken adds a header to each request.
type withToken struct{ token string }

func (w withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+w.token)
	return http.DefaultTransport.RoundTrip(r)
}

func tokenBefore(endpoint, token string) mcp.Transport {
	return &mcp.StreamableClientTransport{
		Endpoint:   endpoint,
		HTTPClient: &http.Client{Transport: withToken{token}},
	}
}

func tokenAfter(endpoint, token string) caisson.Server {
	return caisson.Server{
		URL:     endpoint,
		Headers: http.Header{"Authorization": {"Bearer " + token}},
	}
}

func tokenRenewed(endpoint string, renew func(context.Context) (string, error)) caisson.Server {
	return caisson.Server{
		URL:  endpoint,
		Auth: &auth.Bearer{Source: renew},
	}
}

func loggedIn(endpoint string) caisson.Server {
	return caisson.Server{
		URL:  endpoint,
		Auth: &auth.OAuth{Ask: &auth.Browser{}},
	}
}

// inMemory connects with a Go SDK server in this process.
func inMemory(ctx context.Context, client *caisson.Client, server *mcp.Server) (*caisson.Session, error) {
	theirs, ours := mcp.NewInMemoryTransports()
	if _, err := server.Connect(ctx, theirs, nil); err != nil {
		return nil, err
	}
	return client.Connect(ctx, caisson.Server{Name: "memory", Transport: ours})
}

// TestTokenAndMemory sends a token with both programs, and connects in memory.
func TestTokenAndMemory(t *testing.T) {
	t.Parallel()
	handler := demoserver.Handler(true, true)
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		served.CloseClientConnections()
		served.Close()
	})
	before, err := mcp.NewClient(&mcp.Implementation{Name: "before", Version: "1"}, nil).Connect(t.Context(), tokenBefore(served.URL, "secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = before.Close()
	client, err := caissontest.Runtime(t).NewClient(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	asked := 0
	renew := func(context.Context) (string, error) {
		asked++
		return []string{"", "old", "secret"}[asked], nil
	}
	person := loggedIn(served.URL)
	if err := person.Validate(); err != nil {
		t.Error(err)
	}
	for _, server := range []caisson.Server{tokenAfter(served.URL, "secret"), tokenRenewed(served.URL, renew)} {
		after, err := client.Connect(t.Context(), server)
		if err != nil {
			t.Fatal(err)
		}
		_ = after.Close()
	}
	memory, err := inMemory(t.Context(), client, demoserver.New())
	if err != nil {
		t.Fatal(err)
	}
	if memory.ServerInfo().Name != demoserver.Name {
		t.Errorf("it is %+v", memory.ServerInfo())
	}
}
