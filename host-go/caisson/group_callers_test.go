package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/plugin"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// A scriptedCaller gives the pages of its list, and answers each call with its text.
type scriptedCaller struct {
	pages map[string]*mcp.ListToolsResult
	err   error
}

func (c scriptedCaller) ListTools(_ context.Context, params *mcp.ListToolsParams) (*mcp.ListToolsResult, error) {
	return c.pages[params.Cursor], c.err
}

func (c scriptedCaller) CallTool(_ context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	return caissontest.Text("called " + params.Name), c.err
}

// A group lists and calls the tools of plugins and other callers beside those of servers.
func TestGroupCallers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	plugins, err := plugin.New(ctx, &plugin.RuntimeOptions{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer plugins.Close()
	calc, err := plugins.Load(ctx, "plugin/testdata/calc.wasm", nil)
	if err != nil {
		t.Fatal(err)
	}
	server := caissontest.NewServer(t)
	server.AddTool(&mcp.Tool{Name: "ping"}, func(*caissontest.Call) (any, error) { return caissontest.Text("pong"), nil })
	pages := scriptedCaller{pages: map[string]*mcp.ListToolsResult{
		"":  {Tools: []*mcp.Tool{{Name: "a"}}, NextCursor: "2"},
		"2": {Tools: []*mcp.Tool{{Name: "b"}}},
	}}
	connect := func(callers map[string]caisson.Caller) *caisson.Group {
		g, err := sharedRuntime(t).ConnectGroup(ctx, caisson.ServerMap{"server": server.Caisson()}, &caisson.GroupOptions{Callers: callers})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		return g
	}
	g := connect(map[string]caisson.Caller{"calc": calc, "two pages": pages})
	got, errs := toolNames(t, g)
	got = slices.DeleteFunc(got, func(name string) bool { return strings.HasPrefix(name, "calc__") && name != "calc__sum" })
	if diff := cmp.Diff([]string{"calc__sum", "server__ping", "two-pages__a", "two-pages__b"}, got); diff != "" || errs != nil {
		t.Errorf("%v (-want +got)\n%s", errs, diff)
	}
	for name, want := range map[string]string{"server__ping": "pong", "two-pages__b": "called b"} {
		if result, err := g.CallTool(ctx, &mcp.CallToolParams{Name: name}); err != nil || resultText(result) != want {
			t.Errorf("%s: %v, %v", name, result, err)
		}
	}
	sum := &mcp.CallToolParams{Name: "calc__sum", Arguments: json.RawMessage(`{"a": 9007199254740993, "b": 0}`)}
	outer, err := sharedRuntime(t).ConnectGroup(ctx, nil, &caisson.GroupOptions{Callers: map[string]caisson.Caller{"inner": g}})
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	nested := *sum
	nested.Name = "inner__calc__sum"
	for caller, params := range map[caisson.Caller]*mcp.CallToolParams{g: sum, outer: &nested} {
		if value, _, err := caisson.CallToolAs[struct{ Result uint64 }](ctx, caller, params); err != nil || value.Result != 1<<53+1 {
			t.Error(value, err)
		}
	}
	if states := g.Servers(); len(states) != 1 || states[0].Name != "server" {
		t.Errorf("%+v", states)
	}
	for what, err := range map[string]error{
		"a session": second(g.Session(ctx, "calc")), "a prompt": second(g.GetPrompt(ctx, &mcp.GetPromptParams{Name: "calc__p"})),
	} {
		if !errors.Is(err, caisson.CodeInvalidArgument) {
			t.Errorf("%s of a plugin: %v", what, err)
		}
	}
	if _, err := g.CallTool(ctx, &mcp.CallToolParams{Name: "calc__sum"}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Error(err)
	}
	_ = g.Close()
	if _, err := g.CallTool(ctx, sum); !errors.Is(err, caisson.ErrClosed) {
		t.Error(err)
	}
	if _, err := calc.CallTool(ctx, &mcp.CallToolParams{Name: "nothing"}); err != nil {
		t.Error(err) // The group does not close it.
	}
}

func second[T any](_ T, err error) error { return err }

// A caller that fails, or that lists what is no list, is left out of the group's list, with an error. A tool that is nil is
// none.
func TestGroupOddCallers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	endless := &mcp.ListToolsResult{NextCursor: "again"}
	callers := map[string]caisson.Caller{
		"fails":   scriptedCaller{err: errors.New("out of order")},
		"none":    scriptedCaller{},
		"nil":     scriptedCaller{pages: map[string]*mcp.ListToolsResult{"": {Tools: []*mcp.Tool{nil}}}},
		"endless": scriptedCaller{pages: map[string]*mcp.ListToolsResult{"": endless, "again": endless}},
	}
	g, err := sharedRuntime(t).ConnectGroup(ctx, nil, &caisson.GroupOptions{Callers: callers})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	codes := map[string]caisson.Code{}
	for tool, err := range g.Tools(ctx) {
		if codes[tool.Server] = caisson.CodeOf(err); err == nil {
			t.Errorf("%s has the tool %s", tool.Server, tool.Name)
		}
	}
	want := map[string]caisson.Code{"fails": caisson.CodeUnknown, "none": caisson.CodeProtocol, "endless": caisson.CodeProtocol}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, callers := range map[string]map[string]caisson.Caller{"none": nil, "a nil one": {"x": nil}, "a server's name": {"server": scriptedCaller{}}} {
		var servers caisson.Servers
		if name != "none" {
			servers = caisson.ServerMap{"server": {URL: "http://127.0.0.1:1"}}
		}
		if _, err := sharedRuntime(t).ConnectGroup(ctx, servers, &caisson.GroupOptions{Callers: callers}); !errors.Is(err, caisson.CodeInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
