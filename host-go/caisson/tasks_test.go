package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// The servers with tasks: each tool of theirs is a task of one kind; see their sources.
const (
	experimentalTasks = "tasks-v1.mjs"
	extensionTasks    = "tasks-v2.mjs"
)

// eachTaskServer runs a test on both kinds of tasks, over stdio and over HTTP.
func eachTaskServer(t *testing.T, test func(t *testing.T, server caisson.Server, extension bool)) {
	for file, sdk := range map[string]string{experimentalTasks: "sdk", extensionTasks: "server"} {
		for _, transport := range []caisson.TransportType{caisson.TransportStdio, caisson.TransportHTTP} {
			t.Run(strings.TrimSuffix(file, ".mjs")+" "+string(transport), func(t *testing.T) {
				test(t, wholeNode(sdk, file)(t, transport, ""), file == extensionTasks)
			})
		}
	}
}

// extensionServer is the one with the extension.
func extensionServer(t *testing.T, transport caisson.TransportType) caisson.Server {
	return wholeNode("server", extensionTasks)(t, transport, "")
}

// seen is what a server of tasks has seen of its clients.
type seen struct {
	Cancelled    []string       `json:"cancelled"`
	Declared     []bool         `json:"declared"`
	Names        []string       `json:"names"`
	Related      []string       `json:"related"`
	Asked        [][2]any       `json:"asked"`
	TTL          []*int         `json:"ttl"`
	Capabilities map[string]any `json:"capabilities"`
}

func whatServerSaw(t *testing.T, s *caisson.Session) (saw seen) {
	t.Helper()
	text := callText(t, s, "seen")
	if err := json.Unmarshal([]byte(text), &saw); err != nil {
		t.Fatal(err)
	}
	return saw
}

func callText(t *testing.T, s *caisson.Session, tool string) string {
	t.Helper()
	result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: tool})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return resultText(result)
}

func resultText(result *mcp.CallToolResult) string {
	return result.Content[0].(*mcp.TextContent).Text
}

// waitForCancel waits until the server has been told to cancel a task.
func waitForCancel(t *testing.T, s *caisson.Session) (id string) {
	t.Helper()
	for ctx := testContext(t); ; {
		if saw := whatServerSaw(t, s); len(saw.Cancelled) > 0 {
			return saw.Cancelled[0]
		}
		if ctx.Err() != nil {
			t.Fatal("the server was not told to cancel the task")
		}
	}
}

func wantCode(t *testing.T, err error, code caisson.Code) {
	t.Helper()
	var e *caisson.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("it gives %v, want the code %s", err, code)
	}
}

// namer answers every form with a name.
type namer struct {
	mu       sync.Mutex
	messages []string
}

func (n *namer) elicit(_ context.Context, r *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.messages = append(n.messages, r.Params.Message)
	return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "ada"}}, nil
}

// requirement: tasks.progress, tasks.status-optional, tasks.related, tasks.server-capability
func TestTaskIsDrivenToItsEnd(t *testing.T) {
	t.Parallel()
	eachTaskServer(t, func(t *testing.T, server caisson.Server, extension bool) {
		t.Parallel()
		n := &namer{}
		s := connect(t, newClient(t, caisson.ClientOptions{Handlers: caisson.Handlers{ElicitationHandler: n.elicit}}), server)
		var messages []string
		var numbers []float64
		ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{OnProgress: func(p *mcp.ProgressNotificationParams) {
			if p.Message != "" {
				messages = append(messages, p.Message)
			} else {
				numbers = append(numbers, p.Progress)
			}
			if p.ProgressToken == nil {
				t.Error("progress without its token")
			}
		}})
		result, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "steps"})
		if err != nil {
			t.Fatal(err)
		}
		if sum := result.StructuredContent.(map[string]any)["sum"]; sum != 3.0 || resultText(result) != "done" {
			t.Errorf("the result is %v, %q", sum, resultText(result))
		}
		if !slices.Contains(messages, "step 1") {
			t.Errorf("progress told %q", messages)
		}
		// The token of the call holds for its task.
		if !extension && !slices.Equal(numbers, []float64{1, 2, 3}) {
			t.Errorf("progress counted %v", numbers)
		}
		if got := callText(t, s, "plain"); got != "at once" {
			t.Errorf("plain gives %q", got)
		}
		want := map[bool]string{false: "hello ada", true: "hello ada ada"}[extension]
		if got := callText(t, s, "asks"); got != want {
			t.Errorf("asks gives %q", got)
		}
		if want := map[bool]int{false: 1, true: 2}[extension]; len(n.messages) != want {
			t.Errorf("%q was asked, want %d questions", n.messages, want)
		}
		saw := whatServerSaw(t, s)
		if len(saw.Cancelled) > 0 {
			t.Errorf("tasks that came to their end were cancelled: %v", saw.Cancelled)
		}
		if extension {
			return
		}
		if len(saw.Related) != 1 || saw.Related[0] == "" {
			t.Errorf("the answer was related to the tasks %q", saw.Related)
		}
		if got := callText(t, s, "silent"); got != "at once" {
			t.Errorf("what may run as a task does not have to: %q", got)
		}
		for _, asked := range whatServerSaw(t, s).Asked {
			if as := asked[0] == "steps" || asked[0] == "asks"; asked[1] != as {
				t.Errorf("%v was called as a task: %v", asked[0], asked[1])
			}
		}
	})
}

func TestTaskFails(t *testing.T) {
	t.Parallel()
	eachTaskServer(t, func(t *testing.T, server caisson.Server, extension bool) {
		t.Parallel()
		s := connect(t, sharedRuntime(t), server)
		result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "fails"})
		var wire *jsonrpc.Error
		switch {
		case !extension && (err != nil || !result.IsError || resultText(result) != "it broke"):
			t.Errorf("fails gives %v, %v", result, err)
		case extension && (!errors.As(err, &wire) || wire.Code != -32050 || string(wire.Data) != `{"why":[1,"x"]}`):
			t.Errorf("fails gives %v, %+v", err, wire)
		}
		_, err = s.CallTool(testContext(t), &mcp.CallToolParams{Name: "withdrawn"})
		wantCode(t, err, caisson.CodeCancelled)
		if !strings.Contains(err.Error(), "the server had enough") {
			t.Errorf("withdrawn gives %v", err)
		}
	})
}

// requirement: cancellation.tasks
func TestTaskIsCancelledWithItsCall(t *testing.T) {
	t.Parallel()
	eachTaskServer(t, func(t *testing.T, server caisson.Server, _ bool) {
		t.Parallel()
		s := connect(t, sharedRuntime(t), server)
		ctx, cancel := context.WithCancel(testContext(t))
		ctx = caisson.WithCallOptions(ctx, caisson.CallOptions{OnProgress: func(*mcp.ProgressNotificationParams) { cancel() }})
		// It would be looked at again in a minute: giving up does not wait for that.
		_, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "forever", Arguments: map[string]any{"poll": 60_000}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it gives %v", err)
		}
		waitForCancel(t, s)
	})
}

func TestTaskThatNeverEndsTimesOut(t *testing.T) {
	t.Parallel()
	eachTaskServer(t, func(t *testing.T, server caisson.Server, extension bool) {
		t.Parallel()
		s := connect(t, sharedRuntime(t), server)
		for _, options := range []caisson.CallOptions{{Timeout: time.Second}, {MaxTimeout: time.Second}} {
			_, err := s.CallTool(caisson.WithCallOptions(testContext(t), options), &mcp.CallToolParams{Name: "forever"})
			wantCode(t, err, caisson.CodeTimeout)
		}
		waitForCancel(t, s)
	})
}

func TestSessionThatEndsCancelsNoTaskTwice(t *testing.T) {
	t.Parallel()
	server := extensionServer(t, caisson.TransportHTTP)
	s := connect(t, sharedRuntime(t), server)
	ctx, cancel := context.WithCancel(testContext(t))
	ctx = caisson.WithCallOptions(ctx, caisson.CallOptions{OnProgress: func(*mcp.ProgressNotificationParams) { cancel() }})
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "forever"}); !errors.Is(err, context.Canceled) {
		t.Errorf("it gives %v", err)
	}
	// What was given up is cancelled before the connection goes.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if saw := whatServerSaw(t, connect(t, sharedRuntime(t), server)); len(saw.Cancelled) != 1 {
		t.Errorf("the server was told to cancel %v", saw.Cancelled)
	}
}

func TestTaskOfFaultyServer(t *testing.T) {
	t.Parallel()
	s := connect(t, sharedRuntime(t), extensionServer(t, caisson.TransportStdio))
	for tool, want := range map[string]string{
		"unknown status": `sleeping`,
		"no id":          "without a taskId",
		"other id":       "another task",
		"no result":      "without a result",
		"no error":       "without an error",
		"not created":    "without a taskId",
		"broken":         "no result of tools/call",
		"asks":           "has not declared: elicitation/create", // there is no handler
		"odd":            "has not declared: server/discover",
	} {
		_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: tool})
		wantCode(t, err, caisson.CodeProtocol)
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", tool, err)
		}
	}
	_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "expires"})
	wantCode(t, err, caisson.CodeRPC)
	if _, err := s.ListTools(testContext(t), nil); err != nil {
		t.Fatal(err)
	}
	_, err = s.CallTool(testContext(t), &mcp.CallToolParams{Name: "wrong"})
	wantCode(t, err, caisson.CodeOutputSchema)
}

func TestTaskAsksTooMuch(t *testing.T) {
	t.Parallel()
	n := &namer{}
	options := caisson.ClientOptions{Limits: caisson.Limits{InputRounds: 3}, Handlers: caisson.Handlers{ElicitationHandler: n.elicit}}
	s := connect(t, newClient(t, options), extensionServer(t, caisson.TransportStdio))
	_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "nosy"})
	wantCode(t, err, caisson.CodeProtocol)
	if len(n.messages) != 3 {
		t.Errorf("%d questions were asked", len(n.messages))
	}
	waitForCancel(t, s)
}

func TestTaskThatEndsTakesItsQuestionBack(t *testing.T) {
	t.Parallel()
	taken := make(chan struct{})
	ask := func(ctx context.Context, _ *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
		<-ctx.Done()
		close(taken)
		return nil, ctx.Err()
	}
	s := connect(t, newClient(t, caisson.ClientOptions{Handlers: caisson.Handlers{ElicitationHandler: ask}}), extensionServer(t, caisson.TransportHTTP))
	if got := callText(t, s, "hasty"); got != "never mind" {
		t.Errorf("hasty gives %q", got)
	}
	select {
	case <-taken:
	case <-testContext(t).Done():
		t.Error("the question was not taken back")
	}
}

// requirement: tasks.capability
func TestTasksAreDeclared(t *testing.T) {
	t.Parallel()
	eachTaskServer(t, func(t *testing.T, server caisson.Server, extension bool) {
		t.Parallel()
		s := connect(t, sharedRuntime(t), server)
		callText(t, s, "plain")
		saw := whatServerSaw(t, s)
		if extension && (len(saw.Declared) < 2 || slices.Contains(saw.Declared, false)) {
			t.Errorf("the extension was declared in the requests %v", saw.Declared)
		}
		// A client of 2025-11-25 declares the tasks that it runs for servers: none.
		if !extension && len(saw.Capabilities) > 0 {
			t.Errorf("the client declared %v", saw.Capabilities)
		}
	})
}

// requirement: tasks.status-optional, tasks.cursor, tasks.server-capability
func TestTaskHandle(t *testing.T) {
	t.Parallel()
	eachTaskServer(t, func(t *testing.T, server caisson.Server, extension bool) {
		t.Parallel()
		s := connect(t, sharedRuntime(t), server)
		ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{TaskTTL: time.Hour})
		start := func(tool string) *caisson.Task {
			t.Helper()
			task, err := s.StartTask(ctx, &mcp.CallToolParams{Name: tool})
			if err != nil {
				t.Fatal(err)
			}
			return task
		}
		task := start("steps")
		if task.ID() == "" || task.Started() == nil {
			t.Fatalf("the task is %+v", task)
		}
		state, err := s.Task(task.ID()).Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if state.TaskID != task.ID() || state.PollInterval != 25*time.Millisecond || state.CreatedAt.IsZero() {
			t.Errorf("its state is %+v", state)
		}
		if !extension && state.TTL != time.Hour {
			t.Errorf("it is kept for %v", state.TTL)
		}
		result, err := s.Task(task.ID()).Wait(ctx)
		if err != nil || resultText(result) != "done" {
			t.Errorf("its result is %v, %v", result, err)
		}
		if state, err = task.Get(ctx); err != nil || state.Status != caisson.TaskCompleted {
			t.Errorf("its state is %+v, %v", state, err)
		}

		endless := start("forever")
		waiting, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := endless.Wait(waiting); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting that is given up gives %v", err)
		}
		if saw := whatServerSaw(t, s); len(saw.Cancelled) > 0 {
			t.Errorf("who gave up waiting cancelled %v", saw.Cancelled)
		}
		if err := endless.Cancel(ctx); err != nil {
			t.Fatal(err)
		}
		if got := waitForCancel(t, s); got != endless.ID() {
			t.Errorf("%s was cancelled, not %s", got, endless.ID())
		}
		_, err = s.Task("nobody's").Get(ctx)
		var wire *jsonrpc.Error
		if !errors.As(err, &wire) {
			t.Errorf("a task that is not there gives %v", err)
		}
		if extension {
			extensionHandle(ctx, t, s, start)
		} else {
			experimentalHandle(ctx, t, s, start)
		}
	})
}

func extensionHandle(ctx context.Context, t *testing.T, s *caisson.Session, start func(string) *caisson.Task) {
	at := start("plain")
	if result, err := at.Wait(ctx); err != nil || at.ID() != "" || resultText(result) != "at once" {
		t.Errorf("what is no task gives %v, %v", result, err)
	}
	_, err := at.Get(ctx)
	wantCode(t, err, caisson.CodeInvalidArgument)
	asking := start("asks")
	for _, key := range []string{"first", "second"} {
		state, err := asking.Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if state.Status != caisson.TaskInputRequired || state.InputRequests[key].Method != "elicitation/create" {
			t.Errorf("its state is %+v", state)
		}
		answer := mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": key}}
		if err := asking.Update(ctx, map[string]any{key: answer}); err != nil {
			t.Fatal(err)
		}
	}
	if result, err := asking.Wait(ctx); err != nil || resultText(result) != "hello first second" {
		t.Errorf("what was answered gives %v, %v", result, err)
	}
	_, err = s.ListTasks(ctx, nil)
	wantCode(t, err, caisson.CodeInvalidArgument)
	if failed, err := start("fails").Get(ctx); err != nil || failed.Error == nil || failed.Error.Code != -32050 {
		t.Errorf("what failed is %+v, %v", failed, err)
	}
}

func experimentalHandle(ctx context.Context, t *testing.T, s *caisson.Session, start func(string) *caisson.Task) {
	silent := start("silent")
	if result, err := silent.Wait(ctx); err != nil || resultText(result) != "quiet" {
		t.Errorf("what tells of no status gives %v, %v", result, err)
	}
	_, err := s.StartTask(ctx, &mcp.CallToolParams{Name: "plain"})
	wantCode(t, err, caisson.CodeInvalidArgument)
	wantCode(t, silent.Update(ctx, nil), caisson.CodeInvalidArgument)
	var ids []string
	for task, err := range s.Tasks(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, task.TaskID)
	}
	if len(ids) != 3 || !slices.Contains(ids, silent.ID()) {
		t.Errorf("the server lists %v", ids)
	}
}

func TestServerWithoutTasks(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{"2025-06-18", "2025-11-25"} {
		server := goServer(false, false)(t)
		server.ProtocolVersions = []string{revision}
		s := connect(t, sharedRuntime(t), server)
		_, err := s.StartTask(testContext(t), &mcp.CallToolParams{Name: "add"})
		wantCode(t, err, caisson.CodeInvalidArgument)
		_, err = s.Task("x").Get(testContext(t))
		wantCode(t, err, caisson.CodeInvalidArgument)
	}
}
