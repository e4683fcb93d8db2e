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

// A Task is a call of a tool that the server runs by itself, for as long as it likes. It belongs to the Tasks
// extension in revision 2026-07-28 (SEP-2663), or to the experimental tasks in 2025-11-25
// (basic/utilities/tasks). [Session.CallTool] follows its task by itself. A Task is for programs that do
// other work meanwhile, or that end before the task does. Its methods are safe for concurrent use.
type Task struct {
	session *Session
	id      string
	started json.RawMessage
}

// A TaskStatus says what a task is doing.
type TaskStatus string

// These are the statuses of tasks. The last three are final.
const (
	TaskWorking       TaskStatus = "working"
	TaskInputRequired TaskStatus = "input_required" // it waits for answers; see [Task.Wait] and [Task.Update]
	TaskCompleted     TaskStatus = "completed"      // with a result, which may have IsError set
	TaskFailed        TaskStatus = "failed"
	TaskCancelled     TaskStatus = "cancelled"
)

// A TaskState is the state of a task, as the server reports it.
type TaskState struct {
	TaskID        string
	Status        TaskStatus
	StatusMessage string // for people; may be empty
	// CreatedAt and LastUpdatedAt are zero when the server sent no time of RFC 3339.
	CreatedAt, LastUpdatedAt time.Time
	// TTL is how long the server keeps the task after its creation. It is 0 when the server has set no end.
	TTL time.Duration
	// PollInterval is how long the server wants clients to wait before they ask again. It is 0 when the
	// server does not say.
	PollInterval time.Duration
	// InputRequests are the questions of a task with [TaskInputRequired], by the server's keys. It is empty
	// in revision 2025-11-25, whose servers ask with requests.
	InputRequests map[string]TaskQuestion
	// Result is the result of a task with [TaskCompleted]. Error is the error of a task with [TaskFailed].
	// Revision 2025-11-25 has neither here: [Task.Wait] returns them.
	Result json.RawMessage
	Error  *jsonrpc.Error
}

// A TaskQuestion is a question of a task to its client: a request such as elicitation/create.
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

// milliseconds returns a server's number as a duration. It limits the number to what a duration can hold.
func milliseconds(n float64) time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	return time.Duration(min(max(n, 0), float64(most/time.Millisecond))) * time.Millisecond
}

// RunsTasks reports whether the server has declared that calls of tools may become tasks: with the Tasks extension in
// revision 2026-07-28, or with its capability in 2025-11-25, where the tool's execution.taskSupport says whether it may.
// It is false in older revisions.
func (s *Session) RunsTasks() bool {
	h := s.introduced()
	if h.ProtocolVersion >= firstOfTheNewEra {
		_, declared := h.Capabilities.Extensions[tasksExtension]
		return declared
	}
	return h.runsTasks && h.ProtocolVersion == experimentalTasks
}

// tasksExtension is the name of the extension, and experimentalTasks the revision that has tasks without it.
const (
	tasksExtension    = "io.modelcontextprotocol/tasks"
	experimentalTasks = "2025-11-25"
)

// declaresTasks reads from a server's introduction whether it declares the tasks of 2025-11-25.
func declaresTasks(introduction []byte) bool {
	var h struct {
		Capabilities struct {
			Tasks struct {
				Requests struct {
					Tools struct {
						Call json.RawMessage `json:"call"`
					} `json:"tools"`
				} `json:"requests"`
			} `json:"tasks"`
		} `json:"capabilities"`
	}
	_ = exact.Unmarshal(introduction, &h) // What does not fit declares none.
	return len(h.Capabilities.Tasks.Requests.Tools.Call) > 0
}

// StartTask calls a tool as a task and returns when the server has begun the task. In revision 2026-07-28 the
// server decides: it may return the tool's result at once. Then [Task.ID] is empty and [Task.Wait] returns
// that result. In 2025-11-25 StartTask fails with [CodeInvalidArgument] when the server or the tool does not
// run tasks; [CallOptions.TaskTTL] says how long the server should keep the task. In older revisions it
// always fails with [CodeInvalidArgument].
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

// taskParams returns the params of a tool's call. For a server of 2025-11-25 they have the task's params too.
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

// Task returns the handle of a task with this id, which may come from an earlier session. It sends nothing to
// the server.
func (s *Session) Task(id string) *Task { return &Task{session: s, id: id} }

// ID returns the server's name for the task. It is empty when [Session.StartTask] has got a result in place
// of a task.
func (t *Task) ID() string { return t.id }

// Started returns the server's unchanged answer to StartTask: the task, or the result in its place. It is nil
// for a handle of [Session.Task].
func (t *Task) Started() json.RawMessage { return t.started }

// errNoTask is the error of a request about a task that the server never made.
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

// Get asks the server for the state of the task (tasks/get).
func (t *Task) Get(ctx context.Context) (*TaskState, error) {
	op := engine.Operation{Export: "get-task", Method: "tasks/get"}
	raw, err := t.call(ctx, op, nil)
	if err != nil {
		return nil, err
	}
	return decodeAs[TaskState](t.session, op, raw)
}

// Update answers the questions of the task (tasks/update). The responses are results of the requests in
// [TaskState.InputRequests], by their keys. [Task.Wait] answers by itself, with the [Handlers]. In revision
// 2025-11-25, whose servers ask with requests, Update fails with [CodeInvalidArgument].
func (t *Task) Update(ctx context.Context, responses map[string]any) error {
	_, err := t.call(ctx, engine.Operation{Export: "update-task", Method: "tasks/update"}, map[string]any{"inputResponses": responses})
	return err
}

// Cancel asks the server to stop the task (tasks/cancel). The task may end in another way all the same:
// [Task.Get] and [Task.Wait] say how.
func (t *Task) Cancel(ctx context.Context) error {
	_, err := t.call(ctx, engine.Operation{Export: "cancel-task", Method: "tasks/cancel"}, nil)
	return err
}

// Wait waits until the task is over and returns the tool's result. It works as [Session.CallTool] does, but
// does not check the result against an outputSchema. Meanwhile the [Handlers] answer the server's questions,
// and [CallOptions.OnProgress] gets each state. When the server has cancelled the task, Wait fails with
// [CodeCancelled]. The end of the context ends only the waiting, not the task.
func (t *Task) Wait(ctx context.Context) (*mcp.CallToolResult, error) {
	raw, err := t.WaitRaw(ctx)
	if err != nil {
		return nil, err
	}
	return decodeAs[mcp.CallToolResult](t.session, engine.Operation{Method: "tools/call"}, raw)
}

// WaitRaw is [Task.Wait] with the unchanged result.
func (t *Task) WaitRaw(ctx context.Context) (json.RawMessage, error) {
	if t.id == "" && t.started != nil {
		return t.started, nil
	}
	return t.call(ctx, engine.Operation{Export: "wait-task", Method: "tasks/get"}, nil)
}

// ListTasksParams are the params of tasks/list.
type ListTasksParams struct {
	// Cursor says where the page begins. It is a NextCursor, or "" for the first page.
	Cursor string `json:"cursor,omitempty"`
}

// ListTasksResult is one page of tasks.
type ListTasksResult struct {
	Tasks []*TaskState `json:"tasks"`
	// NextCursor leads to the next page. It is "" when there is none.
	NextCursor string `json:"nextCursor"`
}

// ListTasks returns one page of the server's tasks (specification 2025-11-25, basic/utilities/tasks, "Task
// Listing"). The params may be nil. [Session.Tasks] returns all tasks. In revision 2026-07-28, which has no
// such list, ListTasks fails with [CodeInvalidArgument].
func (s *Session) ListTasks(ctx context.Context, params *ListTasksParams) (*ListTasksResult, error) {
	return callAs[ListTasksResult](ctx, s, engine.Operation{Export: "list-tasks", Method: "tasks/list"}, params)
}

// Tasks iterates over the tasks of all pages, as [Session.Tools] does.
func (s *Session) Tasks(ctx context.Context, params *ListTasksParams) iter.Seq2[*TaskState, error] {
	op := engine.Operation{Export: "list-tasks", Method: "tasks/list"}
	return items(ctx, s, op, params, func(page *ListTasksResult) []*TaskState { return page.Tasks })
}

// taskProgress returns a task's state as progress, with the numbers of the server's last progress.
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
