package gateway_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/gateway"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// olderTaskServer is a server with the experimental tasks of 2025-11-25, on the TypeScript SDK.
func olderTaskServer(t testing.TB) caisson.Server {
	t.Helper()
	server := taskServer(t)
	server.Args = []string{strings.Replace(server.Args[0], "tasks-v2", "tasks-v1", 1), "stdio"}
	return server
}

// caissonAt connects Caisson's own client with an endpoint, in a revision. It answers forms with a name.
func caissonAt(t testing.TB, g *gateway.Gateway, path, era, name string) *caisson.Session {
	t.Helper()
	return connectAt(t, g, path, era, &caisson.ClientOptions{Handlers: caisson.Handlers{
		ElicitationHandler: func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": name}}, nil
		},
	}})
}

// connectAt connects a client of Caisson's with an endpoint, in a revision.
func connectAt(t testing.TB, g *gateway.Gateway, path, era string, options *caisson.ClientOptions) *caisson.Session {
	t.Helper()
	client, err := runtime(t).NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	session, err := client.Connect(testContext(t), caisson.Server{URL: serveTest(t, g).URL + path, ProtocolVersions: []string{era}})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// TestTasksOfBothEras has a client of each era take the tasks of a server of each era, at /mcp and of the server alone.
func TestTasksOfBothEras(t *testing.T) {
	servers := map[string]caisson.Server{older: olderTaskServer(t), newest: taskServer(t)}
	for _, up := range eras {
		for _, down := range eras {
			for path, prefix := range map[string]string{"/mcp": "t__", "/servers/t": ""} {
				t.Run(up+" "+down+" "+strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
					t.Parallel()
					tasksBetween(t, servers[up], up, down, path, prefix)
				})
			}
		}
	}
}

func tasksBetween(t *testing.T, server caisson.Server, up, down, path, prefix string) {
	ctx := testContext(t)
	g := newGateway(t, caisson.ServerMap{"t": server, "u": caissontest.NewServer(t).Caisson()}, nil)
	session := caissonAt(t, g, path, down, "Ada")
	if !session.RunsTasks() {
		t.Fatal("the endpoint declares no tasks")
	}
	start := func(tool string) *caisson.Task {
		t.Helper()
		task, err := session.StartTask(ctx, &mcp.CallToolParams{Name: prefix + tool})
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	wait := func(task *caisson.Task) string {
		t.Helper()
		result, err := task.Wait(ctx)
		return textOf(t, result, err)
	}
	steps := start("steps")
	if steps.ID() == "" || !strings.HasPrefix(steps.ID(), "t__") {
		t.Fatalf("the call has become %s", steps.Started())
	}
	if got := wait(steps); got != "done" {
		t.Errorf("the task gives %q", got)
	}
	state, err := steps.Get(ctx)
	if err != nil || state.Status != caisson.TaskCompleted || state.TaskID != steps.ID() || state.CreatedAt.IsZero() {
		t.Errorf("its state is %+v, %v", state, err)
	}
	if got := wait(start("asks")); !strings.Contains(got, "hello Ada") {
		t.Errorf("the task that asks gives %q", got)
	}
	if err := taskFails(ctx, start("fails")); up == newest && !strings.Contains(err, "it broke") || up == older && err != "isError: it broke" {
		t.Errorf("the task that fails gives %s", err)
	}

	forever := start("forever")
	if err := forever.Cancel(ctx); err != nil {
		t.Fatal(err)
	}
	var saw struct {
		Cancelled []string `json:"cancelled"`
	}
	for len(saw.Cancelled) == 0 && (up == newest || down == older) { // Else the call has another process of the server's.
		result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: prefix + "seen"})
		if err := json.Unmarshal([]byte(textOf(t, result, err)), &saw); err != nil || ctx.Err() != nil {
			t.Fatal("the server was not told that the task is cancelled", err)
		}
	}
	if down == older {
		if state, err := forever.Get(ctx); err != nil || state.Status != caisson.TaskCancelled {
			t.Errorf("the state of the cancelled task is %+v, %v", state, err)
		}
		if err := forever.Cancel(ctx); err == nil {
			t.Error("a task that is over is cancelled")
		}
		var listed []string
		for state, err := range session.Tasks(ctx, nil) {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, state.TaskID)
		}
		if len(listed) != 4 || !slices.Contains(listed, steps.ID()) || !slices.Contains(listed, forever.ID()) {
			t.Errorf("the list has %v", listed)
		}
	}
	task, err := session.StartTask(ctx, &mcp.CallToolParams{Name: prefix + "plain"})
	switch {
	case up == older && down == older: // The tool does not run as a task, and says so.
		if caisson.CodeOf(err) != caisson.CodeInvalidArgument {
			t.Errorf("a tool that is no task gives %v", err)
		}
	case err != nil:
		t.Error(err)
	default:
		if got := wait(task); got != "at once" || (task.ID() == "") != (down == newest) {
			t.Errorf("a tool that answers at once gives %q, by the task %q", got, task.ID())
		}
	}

	// The task belongs to its session in 2025-11-25, and to the principal in 2026-07-28.
	other := caissonAt(t, g, path, older, "Bob")
	if _, err := other.Task(steps.ID()).Get(ctx); err == nil {
		t.Error("another session finds the task")
	}
	for _, err := range other.Tasks(ctx, nil) {
		t.Errorf("another session's list has tasks, %v", err)
	}
}

// taskFails is how a task fails: the error, or the text of the result.
func taskFails(ctx context.Context, task *caisson.Task) string {
	result, err := task.Wait(ctx)
	switch {
	case err != nil:
		return err.Error()
	case result.IsError:
		return "isError: " + result.Content[0].(*mcp.TextContent).Text //nolint:forcetypeassert // It panics where it is none.
	}
	return "not at all"
}

// TestTasksOfAnOlderSession has requests about tasks that a client of 2025-11-25 must not make, and those of a revision
// that has no tasks.
func TestTasksOfAnOlderSession(t *testing.T) {
	t.Parallel()
	s := caissontest.NewServer(t, older)
	s.AddTool(&mcp.Tool{Name: "plain"}, says("at once"))
	server := serveTest(t, newGateway(t, caisson.ServerMap{"s": s.Caisson()}, &gateway.Options{Authenticate: byHeader}))
	begin := func(version string) func(body string) answer {
		a := post(t, server, request{path: "/mcp", principal: "ada", body: strings.Replace(hello, older, version, 1)})
		if strings.Contains(a.body, `"tasks"`) {
			t.Errorf("a gateway in front of a server without tasks declares them: %s", a.body)
		}
		return func(body string) answer {
			return post(t, server, request{path: "/mcp", principal: "ada", session: a.session, version: version, body: body})
		}
	}
	ask := begin(older)
	for body, code := range map[string]int{
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"s__plain","task":{"ttl":1000}}}`:     -32601,
		`{"jsonrpc":"2.0","id":2,"method":"tasks/get","params":{"taskId":"s__x"}}`:                            -32602,
		`{"jsonrpc":"2.0","id":2,"method":"tasks/result","params":{"taskId":"s__x"}}`:                         -32602,
		`{"jsonrpc":"2.0","id":2,"method":"tasks/cancel","params":{}}`:                                        -32602,
		`{"jsonrpc":"2.0","id":2,"method":"tasks/list","params":{"cursor":"x"}}`:                              -32602,
		`{"jsonrpc":"2.0","id":2,"method":"tasks/update","params":{"taskId":"s__x","inputResponses":{}}}`:     -32601,
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"s__plain","task":"no task at all"}}`: 0,
	} {
		if a := ask(body); a.err.Code != code {
			t.Errorf("%s gives %s", body, a.body)
		}
	}
	if a := ask(`{"jsonrpc":"2.0","id":2,"method":"tasks/list"}`); string(a.result) != `{"tasks":[]}` {
		t.Errorf("the list is %s", a.body)
	}
	ask = begin("2025-06-18")
	if a := ask(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"s__plain","task":{"ttl":1000}}}`); !strings.Contains(a.body, "at once") {
		t.Errorf("in a revision without tasks the call gives %s", a.body)
	}
	if a := ask(`{"jsonrpc":"2.0","id":2,"method":"tasks/list"}`); a.err.Code != -32601 {
		t.Errorf("in a revision without tasks the list is %s", a.body)
	}
}

// TestFollowedTasksAreBounded has a principal begin more tasks than it may have, a session end with tasks, and results
// that are too large together.
func TestFollowedTasksAreBounded(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	g := newGateway(t, caisson.ServerMap{"t": olderTaskServer(t)}, &gateway.Options{MaxTasksOfPrincipal: 1})
	session := caissonAt(t, g, "/mcp", older, "Ada")
	start := func() (*caisson.Task, error) {
		return session.StartTask(ctx, &mcp.CallToolParams{Name: "t__forever"})
	}
	first, err := start()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(); err == nil || !strings.Contains(err.Error(), "MaxTasksOfPrincipal") {
		t.Errorf("a second task gives %v", err)
	}
	if err := first.Cancel(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Wait(ctx); caisson.CodeOf(err) != caisson.CodeCancelled {
		t.Errorf("the cancelled task gives %v", err)
	}
	_, err = session.Request(ctx, "tasks/result", map[string]any{"taskId": first.ID()})
	if e, ok := caisson.RPCError(err); !ok || e.Code != jsonrpc.CodeInternalError || !strings.Contains(e.Message, "cancelled") {
		t.Errorf("the result of the cancelled task is %v", err)
	}
	_ = session.Close() // Its tasks go with it, whether they are over or not.
	session = caissonAt(t, g, "/mcp", older, "Ada")
	for {
		task, err := start()
		if err == nil && task.ID() != "" {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("the tasks of a session that has ended take room", err)
		}
	}
}

// TestCancelledTasksReachTheServer has a client of 2026-07-28 cancel the task of a server of 2025-11-25, and another one
// that a session leaves behind.
func TestCancelledTasksReachTheServer(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	s := caissontest.NewServer(t, older)
	s.Answer("initialize", `{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}},"serverInfo":{"name":"s","version":"1"}}`)
	s.Answer("tools/list", `{"tools":[{"name":"forever","inputSchema":{"type":"object"},"execution":{"taskSupport":"required"}}]}`)
	const state = `"taskId":"own 1","status":"working","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttl":null,"pollInterval":20`
	s.Answer("tools/call", `{"task":{`+state+`}}`)
	s.Answer("tasks/get", `{`+state+`}`)
	s.Answer("tasks/cancel", `{`+strings.Replace(state, "working", "cancelled", 1)+`}`)
	g := newGateway(t, caisson.ServerMap{"s": s.Caisson()}, nil)
	for _, down := range []string{newest, older} {
		session := caissonAt(t, g, "/mcp", down, "Ada")
		task, err := session.StartTask(ctx, &mcp.CallToolParams{Name: "s__forever"})
		if err != nil || !strings.HasPrefix(task.ID(), "s__") {
			t.Fatalf("the call becomes %+v, %v", task, err)
		}
		if down == newest {
			err = task.Cancel(ctx)
		} else {
			err = session.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if cancelled, err := s.Await(ctx, "tasks/cancel"); err != nil || !strings.Contains(string(cancelled.Params), `"own 1"`) {
			t.Errorf("the server is told %s, %v", cancelled.Params, err)
		}
	}
}

// TestAnErrorOfAMethod relays a server's own error with the code of a method that is not there.
func TestAnErrorOfAMethod(t *testing.T) {
	t.Parallel()
	s := caissontest.NewServer(t)
	s.AddTool(&mcp.Tool{Name: "odd"}, func(*caissontest.Call) (any, error) {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "only on Mondays"}
	})
	g := newGateway(t, caisson.ServerMap{"s": s.Caisson()}, nil)
	for _, era := range eras {
		_, err := caissonAt(t, g, "/mcp", era, "Ada").CallTool(testContext(t), &mcp.CallToolParams{Name: "s__odd"})
		if err == nil || !strings.Contains(err.Error(), "only on Mondays") || !strings.Contains(err.Error(), "-32601") {
			t.Errorf("%s: the error is %v", era, err)
		}
	}
}
