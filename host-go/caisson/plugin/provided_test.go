//lint:file-ignore SA1019 The newest revision deprecates logging; plugins go on using it.

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A plugin that lists its tools itself can say everything that the protocol has, and its texts stay as they are.
func TestProvided(t *testing.T) {
	const tools = `[{"name":"echo","title":"Echo","description":"Says it again.","annotations":{"readOnlyHint":true},
		"inputSchema":{"type":"object","properties":{"b":{"maximum":18446744073709551615},"a":{}}},"outputSchema":{"type":"object"}}]`
	p, err := testRuntime(t).LoadBytes(context.Background(), puppet(t, tools), &Options{Name: "puppet"})
	if err != nil {
		t.Fatal(err)
	}
	page, err := p.ListTools(context.Background(), &mcp.ListToolsParams{})
	if err != nil {
		t.Fatal(err)
	}
	tool := page.Tools[0]
	if tool.Title != "Echo" || !tool.Annotations.ReadOnlyHint || string(tool.InputSchema.(json.RawMessage)) != `{"type":"object","properties":{"b":{"maximum":18446744073709551615},"a":{}}}` {
		t.Errorf("%+v", tool)
	}
	result := callTool(t, p, "echo", json.RawMessage(`{"content":[{"type":"image","data":"AP8=","mimeType":"image/png"}],"structuredContent":{"n":18446744073709551615},"isError":true,"_meta":{"k":1}}`))
	image, ok := result.Content[0].(*mcp.ImageContent)
	if !ok || image.MIMEType != "image/png" || !result.IsError || string(result.StructuredContent.(json.RawMessage)) != `{"n":18446744073709551615}` || result.Meta["k"] != 1.0 {
		t.Errorf("%+v", result)
	}
}

// The errors of a plugin say which one it is.
func TestProvidedErrors(t *testing.T) {
	p := loadPuppet(t, nil, "unknown", "invalid", "failed", "echo")
	for tool, want := range map[string]struct {
		code caisson.Code
		text string
	}{
		"unknown": {caisson.CodeInvalidArgument, `caisson: puppet: tools/call: invalid argument: it says that there is no tool "unknown"`},
		"invalid": {caisson.CodeInvalidArgument, `caisson: puppet: tools/call: invalid argument: the arguments of the tool "invalid": half done`},
		"failed":  {caisson.CodeRPC, `caisson: puppet: tools/call: rpc: the tool "failed": half done`},
		"other":   {caisson.CodeInvalidArgument, `caisson: puppet: tools/call: invalid argument: there is no tool "other"`},
		"echo":    {caisson.CodeProtocol, `caisson: puppet: tools/call: protocol: the result of the tool "echo" is no CallToolResult: it has no content`},
	} {
		_, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: tool})
		if !errors.Is(err, want.code) || err.Error() != want.text {
			t.Errorf("%s: %v", tool, err)
		}
		if _, ok := caisson.RPCError(err); ok != (tool == "failed") {
			t.Errorf("%s: %v is a %T", tool, err, &jsonrpc.Error{})
		}
	}
}

// Progress and log messages reach the caller's handlers, in order, before the call returns.
func TestEvents(t *testing.T) {
	var got []string
	note := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	p := loadPuppet(t, &Options{OnLog: func(_ context.Context, m *mcp.LoggingMessageParams) { note("%s %s %s", m.Level, m.Logger, m.Data) }}, "progress")
	ctx := caisson.WithCallOptions(context.Background(), caisson.CallOptions{OnProgress: func(m *mcp.ProgressNotificationParams) {
		note("%v of %v %s %v", m.Progress, m.Total, m.Message, m.ProgressToken)
	}})
	params := &mcp.CallToolParams{Name: "progress", Arguments: json.RawMessage(`{"content":[]}`)}
	params.SetProgressToken("token")
	if _, err := p.CallTool(ctx, params); err != nil {
		t.Fatal(err)
	}
	want := []string{"1 of 2 half done token", `warning part {"a":[1]}`, "debug  not JSON", "2 of 0  token"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	callTool(t, p, "progress", json.RawMessage(`{"content":[]}`)) // Nobody listens to progress.
}

// Each call has an instance of its own, or all have one, until it traps.
func TestState(t *testing.T) {
	for keep, want := range map[bool][]string{false: {"1", "1", "1"}, true: {"1", "2", "1"}} {
		p := loadPuppet(t, &Options{KeepInstance: keep}, "count", "trap")
		var got []string
		for i := range 3 {
			if i == 2 {
				if _, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "trap"}); !errors.Is(err, caisson.CodeTrap) {
					t.Error(err)
				}
			}
			got = append(got, textOf(callTool(t, p, "count", nil)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keep %v (-want +got)\n%s", keep, diff)
		}
	}
}

// Calls run beside each other, up to the bound; with one instance they take turns.
func TestConcurrentCalls(t *testing.T) {
	for _, o := range []Options{{}, {KeepInstance: true}, {Limits: Limits{Calls: 1}}} {
		p := loadPuppet(t, &o, "echo", "trap")
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if i%5 == 0 {
					if _, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "trap"}); !errors.Is(err, caisson.CodeTrap) {
						t.Error(err)
					}
					return
				}
				text := fmt.Sprintf(`{"content":[{"type":"text","text":"%d"}]}`, i)
				result, err := p.CallTool(context.Background(), &mcp.CallToolParams{Name: "echo", Arguments: json.RawMessage(text)})
				if err != nil || textOf(result) != fmt.Sprint(i) {
					t.Error(result, err)
				}
			})
		}
		all.Wait()
	}
}

// The end of the context ends a call that computes, and so do the options of a call, the limits and Close.
func TestEnds(t *testing.T) {
	p := loadPuppet(t, &Options{Limits: Limits{Calls: 1}}, "loop", "echo")
	loop := func(ctx context.Context) error {
		_, err := p.CallTool(ctx, &mcp.CallToolParams{Name: "loop"})
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := loop(ctx); err != context.Canceled {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := loop(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
	for _, options := range []caisson.CallOptions{{Timeout: 20 * time.Millisecond}, {MaxTimeout: 20 * time.Millisecond}} {
		if err := loop(caisson.WithCallOptions(context.Background(), options)); !errors.Is(err, caisson.CodeTimeout) {
			t.Error(err)
		}
	}
	done := make(chan error)
	go func() { done <- loop(context.Background()) }()
	for len(p.slots) == 0 {
		time.Sleep(time.Millisecond)
	}
	waits, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.CallTool(waits, &mcp.CallToolParams{Name: "echo"}); err != context.Canceled {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, caisson.ErrClosed) {
		t.Error(err)
	}
	if err := loop(context.Background()); !errors.Is(err, caisson.ErrClosed) {
		t.Error(err)
	}
	if _, err := p.ListTools(context.Background(), nil); !errors.Is(err, caisson.ErrClosed) {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
