package gateway

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A run is a call that the gateway follows to its end, and that its client has as a task: where the client and the server
// do not have the same tasks, and in 2025-11-25, whose tasks ask with requests. It ends with its client.
type run struct {
	call    *heldCall
	created time.Time
	ttl     time.Duration
	expire  *time.Timer
	ended   time.Time // guarded by the tasks' lock, as size
	size    int       // of the result, once it is there
}

const (
	// maxTaskTTL bounds how long a task that the gateway follows is kept after its beginning, whatever its client wants.
	maxTaskTTL = 24 * time.Hour
	// maxTaskResults bounds what the results of one principal's tasks take that have ended. The oldest go first.
	maxTaskResults = 16 << 20
	// taskPoll is how long a client is asked to wait between two looks at a task.
	taskPoll = 500 * time.Millisecond
	// taskCancelTime bounds how long a server takes to confirm that a task is cancelled.
	taskCancelTime = 2 * time.Second
)

// relatedTask is the member of `_meta` that says which task a message of 2025-11-25 belongs to.
const relatedTask = "io.modelcontextprotocol/related-task"

// follow has a server run a call as a task, and follows it to the tool's result. A call that is given up cancels the task.
func (x *exchange) follow(ctx context.Context, l *link, params *mcp.CallToolParams) (json.RawMessage, error) {
	options, _ := caisson.CallOptionsOf(ctx)
	passed := options.OnProgress
	options.OnProgress = func(p *mcp.ProgressNotificationParams) {
		x.mu.Lock()
		x.message, x.changed = p.Message, time.Now()
		x.mu.Unlock()
		if passed != nil {
			passed(p)
		}
	}
	if x.wantsTask() {
		options.TaskTTL = ttlOf(x.taskWanted)
	}
	ctx = caisson.WithCallOptions(ctx, options)
	started, err := l.session.StartTask(ctx, params)
	if err != nil {
		return nil, err
	}
	if started.ID() == "" {
		return started.Started(), nil
	}
	x.mu.Lock()
	x.taskID = started.ID()
	x.mu.Unlock()
	if x.begun != nil {
		close(x.begun)
	}
	text, err := started.WaitRaw(ctx)
	if ctx.Err() != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), taskCancelTime)
		defer cancel()
		_ = started.Cancel(ctx) // Nobody waits for what becomes of it.
	}
	return text, err
}

// ttlOf is how long a client of 2025-11-25 wants its task to be kept; 0 where it does not say.
func ttlOf(wanted json.RawMessage) time.Duration {
	var task struct {
		TTL float64 `json:"ttl"`
	}
	_ = json.Unmarshal(wanted, &task) // What does not fit says nothing.
	return time.Duration(min(max(task.TTL, 0), float64(maxTaskTTL.Milliseconds()))) * time.Millisecond
}

// toTask gives the client of a call the task, in place of the result.
func (call *heldCall) toTask() (json.RawMessage, error) {
	x := call.exchange
	r := &run{call: call, created: time.Now(), ttl: maxTaskTTL}
	if wanted := ttlOf(x.taskWanted); wanted > 0 {
		r.ttl = wanted
	}
	x.mu.Lock()
	x.changed = r.created
	server := x.server
	x.mu.Unlock()
	id, ok := x.client.gateway.tasks.follow(x.client.principal, &task{server: server, own: rand.Text(), run: r})
	if !ok {
		if x.wantsTask() {
			call.cancel()
		}
		return nil, errTaskLimit
	}
	if x.client.ctx.Err() != nil && x.client.session != nil { // It has left already.
		x.client.gateway.tasks.leave(x.client)
	}
	x.leave()
	state := r.state(id, x.modern, false)
	if x.modern {
		state["resultType"] = "task"
		return marshal(state), nil
	}
	return marshal(map[string]any{"task": state}), nil
}

// leave has what is told of the exchange go to the client's session from now on: its request is over. A client of
// 2026-07-28 has none, and looks at the task.
func (x *exchange) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.request = nil
	if x.client.session != nil {
		x.request = x.client.ctx
	}
}

// follow keeps a task that the gateway follows, where there is room for it, and returns the id that the client has.
func (t *tasks) follow(principal string, one *task) (id string, ok bool) {
	if !t.reserve(principal) {
		return "", false
	}
	id = t.begin(principal, one)
	key := taskKey{principal, id}
	r := one.run
	t.mu.Lock()
	r.expire = time.AfterFunc(r.ttl, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.all[key] == one {
			t.remove(key)
		}
	})
	t.mu.Unlock()
	go func() {
		<-r.call.done
		t.settle(key, one)
	}()
	return id, true
}

// settle notes that a task has its result. Results that are too large together make the oldest of them go.
func (t *tasks) settle(key taskKey, one *task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all[key] != one {
		return
	}
	one.run.ended, one.run.size = time.Now(), len(one.run.call.text)
	x := one.run.call.exchange
	x.mu.Lock()
	x.changed = one.run.ended
	x.mu.Unlock()
	sum := 0
	var ended []taskKey
	for other, of := range t.all {
		if other.principal == key.principal && of.run != nil && !of.run.ended.IsZero() {
			sum += of.run.size
			ended = append(ended, other)
		}
	}
	slices.SortFunc(ended, func(a, b taskKey) int { return t.all[a].run.ended.Compare(t.all[b].run.ended) })
	for _, oldest := range ended {
		if sum <= maxTaskResults || t.all[oldest] == one {
			return
		}
		sum -= t.all[oldest].run.size
		t.remove(oldest)
	}
}

// leave forgets the tasks that a session has begun, which nobody can look at any more; all for nil.
func (t *tasks) leave(c *client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, one := range t.all {
		if one.run != nil && (c == nil || one.run.call.exchange.client == c) {
			t.remove(key)
		}
	}
}

// stop gives up what a task was to do that is not there any more.
func (r *run) stop() {
	r.call.cancel()
	if r.expire != nil {
		r.expire.Stop()
	}
}

// isOf reports whether a task is one of a client's: a session's own, or of the requests that declare the same. So nobody
// answers in its place what it is asked.
func (r *run) isOf(c *client) bool {
	of := r.call.exchange.client
	return of == c || of.key != "" && of.key == c.key
}

// over reports whether the call has ended.
func (r *run) over() bool {
	select {
	case <-r.call.done:
		return true
	default:
		return false
	}
}

// status is the task's, in a revision: a result with isError has failed in 2025-11-25, and is complete in 2026-07-28.
func (r *run) status(modern bool) caisson.TaskStatus {
	x := r.call.exchange
	switch {
	case !r.over() && x.questions.waiting():
		return caisson.TaskInputRequired
	case !r.over():
		return caisson.TaskWorking
	case r.call.cancelled.Load() || caisson.CodeOf(r.call.err) == caisson.CodeCancelled:
		return caisson.TaskCancelled
	case r.call.err != nil:
		return caisson.TaskFailed
	}
	var result struct {
		IsError bool `json:"isError"`
	}
	_ = json.Unmarshal(r.call.text, &result) // It is the result of a tool.
	if result.IsError && !modern {
		return caisson.TaskFailed
	}
	return caisson.TaskCompleted
}

// state is the task as a revision has it; whole with what 2026-07-28 says beside the status.
func (r *run) state(id string, modern, whole bool) map[string]any {
	x := r.call.exchange
	status := r.status(modern)
	x.mu.Lock()
	message, changed := x.message, x.changed
	x.mu.Unlock()
	ttl, poll := "ttl", "pollInterval"
	if modern {
		ttl, poll = "ttlMs", "pollIntervalMs"
	}
	state := map[string]any{
		"taskId": id, "status": status,
		"createdAt": r.created.UTC().Format(time.RFC3339Nano), "lastUpdatedAt": changed.UTC().Format(time.RFC3339Nano),
		ttl: r.ttl.Milliseconds(), poll: taskPoll.Milliseconds(),
	}
	if message != "" && message != string(status) {
		state["statusMessage"] = message
	}
	if !modern || !whole {
		return state
	}
	switch status {
	case caisson.TaskInputRequired:
		state["inputRequests"] = x.questions.requests()
	case caisson.TaskCompleted:
		state["result"] = withoutRelation(r.call.text)
	case caisson.TaskFailed:
		state["error"] = wireObject(r.call.err)
	}
	return state
}

// answer answers a request about the task.
func (r *run) answer(ctx context.Context, x *exchange, id, method string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	switch method {
	case "tasks/get":
		return marshal(r.state(id, x.modern, true)), nil
	case "tasks/update":
		responses, err := members(whole["inputResponses"])
		if err != nil {
			return nil, invalidParams("the inputResponses are no object")
		}
		r.call.exchange.questions.answer(responses)
		return json.RawMessage(`{}`), nil
	case "tasks/cancel":
		return r.cancel(ctx, x, id)
	}
	return r.result(ctx, x, id)
}

// cancel ends the call.
func (r *run) cancel(ctx context.Context, x *exchange, id string) (json.RawMessage, error) {
	if r.over() {
		if x.modern {
			return json.RawMessage(`{}`), nil
		}
		return nil, invalidParams("the task is over: its status is " + string(r.status(false)))
	}
	r.call.cancelled.Store(true)
	r.call.cancel()
	select {
	case <-r.call.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if x.modern {
		return json.RawMessage(`{}`), nil
	}
	return marshal(r.state(id, false, true)), nil
}

// result waits for the end of the call, and meanwhile asks the client what the server asks (2025-11-25, tasks/result).
func (r *run) result(ctx context.Context, x *exchange, id string) (json.RawMessage, error) {
	q := r.call.exchange.questions
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer q.ring() // Another request goes on with what this one has not asked.
	for {
		for _, one := range q.carry() {
			go func() {
				answer, err := x.ask(ctx, one.method, withRelation(one.params, id), nil)
				if ctx.Err() != nil && !r.over() {
					q.uncarry(one)
					return
				}
				q.settle(one, answer, err)
			}()
		}
		select {
		case <-r.call.done:
			if r.status(false) == caisson.TaskCancelled {
				return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "the task was cancelled"}
			}
			if r.call.err != nil {
				return nil, r.call.err
			}
			return withRelation(r.call.text, id), nil
		case <-q.asked:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// listTasks lists the tasks of a client of 2025-11-25, the oldest first. They are bounded: there is one page.
func (v *View) listTasks(whole map[string]json.RawMessage) (json.RawMessage, error) {
	var cursor string
	if whole["cursor"] != nil && (json.Unmarshal(whole["cursor"], &cursor) != nil || cursor != "") {
		return nil, invalidParams("the cursor is not one of this server's")
	}
	t := v.client.gateway.tasks
	type entry struct {
		id  string
		run *run
	}
	var all []entry
	t.mu.Lock()
	for key, one := range t.all {
		if key.principal == v.client.principal && one.run != nil && one.run.isOf(v.client) && v.has(one.server) {
			all = append(all, entry{key.id, one.run})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(all, func(a, b entry) int { return a.run.created.Compare(b.run.created) })
	tasks := make([]any, 0, len(all))
	for _, one := range all {
		tasks = append(tasks, one.run.state(one.id, false, true))
	}
	return marshal(map[string]any{"tasks": tasks}), nil
}

// withRelation says which task a message of 2025-11-25 belongs to; withoutRelation takes away what another one said.
func withRelation(text json.RawMessage, id string) json.RawMessage {
	return relate(text, func(meta map[string]json.RawMessage) { meta[relatedTask] = marshal(map[string]string{"taskId": id}) })
}

func withoutRelation(text json.RawMessage) json.RawMessage {
	return relate(text, func(meta map[string]json.RawMessage) { delete(meta, relatedTask) })
}

func relate(text json.RawMessage, change func(meta map[string]json.RawMessage)) json.RawMessage {
	whole, err := members(text)
	if err != nil {
		return text
	}
	meta, err := members(whole["_meta"])
	if err != nil {
		return text
	}
	change(meta)
	delete(whole, "_meta")
	if len(meta) > 0 {
		whole["_meta"] = marshal(meta)
	}
	return marshal(whole)
}

// taskOf is the server's id of the task that a question of 2025-11-25 belongs to; "" where it says none.
func taskOf(params json.RawMessage) string {
	var p struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	var of struct {
		TaskID string `json:"taskId"`
	}
	if json.Unmarshal(params, &p) != nil || json.Unmarshal(p.Meta[relatedTask], &of) != nil {
		return ""
	}
	return of.TaskID
}

// wireObject is an error as a state of a task has it.
func wireObject(err error) *jsonrpc.Error {
	var own *jsonrpc.Error
	if errors.As(wireError(err), &own) {
		return own
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: err.Error()}
}
