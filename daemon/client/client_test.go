//lint:file-ignore SA1019 The newest revision deprecates roots and sampling; servers go on using them.

package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/client"
)

// both runs an operation in process and through the daemon, and compares what comes.
func both[P, R any](t *testing.T, what string, params P, ours, theirs func(context.Context, P) (R, error)) {
	t.Helper()
	want, err := theirs(testContext(t), params)
	if err != nil {
		t.Fatalf("%s in process: %v", what, err)
	}
	got, err := ours(testContext(t), params)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	same(t, what, got, want)
}

// TestSameAsInProcess makes each call through the daemon and in process: by TCP and by a Unix socket, in the session that
// all share and in one of its own.
func TestSameAsInProcess(t *testing.T) {
	url := serve(t, upstream(t))
	here := inProcess(t, url, caisson.Handlers{})
	folder := t.TempDir()
	d := startDaemon(t, folder, one(url))
	for name, c := range map[string]*client.Client{
		"tcp":     dial(t, d.address, &client.Options{Token: d.token}),
		"several": dial(t, d.address+","+d.address, &client.Options{Token: d.token, Balancer: "least_request_experimental"}),
		"unix":    dial(t, "unix:"+filepath.Join(folder, "caissond.sock"), nil),
	} {
		own, err := c.Connect(testContext(t), &client.ConnectRequest{Server: "up"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, "the capabilities", own.Capabilities(), here.Capabilities())
		if own.Instructions() != "Be kind." || own.ServerInfo().Name != "upstream" || own.ProtocolVersion() != here.ProtocolVersion() || own.ID() == "" {
			t.Errorf("%s: the session is %s, %+v, %s", name, own.Instructions(), own.ServerInfo(), own.ProtocolVersion())
		}
		for kind, s := range map[string]*client.Session{"shared": c.Session("up"), "own": own} {
			t.Run(name+" "+kind, func(t *testing.T) {
				both(t, "tools", nil, s.ListTools, here.ListTools)
				both(t, "resources", nil, s.ListResources, here.ListResources)
				both(t, "templates", nil, s.ListResourceTemplates, here.ListResourceTemplates)
				both(t, "prompts", nil, s.ListPrompts, here.ListPrompts)
				both(t, "a call", &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": "ä<b>\u2028"}}, s.CallTool, here.CallTool)
				both(t, "a tool's failure", &mcp.CallToolParams{Name: "fail"}, s.CallTool, here.CallTool)
				both(t, "a resource", &mcp.ReadResourceParams{URI: "test://a"}, s.ReadResource, here.ReadResource)
				both(t, "a prompt", &mcp.GetPromptParams{Name: "greet", Arguments: map[string]string{"who": "Ada"}}, s.GetPrompt, here.GetPrompt)
				both(t, "a completion", &mcp.CompleteParams{
					Ref: &mcp.CompleteReference{Type: "ref/prompt", Name: "greet"}, Argument: mcp.CompleteParamsArgument{Name: "who", Value: "A"},
				}, s.Complete, here.Complete)
				if err := s.Ping(testContext(t), nil); err != nil {
					t.Error(err)
				}
				got, err := s.Request(testContext(t), "tools/list", map[string]any{})
				if err != nil || !json.Valid(got) {
					t.Errorf("a request gives %s, %v", got, err)
				}
				var names []string
				for tool, err := range s.Tools(testContext(t), nil) { // Of several pages.
					if err != nil {
						t.Fatal(err)
					}
					names = append(names, tool.Name)
				}
				if want := []string{"ask", "echo", "fail", "progress"}; !slices.Equal(names, want) {
					t.Errorf("the tools are %v", names)
				}
				var steps []float64
				ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{Timeout: time.Minute, OnProgress: func(p *mcp.ProgressNotificationParams) { steps = append(steps, p.Progress) }})
				result, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "progress"})
				if text := textOf(t, result, err); text != "done" || !slices.Equal(steps, []float64{1, 2, 3}) {
					t.Errorf("%s with the progress %v", text, steps)
				}
			})
		}
		if err := own.Close(); err != nil {
			t.Error(err)
		}
		if _, err := own.CallTool(testContext(t), &mcp.CallToolParams{Name: "echo"}); caisson.CodeOf(err) != caisson.CodeClosed {
			t.Errorf("after Close a call gives %v", err)
		}
		if err := own.Wait(); err != nil {
			t.Errorf("the session has ended with %v", err)
		}
	}
}

// TestProgressCalls has a handler of progress call the session that it hears of.
func TestProgressCalls(t *testing.T) {
	d := startDaemon(t, t.TempDir(), one(serve(t, upstream(t))))
	c := dial(t, d.address, &client.Options{Token: d.token})
	own, err := c.Connect(testContext(t), &client.ConnectRequest{Server: "up"})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	for name, s := range map[string]*client.Session{"shared": c.Session("up"), "own": own} {
		calls := 0
		ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{OnProgress: func(*mcp.ProgressNotificationParams) {
			if err := s.Ping(testContext(t), nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := s.Request(testContext(t), "tools/list", nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			calls++
		}})
		result, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "progress"})
		if text := textOf(t, result, err); text != "done" || calls != 3 {
			t.Errorf("%s: %s, and %d calls", name, text, calls)
		}
	}
}

// TestQuestions has a server ask in a session of its own.
func TestQuestions(t *testing.T) {
	url := serve(t, upstream(t))
	d := startDaemon(t, t.TempDir(), one(url))
	c := dial(t, d.address, &client.Options{Token: d.token})
	failing := errors.New("the secret of the handler")
	s, err := c.Connect(testContext(t), &client.ConnectRequest{Server: "up", Handlers: caisson.Handlers{
		ListRootsHandler: func(context.Context, *caisson.Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error) {
			return &mcp.ListRootsResult{Roots: []*mcp.Root{{URI: "file:///work"}}}, nil
		},
		ElicitationHandler: func(_ context.Context, r *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": r.Params.Message}}, nil
		},
		CreateMessageHandler: func(context.Context, *caisson.Request[*mcp.CreateMessageParams]) (*mcp.CreateMessageResult, error) {
			return nil, failing
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{"roots": "file:///work", "form": `"name":"Who?"`, "sampling": "failed"} {
		r, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "ask", Arguments: map[string]any{"text": what}})
		text := ""
		if err != nil {
			text = err.Error()
		} else {
			text = textOf(t, r, nil)
		}
		if !strings.Contains(text, want) || strings.Contains(text, "secret") {
			t.Errorf("%s: %s, without %s", what, text, want)
		}
	}
	if err := s.NotifyRootsListChanged(testContext(t)); err != nil {
		t.Error(err)
	}
	if err := c.Session("up").NotifyRootsListChanged(testContext(t)); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("in the session that all share: %v", err)
	}
}

// TestErrors shows that a failure is what it is in process.
func TestErrors(t *testing.T) {
	server := upstream(t)
	block := make(chan struct{})
	mcp.AddTool(server, &mcp.Tool{Name: "block"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		select {
		case <-block:
		case <-ctx.Done():
		}
		return &mcp.CallToolResult{}, nil, nil
	})
	defer close(block)
	url := serve(t, server)
	here := inProcess(t, url, caisson.Handlers{})
	d := startDaemon(t, t.TempDir(), "mcpServers:\n  up: {url: "+url+"}\n  away: {url: http://"+nobody(t)+"}\n")
	c := dial(t, d.address, &client.Options{Token: d.token})
	s := c.Session("up")
	t.Run("rpc", func(t *testing.T) {
		params := &mcp.ReadResourceParams{URI: "test://nothing"}
		_, want := here.ReadResource(testContext(t), params)
		_, got := s.ReadResource(testContext(t), params)
		var a, b *jsonrpc.Error
		if !errors.As(got, &a) || !errors.As(want, &b) || a.Code != b.Code || a.Message != b.Message || string(a.Data) != string(b.Data) || got.Error() != want.Error() {
			t.Errorf("%v\nin process %v", got, want)
		}
	})
	code := func(err error, want caisson.Code) {
		t.Helper()
		var e *caisson.Error
		if caisson.CodeOf(err) != want || !errors.As(err, &e) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, err := c.Session("away").ListTools(testContext(t), nil)
	code(err, caisson.CodeConnect)
	_, err = c.Session("nothing").ListTools(testContext(t), nil)
	code(err, caisson.CodeInvalidArgument)
	_, err = c.Connect(testContext(t), &client.ConnectRequest{Inline: &caisson.Server{Name: "mine", URL: url}})
	code(err, caisson.CodeRefused) // The token has no scope for it.
	_, err = c.Connect(testContext(t), nil)
	code(err, caisson.CodeInvalidArgument)
	_, err = s.CallTool(testContext(t), &mcp.CallToolParams{Name: "echo", Arguments: make(chan int)})
	code(err, caisson.CodeInvalidArgument)
	_, err = dial(t, nobody(t), &client.Options{Token: d.token}).Session("up").CallTool(testContext(t), &mcp.CallToolParams{Name: "echo"})
	code(err, caisson.CodeConnect)
	_, err = dial(t, d.address, nil).Session("up").ListTools(testContext(t), nil)
	code(err, caisson.CodeRefused)
	_, err = dial(t, d.address, &client.Options{TokenSource: func(context.Context) (string, error) { return "", errors.New("no") }}).Session("up").ListTools(testContext(t), nil)
	code(err, caisson.CodeRefused)
	_, err = s.With(caisson.CallOptions{MaxTimeout: time.Millisecond}).CallTool(testContext(t), &mcp.CallToolParams{Name: "block"})
	code(err, caisson.CodeTimeout)
	ctx, cancel := context.WithCancel(testContext(t))
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "block"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that is given up: %v", err)
	}
	for _, target := range []string{"daemon.example:3285", "dns:///10.0.0.1:3285", "127.0.0.1:1,daemon.example:2"} {
		_, err := client.Dial(target, &client.Options{Token: "secret"})
		code(err, caisson.CodeInvalidArgument)
	}
}

// TestDaemonAway has a daemon end while a call is underway: it may have had an effect, and what comes later did not.
func TestDaemonAway(t *testing.T) {
	server := upstream(t)
	begun, release := make(chan struct{}, 3), make(chan struct{})
	defer close(release)
	mcp.AddTool(server, &mcp.Tool{Name: "block"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		begun <- struct{}{}
		<-release
		return &mcp.CallToolResult{}, nil, nil
	})
	d := startDaemon(t, t.TempDir(), one(serve(t, server)))
	c := dial(t, d.address, &client.Options{Token: d.token})
	own, err := c.Connect(testContext(t), &client.ConnectRequest{Server: "up"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for _, s := range []*client.Session{c.Session("up"), own} {
		go func() {
			_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "block"})
			ended <- err
		}()
		<-begun
	}
	d.stop()
	for range 2 {
		if err := <-ended; err == nil || caisson.CodeOf(err) == caisson.CodeConnect || caisson.CodeOf(err) == caisson.CodeUnknown {
			t.Errorf("a call that was underway: %v", err)
		}
	}
	if err := own.Wait(); err == nil {
		t.Error("the session has ended without a reason")
	}
	if _, err := c.Session("up").CallTool(testContext(t), &mcp.CallToolParams{Name: "echo"}); caisson.CodeOf(err) != caisson.CodeConnect {
		t.Errorf("a call afterwards: %v", err)
	}
}

// TestLinks shows that only who imports this package links grpc-go. The daemon links it for OTLP, and not to serve.
func TestLinks(t *testing.T) {
	for pattern, wants := range map[string]bool{"../client": true, "../internal/rpc": false, "github.com/caisson-dev/caisson/host-go/caisson": false} {
		out, err := exec.Command("go", "list", "-deps", pattern).Output()
		if err != nil {
			t.Fatal(err)
		}
		if has := slices.Contains(strings.Split(string(out), "\n"), "google.golang.org/grpc"); has != wants {
			t.Errorf("%s links grpc-go: %v", pattern, has)
		}
	}
}
