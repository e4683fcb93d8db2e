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

// taskMethods are the extension's requests of clients.
var taskMethods = []string{"tasks/get", "tasks/update", "tasks/cancel"}

// acceptTasks has the Go SDK take the requests of the extension. The middleware answers them.
func acceptTasks(server *mcp.Server) {
	for _, method := range taskMethods {
		// It fails only for a method that the Go SDK has itself.
		_ = mcp.AddReceivingCustomMethod(server, method, func(context.Context, *mcp.ServerSession, *params) (*result, error) {
			return nil, errNoMethod(method)
		})
	}
}

func errNoMethod(method string) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the gateway does not have " + method + " here"}
}

// startTask calls a tool for a client that takes tasks. The result is the tool's, or the task.
func (x *exchange) startTask(ctx context.Context, l *link, whole map[string]json.RawMessage) (json.RawMessage, error) {
	params := &mcp.CallToolParams{}
	if json.Unmarshal(whole["name"], &params.Name) != nil || whole["_meta"] != nil && json.Unmarshal(whole["_meta"], &params.Meta) != nil {
		return nil, invalidParams("the name is no text, or _meta no object")
	}
	if arguments := whole["arguments"]; arguments != nil {
		params.Arguments = arguments
	}
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

// task relays a request about a task to the server that has begun it.
func (v *View) task(ctx context.Context, x *exchange, method string, whole map[string]json.RawMessage) (json.RawMessage, error) {
	if !x.modern {
		return nil, errNoMethod(method)
	}
	var id string
	if json.Unmarshal(whole["taskId"], &id) != nil {
		return nil, invalidParams("the taskId is no text")
	}
	one := v.client.gateway.tasks.find(v.client.principal, id)
	if one == nil || !v.has(one.server) {
		return nil, errNoTask
	}
	l, err := v.linkOf(ctx, one)
	if err != nil {
		return nil, err
	}
	whole["taskId"] = marshal(one.own)
	if err := withoutOwn(whole); err != nil {
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

// hasTasks reports whether a server has declared the extension.
func (l *link) hasTasks() bool {
	_, declared := l.session.Capabilities().Extensions[tasksExtension]
	return declared && l.modern()
}
