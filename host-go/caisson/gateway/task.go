package gateway

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// tasksExtension is the extension of revision 2026-07-28 by which a tool's call becomes a task (SEP-2663).
const tasksExtension = "io.modelcontextprotocol/tasks"

// experimental is the revision whose tasks are a part of the protocol itself (basic/utilities/tasks).
const experimental = "2025-11-25"

// taskMethods are the requests of clients about tasks, in both revisions.
var taskMethods = append([]string{"tasks/result", "tasks/list"}, namedTaskMethods...)

// namedTaskMethods are those of 2026-07-28, whose headers name the task.
var namedTaskMethods = []string{"tasks/get", "tasks/update", "tasks/cancel"}

// acceptMore has the Go SDK take these, and requests of extensions. The middleware answers them.
func acceptMore(server *mcp.Server) {
	for _, method := range append([]string{carriedRequest}, taskMethods...) {
		// It fails only for a method that the Go SDK has itself.
		_ = mcp.AddReceivingCustomMethod(server, method, func(context.Context, *mcp.ServerSession, *params) (*result, error) {
			return nil, errNoMethod(method)
		})
	}
}

func errNoMethod(method string) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the gateway does not have " + method + " here"}
}

// wantsTask reports whether the client is one of 2025-11-25 that wants the call as a task.
func (x *exchange) wantsTask() bool { return x.taskWanted != nil }

// callTask calls a tool for a client that takes tasks: the server's own where both speak 2026-07-28, and else one that
// the gateway follows. The result is the tool's, or the server's task.
func (x *exchange) callTask(ctx context.Context, l *link, whole map[string]json.RawMessage) (json.RawMessage, error) {
	params := &mcp.CallToolParams{}
	if json.Unmarshal(whole["name"], &params.Name) != nil || whole["_meta"] != nil && json.Unmarshal(whole["_meta"], &params.Meta) != nil {
		return nil, invalidParams("the name is no text, or _meta no object")
	}
	if arguments := whole["arguments"]; arguments != nil {
		params.Arguments = arguments
	}
	all, principal := x.client.gateway.tasks, x.client.principal
	relayed := x.tasks && l.modern()
	runs := relayed
	if !relayed {
		var err error
		if runs, err = l.runsAsTask(ctx, params.Name); err != nil {
			return nil, err
		}
	}
	switch {
	case x.wantsTask() && !runs:
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the server does not run the tool " + quote(params.Name) + " as a task"}
	case x.wantsTask() && !all.room(principal):
		return nil, errTaskLimit
	case relayed && all.reserve(principal):
		return x.startTask(ctx, l, params)
	case runs && !relayed && all.room(principal):
		return x.follow(ctx, l, params)
	}
	return l.session.Request(ctx, "tools/call", whole)
}

// runsAsTask reports whether a server may make a task of a tool's call.
func (l *link) runsAsTask(ctx context.Context, tool string) (bool, error) {
	if l.modern() || !l.session.RunsTasks() {
		return l.session.RunsTasks(), nil
	}
	for page, err := range l.session.Pages(ctx, "tools/list", nil) {
		if err != nil {
			return false, err
		}
		var list struct {
			Tools []struct {
				Name      string `json:"name"`
				Execution struct {
					TaskSupport string `json:"taskSupport"`
				} `json:"execution"`
			} `json:"tools"`
		}
		if json.Unmarshal(page, &list) != nil {
			continue // The call finds out.
		}
		for _, one := range list.Tools {
			if one.Name == tool {
				return one.Execution.TaskSupport == "optional" || one.Execution.TaskSupport == "required", nil
			}
		}
	}
	return false, nil
}

// startTask has a server of 2026-07-28 begin a task, in the room that was reserved for it.
func (x *exchange) startTask(ctx context.Context, l *link, params *mcp.CallToolParams) (json.RawMessage, error) {
	all, principal := x.client.gateway.tasks, x.client.principal
	begun := false
	defer func() {
		if !begun {
			all.none(principal)
		}
	}()
	started, err := l.session.StartTask(ctx, params)
	if err != nil {
		return nil, err
	}
	if started.ID() == "" {
		return started.Started(), nil
	}
	begun = true
	id := all.begin(principal, &task{server: l.upstream.name, own: started.ID(), link: l})
	return withTaskID(started.Started(), id), nil
}

// withTaskID gives a task the id that its client has.
func withTaskID(text json.RawMessage, id string) json.RawMessage {
	whole, err := members(text)
	if err != nil || whole["taskId"] == nil {
		return text
	}
	whole["taskId"] = marshal(id)
	return marshal(whole)
}

// task answers a request about a task: the gateway does for one that it follows, and relays another one to the server
// that has begun it.
func (v *View) task(ctx context.Context, x *exchange, method string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	if !v.client.hasTaskMethod(x.modern, method) {
		return nil, errNoMethod(method)
	}
	if x.modern && !x.tasks {
		return nil, errNoTasks
	}
	if method == "tasks/list" {
		return v.listTasks(whole)
	}
	var id string
	if json.Unmarshal(whole["taskId"], &id) != nil {
		return nil, invalidParams("the taskId is no text")
	}
	one := v.client.gateway.tasks.find(v.client.principal, id)
	if one == nil || !v.has(one.server) || one.run == nil && !x.modern || one.run != nil && !one.run.isOf(v.client) {
		return nil, errNoTask
	}
	if one.run != nil {
		text, err := one.run.answer(ctx, x, id, method, whole)
		if err == nil && one.run.over() && (method == "tasks/result" || x.modern && method == "tasks/get") {
			v.client.gateway.tasks.end(one)
			v.client.routes.learn(one.server, one.run.call.text)
		}
		return text, err
	}
	l, err := v.linkOf(ctx, one)
	if err != nil {
		return nil, err
	}
	whole["taskId"] = marshal(one.own)
	if err := v.client.gateway.withoutOwn(whole); err != nil {
		return nil, err
	}
	text, err := l.session.Request(ctx, method, whole)
	if err != nil {
		return nil, err
	}
	var state struct {
		Status caisson.TaskStatus `json:"status"`
		Result json.RawMessage    `json:"result"`
	}
	_ = json.Unmarshal(text, &state) // What does not fit is no end.
	switch state.Status {
	case caisson.TaskCompleted, caisson.TaskFailed, caisson.TaskCancelled:
		v.client.gateway.tasks.end(one)
		v.client.routes.learn(one.server, state.Result)
	}
	return withTaskID(text, id), nil
}

// hasTaskMethod reports whether a request about tasks is one of the client's revision.
func (c *client) hasTaskMethod(modern bool, method string) bool {
	switch method {
	case "tasks/update":
		return modern
	case "tasks/result", "tasks/list":
		return !modern && c.version == experimental
	}
	return modern || c.version == experimental
}

var errTaskLimit = &caisson.Error{Code: caisson.CodeLimit, Step: "serve", Message: "there are as many tasks as gateway.Options.MaxTasks and MaxTasksOfPrincipal allow: wait for the end of some, or call without a task"}

// errNoTasks is for a request about a task by a client that does not say that it has tasks.
var errNoTasks = &jsonrpc.Error{
	Code:    mcp.CodeMissingRequiredClientCapabilities,
	Message: "the request does not declare the extension " + tasksExtension,
	Data:    marshal(map[string]any{"requiredCapabilities": map[string]any{"extensions": map[string]any{tasksExtension: map[string]any{}}}}),
}

var errNoTask = invalidParams("the task is not found: it is over for long, its server has ended, or it is none of the principal's")

// linkOf is the session for requests about a task: the one that has begun it. When that has ended, a server with a URL
// is asked in another one.
func (v *View) linkOf(ctx context.Context, one *task) (*link, error) {
	if !one.link.ended() {
		return one.link, nil
	}
	server, err := v.client.gateway.server(one.server)
	if err != nil || server.URL == "" {
		return nil, errNoTask
	}
	return v.client.upstream(one.server).get(ctx)
}

// takesTasks reports whether a client has declared the extension.
func takesTasks(capabilities *mcp.ClientCapabilities) bool {
	_, declared := capabilities.Extensions[tasksExtension]
	return declared
}
