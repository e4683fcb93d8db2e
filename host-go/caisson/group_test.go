package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/config"
)

type object = map[string]any

// groupConfig makes a configuration of servers by their names.
func groupConfig(t *testing.T, servers object) *config.File {
	t.Helper()
	text, err := json.Marshal(object{"mcpServers": servers})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mcp.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// childEntry returns childServer as an entry of a configuration.
func childEntry(t *testing.T, mode string) object {
	server := childServer(t, mode)
	return object{"command": server.Command, "env": server.Env}
}

func httpEntry(t *testing.T, handler http.Handler) object {
	listener := httptest.NewServer(handler)
	t.Cleanup(func() {
		listener.CloseClientConnections()
		listener.Close()
	})
	return object{"url": listener.URL}
}

func sdkHandler(server *mcp.Server, stateless bool) http.Handler {
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: stateless})
}

// connectGroup makes a group that the test ends.
func connectGroup(t *testing.T, ctx context.Context, servers caisson.Servers, options *caisson.GroupOptions) *caisson.Group { //nolint:revive // The test comes first everywhere.
	t.Helper()
	g, err := sharedRuntime(t).ConnectGroup(ctx, servers, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// changes collects the changes that a group reports.
func changes(options *caisson.GroupOptions) <-chan string {
	received := make(chan string, 100)
	options.OnChange = func(_ context.Context, server string, kind caisson.GroupKind) {
		received <- server + " " + string(kind)
	}
	return received
}

func toolNames(t *testing.T, g *caisson.Group) (names []string, errs []error) {
	t.Helper()
	for tool, err := range g.Tools(testContext(t)) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		names = append(names, tool.Item.Name)
	}
	return names, errs
}

func groupCall(t *testing.T, g *caisson.Group, tool string, arguments any) (*mcp.CallToolResult, error) {
	t.Helper()
	return g.CallTool(testContext(t), &mcp.CallToolParams{Name: tool, Arguments: arguments})
}

// TestGroup has servers with the same tools, one that cannot be connected with, and one that is disabled.
func TestGroup(t *testing.T) {
	t.Parallel()
	g := connectGroup(t, testContext(t), groupConfig(t, object{
		"a server": httpEntry(t, sdkHandler(newGoServer(), false)),
		"a-server": childEntry(t, "go-sdk"),
		"broken":   object{"command": "caisson-no-such-command"},
		"off":      object{"command": "caisson-no-such-command", "disabled": true},
		"unset":    object{"url": "${CAISSON_TEST_UNSET}"},
	}), nil)

	var names []string
	for _, prefix := range []string{"a-server-2", "a-server"} {
		for _, tool := range []string{"add", "fail", "one", "three", "two"} {
			names = append(names, prefix+"__"+tool)
		}
	}
	got, errs := toolNames(t, g)
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	var failed []string
	for _, err := range errs {
		var e *caisson.Error
		if !errors.As(err, &e) {
			t.Fatalf("the error is %v", err)
		}
		failed = append(failed, e.Server+" "+e.Code.String())
	}
	if diff := cmp.Diff([]string{"broken connect", "unset invalid argument"}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}

	for _, name := range []string{"a-server__add", "a-server-2__add"} {
		result, err := groupCall(t, g, name, object{"a": 40, "b": 2})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(any(object{"sum": 42.0}), result.StructuredContent); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, code := range map[string]caisson.Code{
		"add":         caisson.CodeInvalidArgument,
		"nobody__add": caisson.CodeInvalidArgument,
		"off__add":    caisson.CodeInvalidArgument,
		"broken__add": caisson.CodeConnect,
		"unset__add":  caisson.CodeInvalidArgument,
	} {
		if _, err := groupCall(t, g, name, nil); caisson.CodeOf(err) != code {
			t.Errorf("%s gives %v, want %v", name, err, code)
		}
	}

	for _, state := range g.Servers() {
		if ok := strings.HasPrefix(state.Name, "a"); ok != (state.Session != nil) || ok != (state.Err == nil) {
			t.Errorf("the state of %s is %+v", state.Name, state)
		}
	}
	if err := g.Err(); !errors.Is(err, caisson.CodeConnect) {
		t.Errorf("the error is %v", err)
	}
	_ = g.Close()
	if _, err := groupCall(t, g, "a-server__add", nil); !errors.Is(err, caisson.ErrClosed) {
		t.Errorf("after Close a call gives %v", err)
	}
	if _, err := g.Session(testContext(t), "a-server"); !errors.Is(err, caisson.ErrClosed) {
		t.Errorf("after Close Session gives %v", err)
	}
}

// TestGroupSlowServer has a server that answers only when the test lets it.
func TestGroupSlowServer(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	slow := sdkHandler(newGoServer(), false)
	config := groupConfig(t, object{
		"fast": httpEntry(t, sdkHandler(newGoServer(), false)),
		"slow": httpEntry(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			once.Do(func() { close(asked) })
			<-answer
			slow.ServeHTTP(w, r)
		})),
	})
	release := sync.OnceFunc(func() { close(answer) })
	defer release()
	connecting, cancel := context.WithCancel(testContext(t))
	go func() {
		<-asked
		cancel()
	}()
	g := connectGroup(t, connecting, config, nil)
	if _, err := groupCall(t, g, "fast__add", object{"a": 1}); err != nil {
		t.Fatal(err)
	}
	count := func(ctx context.Context) (tools int, failed error) {
		for _, err := range g.Tools(ctx) {
			if err != nil {
				failed = err
			} else {
				tools++
			}
		}
		return tools, failed
	}
	// The fast server's list is there before the time is over, even on a slow machine.
	var err error
	for tools := 0; tools == 0; {
		short, stop := context.WithTimeout(testContext(t), 300*time.Millisecond)
		tools, err = count(short)
		stop()
	}
	var e *caisson.Error
	if !errors.As(err, &e) || e.Server != "slow" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the slow server gives %v", err)
	}
	release()
	if tools, err := count(testContext(t)); tools != 10 || err != nil {
		t.Errorf("there are %d tools and %v", tools, err)
	}
}

// TestGroupServerDies ends one server's process. The other server goes on, and the first comes back on
// demand.
func TestGroupServerDies(t *testing.T) {
	t.Parallel()
	var options caisson.GroupOptions
	received := changes(&options)
	g := connectGroup(t, testContext(t), groupConfig(t, object{"mortal": childEntry(t, "exits"), "other": childEntry(t, "go-sdk")}), &options)
	for range 2 {
		waitForChange(t, received, "")
	}
	if _, err := groupCall(t, g, "mortal__any", nil); caisson.CodeOf(err) != caisson.CodeTransport {
		t.Errorf("the call that it dies of gives %v", err)
	}
	waitForChange(t, received, "mortal server")
	state := g.Servers()[0]
	if state.Session != nil || state.Err == nil {
		t.Errorf("the state is %+v", state)
	}
	if _, err := groupCall(t, g, "other__add", object{"a": 1}); err != nil {
		t.Errorf("the other server gives %v", err)
	}
	if _, err := groupCall(t, g, "mortal__fine", nil); err != nil {
		t.Errorf("after its death it gives %v", err)
	}
	waitForChange(t, received, "mortal server")
	if err := g.Err(); err != nil {
		t.Errorf("the error is %v", err)
	}
}

// waitForChange reads changes until the wanted one. When any change will do it reads one.
func waitForChange(t *testing.T, received <-chan string, want string) {
	t.Helper()
	for {
		select {
		case got := <-received:
			if want == "" || got == want {
				return
			}
		case <-testContext(t).Done():
			t.Fatalf("there is no change %q", want)
		}
	}
}

// TestGroupBackoff has a server that first fails and later works.
func TestGroupBackoff(t *testing.T) {
	t.Parallel()
	var asked, works atomic.Int32
	server := sdkHandler(newGoServer(), false)
	config := groupConfig(t, object{"ill": httpEntry(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if works.Load() == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		server.ServeHTTP(w, r)
	}))})
	patient := connectGroup(t, testContext(t), config, &caisson.GroupOptions{MinBackoff: time.Hour})
	eager := connectGroup(t, testContext(t), config, &caisson.GroupOptions{MinBackoff: 1, MaxBackoff: 1})
	before := asked.Load()
	for range 3 {
		if _, err := groupCall(t, patient, "ill__add", object{"a": 1}); err == nil || err != patient.Err().(interface{ Unwrap() []error }).Unwrap()[0] { //nolint:errorlint // It must be the identical error.
			t.Errorf("the call gives %v", err)
		}
	}
	if now := asked.Load(); now != before {
		t.Errorf("the server was asked %d times more", now-before)
	}
	if _, err := groupCall(t, eager, "ill__add", object{"a": 1}); err == nil || asked.Load() == before {
		t.Errorf("the call gives %v", err)
	}
	works.Store(1)
	if _, err := groupCall(t, eager, "ill__add", object{"a": 1}); err != nil {
		t.Errorf("the call gives %v", err)
	}
}

// TestGroupListChanges changes the lists of a server, in the two eras of the protocol.
func TestGroupListChanges(t *testing.T) {
	t.Parallel()
	for version, stateless := range map[string]bool{"2025-11-25": false, "2026-07-28": true} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			server := newGoServer()
			entry := httpEntry(t, sdkHandler(server, stateless))
			entry["protocolVersions"] = []string{version}
			var options caisson.GroupOptions
			received := changes(&options)
			g := connectGroup(t, testContext(t), groupConfig(t, object{"s": entry, "t": childEntry(t, "go-sdk")}), &options)
			before, errs := toolNames(t, g)
			if len(before) != 10 || errs != nil {
				t.Fatalf("there are %v and %v", before, errs)
			}
			mcp.AddTool(server, &mcp.Tool{Name: "a-new-one"}, fail)
			waitForChange(t, received, "s tools")
			if after, _ := toolNames(t, g); len(after) != 11 || !slices.Contains(after, "s__a-new-one") {
				t.Errorf("the tools are %v", after)
			}
			server.RemoveTools("add", "a-new-one")
			waitForChange(t, received, "s tools")
			if after, _ := toolNames(t, g); len(after) != 9 {
				t.Errorf("the tools are %v", after)
			}
		})
	}
}

// TestGroupName has a rule that gives two tools the same name.
func TestGroupName(t *testing.T) {
	t.Parallel()
	g := connectGroup(t, testContext(t),
		groupConfig(t, object{"a": childEntry(t, "go-sdk"), "b": httpEntry(t, sdkHandler(newGoServer(), false))}),
		&caisson.GroupOptions{Name: func(server, name string) string {
			if name == "add" {
				return name
			}
			return server + "." + name
		}})
	names, errs := toolNames(t, g)
	want := []string{"add", "a.fail", "a.one", "a.three", "a.two", "b.fail", "b.one", "b.three", "b.two"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "b: tools/list: invalid argument: add is left out: its name in the group, add, is taken by a's add") {
		t.Errorf("the errors are %v", errs)
	}
	if result, err := groupCall(t, g, "b.fail", nil); err != nil || !result.IsError {
		t.Errorf("b.fail gives %v, %v", result, err)
	}
	if _, err := groupCall(t, g, "c.fail", nil); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
		t.Errorf("c.fail gives %v", err)
	}
}

// library is a server with a prompt and resources.
func library(name string, uris ...string) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: name, Version: "1"}, &mcp.ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	server.AddPrompt(&mcp.Prompt{Name: "who"}, func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return &mcp.GetPromptResult{Description: name, Messages: []*mcp.PromptMessage{}}, nil
	})
	read := func(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: r.Params.URI, Text: name}}}, nil
	}
	for _, uri := range uris {
		if strings.Contains(uri, "{") {
			server.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: uri, Name: uri}, read)
		} else {
			server.AddResource(&mcp.Resource{URI: uri, Name: uri}, read)
		}
	}
	return server
}

func TestGroupResourcesAndPrompts(t *testing.T) {
	t.Parallel()
	g := connectGroup(t, testContext(t), groupConfig(t, object{
		"a": httpEntry(t, sdkHandler(library("A", "x:///1", "x:///both", "x:///a/{path}"), false)),
		"b": httpEntry(t, sdkHandler(library("B", "x:///2", "x:///both", "x:///a/b/{path}"), false)),
		"c": childEntry(t, "go-sdk"), // It has neither.
	}), nil)
	ctx := testContext(t)
	var resources, templates, prompts []string
	for r, err := range g.Resources(ctx) {
		resources = append(resources, fmt.Sprint(r.Server, " ", r.Item.URI, " ", err))
	}
	for r, err := range g.ResourceTemplates(ctx) {
		templates = append(templates, fmt.Sprint(r.Server, " ", r.Name, " ", err))
	}
	for p, err := range g.Prompts(ctx) {
		prompts = append(prompts, fmt.Sprint(p.Server, " ", p.Name, " ", p.Item.Name, " ", err))
	}
	want := [][]string{
		{"a x:///1 <nil>", "a x:///both <nil>", "b x:///2 <nil>", "b x:///both <nil>"},
		{"a x:///a/{path} <nil>", "b x:///a/b/{path} <nil>"},
		{"a who a__who <nil>", "b who b__who <nil>"},
	}
	if diff := cmp.Diff(want, [][]string{resources, templates, prompts}); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
	for _, test := range []struct{ server, uri, want string }{
		{"", "x:///1", "A"},
		{"", "x:///2", "B"},
		{"", "x:///both", "A"},
		{"b", "x:///both", "B"},
		{"", "x:///a/z", "A"},
		{"", "x:///a/b/z", "B"},
	} {
		result, err := g.ReadResource(ctx, test.server, &mcp.ReadResourceParams{URI: test.uri})
		if err != nil || result.Contents[0].Text != test.want {
			t.Errorf("%s of %q gives %v, %v, want %s", test.uri, test.server, result, err, test.want)
		}
	}
	for _, test := range [][]string{{"", "y:///"}, {"nobody", "x:///1"}} {
		if _, err := g.ReadResource(ctx, test[0], &mcp.ReadResourceParams{URI: test[1]}); caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("%s gives %v", test, err)
		}
	}
	if result, err := g.GetPrompt(ctx, &mcp.GetPromptParams{Name: "b__who"}); err != nil || result.Description != "B" {
		t.Errorf("the prompt is %v, %v", result, err)
	}
}

// TestServerMap has a group of servers that come from no file.
func TestServerMap(t *testing.T) {
	t.Parallel()
	g := connectGroup(t, testContext(t), caisson.ServerMap{"here": inMemory(t, newGoServer()), "gone": {}}, nil)
	page, err := g.ListTools(testContext(t), nil)
	if err != nil || len(page.Tools) == 0 || !strings.HasPrefix(page.Tools[0].Name, "here__") {
		t.Errorf("the tools are %v, %v", page, err)
	}
	got, _, err := caisson.CallToolAs[sum](testContext(t), g, &mcp.CallToolParams{Name: "here__add", Arguments: addition{2, 3}})
	if err != nil || got.Sum != 5 {
		t.Errorf("add gives %v, %v", got, err)
	}
	if _, err := g.ListTools(testContext(t), &mcp.ListToolsParams{Cursor: "2"}); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("a second page gives %v", err)
	}
	none := connectGroup(t, testContext(t), caisson.ServerMap{"gone": {}}, nil)
	if _, err := none.ListTools(testContext(t), nil); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("a group without any server gives %v", err)
	}
	if _, err := (caisson.ServerMap{}).Server("x"); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("no server gives %v", err)
	}
}
