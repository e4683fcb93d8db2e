//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package client

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// answers calls the handlers of a program: questions several at a time, notifications one after the other.
type answers struct {
	handlers caisson.Handlers
	told     *queue
}

func newAnswers(handlers caisson.Handlers) *answers {
	a := &answers{handlers: handlers, told: newQueue()}
	go func() {
		for range a.told.wake {
			if !a.told.run() {
				return
			}
		}
	}()
	return a
}

func (a *answers) close() { a.told.close() }

// tell has the handler of a notification hear it.
func (a *answers) tell(ctx context.Context, method string, params []byte) {
	h := &a.handlers
	var call func()
	switch method {
	case "notifications/tools/list_changed":
		call = notification(ctx, h.ToolListChangedHandler, params)
	case "notifications/prompts/list_changed":
		call = notification(ctx, h.PromptListChangedHandler, params)
	case "notifications/resources/list_changed":
		call = notification(ctx, h.ResourceListChangedHandler, params)
	case "notifications/resources/updated":
		call = notification(ctx, h.ResourceUpdatedHandler, params)
	case "notifications/message":
		call = notification(ctx, h.LoggingMessageHandler, params)
	case "notifications/progress":
		call = notification(ctx, h.ProgressNotificationHandler, params)
	case "notifications/elicitation/complete":
		call = notification(ctx, h.ElicitationCompleteHandler, params)
	}
	if call == nil {
		return
	}
	a.told.push(len(params), call)
}

// notification makes the call of a handler; nil where there is none, or the params are others.
func notification[P any](ctx context.Context, handler func(context.Context, *caisson.Request[*P]), params []byte) func() {
	if handler == nil {
		return nil
	}
	p := new(P)
	if len(params) > 0 && json.Unmarshal(params, p) != nil {
		return nil
	}
	return func() { handler(ctx, &caisson.Request[*P]{Params: p}) }
}

// ask has a handler answer a question.
func (a *answers) ask(ctx context.Context, method string, params []byte) *caissonv1.SessionAnswer {
	h := &a.handlers
	var result any
	err := error(&jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the client does not answer " + method})
	switch method {
	case "sampling/createMessage":
		if h.CreateMessageWithToolsHandler != nil {
			result, err = question(ctx, h.CreateMessageWithToolsHandler, params)
		} else if h.CreateMessageHandler != nil {
			result, err = question(ctx, h.CreateMessageHandler, params)
		}
	case "elicitation/create":
		var mode struct{ Mode string }
		_ = json.Unmarshal(params, &mode) // What is wrong with it, the next says.
		handler := h.ElicitationHandler
		if mode.Mode == "url" {
			handler = h.URLElicitationHandler
		}
		if handler != nil {
			result, err = question(ctx, handler, params)
		}
	case "roots/list":
		if h.ListRootsHandler != nil {
			result, err = question(ctx, h.ListRootsHandler, params)
		}
	}
	var text []byte
	if err == nil {
		text, err = json.Marshal(result)
	}
	if err == nil {
		return &caissonv1.SessionAnswer{Of: &caissonv1.SessionAnswer_Result{Result: text}}
	}
	var own *jsonrpc.Error
	if !errors.As(err, &own) { // What it says is the program's own.
		own = &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "the client's handler failed"}
	}
	text, _ = json.Marshal(own) // It has a text.
	return &caissonv1.SessionAnswer{Of: &caissonv1.SessionAnswer_Error{Error: text}}
}

func question[P, R any](ctx context.Context, handler func(context.Context, *caisson.Request[*P]) (*R, error), params []byte) (*R, error) {
	p := new(P)
	if len(params) > 0 {
		if err := json.Unmarshal(params, p); err != nil {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: err.Error()}
		}
	}
	return handler(ctx, &caisson.Request[*P]{Params: p})
}
