package caisson

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// A Task is a tool's call that the server carries on by itself, for as long as it likes: of the
// Tasks extension in revision 2026-07-28 (SEP-2663), or of the experimental ones in 2025-11-25
// (basic/utilities/tasks). [Session.CallTool] follows its task by itself; a Task is for programs
// that do something else meanwhile, or outlive it. Its methods are safe for concurrent use.
type Task struct {
	session *Session
	id      string
	started json.RawMessage
}

// A TaskStatus says how a task goes.
type TaskStatus string

// The statuses of tasks. The last three are final.
const (
	TaskWorking       TaskStatus = "working"
	TaskInputRequired TaskStatus = "input_required" // it waits for answers; see [Task.Wait] and [Task.Update]
	TaskCompleted     TaskStatus = "completed"      // with a result, which may be the tool's own failure
	TaskFailed        TaskStatus = "failed"
	TaskCancelled     TaskStatus = "cancelled"
)

// A TaskState is what a server says of a task.
type TaskState struct {
	TaskID        string
	Status        TaskStatus
	StatusMessage string // for people; may be empty
	// CreatedAt and LastUpdatedAt are zero where the server gave no time of RFC 3339.
	CreatedAt, LastUpdatedAt time.Time
	// TTL is how long from its creation on the server keeps the task; 0 when it has set no end.
	TTL time.Duration
	// PollInterval is how long the server would have clients wait before they look again; 0 when it
	// does not say.
	PollInterval time.Duration
	// InputRequests are the questions that a task with [TaskInputRequired] has, by the server's keys
	// for them. Revision 2025-11-25, whose servers ask with requests, has none here.
	InputRequests map[string]TaskQuestion
	// Result is the result of a task with [TaskCompleted], and Error what one with [TaskFailed] failed
	// with. Revision 2025-11-25 has neither here: [Task.Wait] gives them.
	Result json.RawMessage
	Error  *jsonrpc.Error
}

// A TaskQuestion is what a task asks its client: a request such as elicitation/create.
type TaskQuestion struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// UnmarshalJSON reads a task of either revision.
func (t *TaskState) UnmarshalJSON(text []byte) error {
	var wire struct {
		TaskID         string                  `json:"taskId"`
		Status         TaskStatus              `json:"status"`
		StatusMessage  string                  `json:"statusMessage"`
		CreatedAt      string                  `json:"createdAt"`
		LastUpdatedAt  string                  `json:"lastUpdatedAt"`
		TTLMs          float64                 `json:"ttlMs"`
		TTL            float64                 `json:"ttl"`
		PollIntervalMs float64                 `json:"pollIntervalMs"`
		PollInterval   float64                 `json:"pollInterval"`
		InputRequests  map[string]TaskQuestion `json:"inputRequests"`
		Result         json.RawMessage         `json:"result"`
		Error          *jsonrpc.Error          `json:"error"`
	}
	if err := exact.Unmarshal(text, &wire); err != nil {
		return err
	}
	*t = TaskState{
		TaskID: wire.TaskID, Status: wire.Status, StatusMessage: wire.StatusMessage,
		TTL:           milliseconds(max(wire.TTLMs, wire.TTL)),
		PollInterval:  milliseconds(max(wire.PollIntervalMs, wire.PollInterval)),
		InputRequests: wire.InputRequests, Result: wire.Result, Error: wire.Error,
	}
	t.CreatedAt, _ = time.Parse(time.RFC3339, wire.CreatedAt)
	t.LastUpdatedAt, _ = time.Parse(time.RFC3339, wire.LastUpdatedAt)
	return nil
}

// milliseconds makes a duration of what a server gave, within what a duration can be.
func milliseconds(n float64) time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	return time.Duration(min(max(n, 0), float64(most/time.Millisecond))) * time.Millisecond
}

// StartTask calls a tool as a task and returns when the server has begun it. In revision
// 2026-07-28 it is the server that decides: it may give the tool's result at once, and then
// [Task.ID] is empty and [Task.Wait] gives that result. In 2025-11-25, where the server or the tool
// does not run as a task, and in the older revisions, it fails with [CodeInvalidArgument];
// [CallOptions.TaskTTL] says how long the task is to be kept there.
func (s *Session) StartTask(ctx context.Context, params *mcp.CallToolParams) (*Task, error) {
	op := engine.Operation{Export: "start-task", Method: "tools/call"}
	given, err := s.taskParams(ctx, params)
	if err != nil {
		return nil, s.invalid(&op, err)
	}
	raw, err := s.call(ctx, op, given)
	if err != nil {
		return nil, err
	}
	answer, err := decodeAs[struct {
		ResultType string `json:"resultType"`
		TaskID     string `json:"taskId"`
		Task       struct {
			TaskID string `json:"taskId"`
		} `json:"task"`
	}](s, op, raw)
	if err != nil {
		return nil, err
	}
	t := &Task{session: s, id: answer.Task.TaskID, started: raw}
	if answer.ResultType == "task" {
		t.id = answer.TaskID
	}
	return t, nil
}

// taskParams are the params of a tool's call, with the task's for a server of 2025-11-25.
func (s *Session) taskParams(ctx context.Context, params *mcp.CallToolParams) (map[string]json.RawMessage, error) {
	p, err := toolParams(params)
	if err != nil {
		return nil, err
	}
	text, err := marshalParams(p)
	if err != nil {
		return nil, err
	}
	given := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return nil, err
	}
	if o := s.callOptions(ctx); o != nil && o.TaskTTL > 0 && s.ProtocolVersion() < firstOfTheNewEra {
		given["task"] = fmt.Appendf(nil, `{"ttl":%d}`, o.TaskTTL.Milliseconds())
	}
	return given, nil
}

// Task returns the handle of a task by its id, which may be one of an earlier session's. Nothing is
// asked of the server.
func (s *Session) Task(id string) *Task { return &Task{session: s, id: id} }

// ID is the server's name for the task. It is empty when [Session.StartTask] has led to no task,
// but to the result.
func (t *Task) ID() string { return t.id }

// Started is the untouched answer that the task began with, or the result that came in its place.
// It is nil for a handle of [Session.Task].
func (t *Task) Started() json.RawMessage { return t.started }

// errNoTask is what comes of asking a server about a task that it never made.
func (t *Task) errNoTask(method string) error {
	return &Error{Code: CodeInvalidArgument, Server: t.session.name, Step: method, Message: "the server made no task of the call: Task.Wait gives its result"}
}

// call makes a request about the task, with its id among the params.
func (t *Task) call(ctx context.Context, op engine.Operation, params map[string]any) (json.RawMessage, error) {
	if t.session == nil {
		return nil, errZero("Task", "Session.StartTask or Session.Task")
	}
	if t.id == "" {
		return nil, t.errNoTask(op.Method)
	}
	if params == nil {
		params = map[string]any{}
	}
	params["taskId"] = t.id
	return t.session.call(ctx, op, params)
}

// Get asks the server how the task goes (tasks/get).
func (t *Task) Get(ctx context.Context) (*TaskState, error) {
	op := engine.Operation{Export: "get-task", Method: "tasks/get"}
	raw, err := t.call(ctx, op, nil)
	if err != nil {
		return nil, err
	}
	return decodeAs[TaskState](t.session, op, raw)
}

// Update answers what the task asks (tasks/update): the responses are results of the requests in
// [TaskState.InputRequests], by their keys. [Task.Wait] answers by itself, with the [Handlers].
// Revision 2025-11-25, whose servers ask with requests, fails it with [CodeInvalidArgument].
func (t *Task) Update(ctx context.Context, responses map[string]any) error {
	_, err := t.call(ctx, engine.Operation{Export: "update-task", Method: "tasks/update"}, map[string]any{"inputResponses": responses})
	return err
}

// Cancel asks the server to give the task up (tasks/cancel). It may end in another way all the
// same: [Task.Get] and [Task.Wait] tell.
func (t *Task) Cancel(ctx context.Context) error {
	_, err := t.call(ctx, engine.Operation{Export: "cancel-task", Method: "tasks/cancel"}, nil)
	return err
}

// Wait waits until the task is over and gives the tool's result, as [Session.CallTool] does; save
// that it is not checked against an outputSchema. Meanwhile the [Handlers] answer what the server
// asks, and [CallOptions.OnProgress] gets each state. A task that the server has cancelled
// fails it with [CodeCancelled]. The end of the context ends the waiting, and not the task.
func (t *Task) Wait(ctx context.Context) (*mcp.CallToolResult, error) {
	raw, err := t.WaitRaw(ctx)
	if err != nil {
		return nil, err
	}
	return decodeAs[mcp.CallToolResult](t.session, engine.Operation{Method: "tools/call"}, raw)
}

// WaitRaw is [Task.Wait] with the untouched result.
func (t *Task) WaitRaw(ctx context.Context) (json.RawMessage, error) {
	if t.id == "" && t.started != nil {
		return t.started, nil
	}
	return t.call(ctx, engine.Operation{Export: "wait-task", Method: "tasks/get"}, nil)
}

// ListTasksParams are the params of tasks/list.
type ListTasksParams struct {
	// Cursor is where the page begins: a NextCursor, or "" for the first page.
	Cursor string `json:"cursor,omitempty"`
}

// ListTasksResult is one page of tasks.
type ListTasksResult struct {
	Tasks []*TaskState `json:"tasks"`
	// NextCursor leads to the next page; "" when there is none.
	NextCursor string `json:"nextCursor"`
}

// ListTasks returns one page of the server's tasks (specification 2025-11-25, basic/utilities/tasks,
// "Task Listing"). The params may be nil. See [Session.Tasks] for all of them. Revision 2026-07-28,
// which has no such list, fails it with [CodeInvalidArgument].
func (s *Session) ListTasks(ctx context.Context, params *ListTasksParams) (*ListTasksResult, error) {
	return callAs[ListTasksResult](ctx, s, engine.Operation{Export: "list-tasks", Method: "tasks/list"}, params)
}

// Tasks iterates over the tasks of all pages, as [Session.Tools] does.
func (s *Session) Tasks(ctx context.Context, params *ListTasksParams) iter.Seq2[*TaskState, error] {
	op := engine.Operation{Export: "list-tasks", Method: "tasks/list"}
	return items(ctx, s, op, params, func(page *ListTasksResult) []*TaskState { return page.Tasks })
}

// taskProgress makes progress of a task's state, with the numbers of the server's last progress.
func taskProgress(state []byte, last *mcp.ProgressNotificationParams) *mcp.ProgressNotificationParams {
	task := &TaskState{}
	if exact.Unmarshal(state, task) != nil {
		return nil
	}
	p := *last
	if p.Message = task.StatusMessage; p.Message == "" {
		p.Message = string(task.Status)
	}
	return &p
}
