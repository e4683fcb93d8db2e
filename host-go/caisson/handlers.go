//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package caisson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// A Request is what a server sends to the program: a question, or a notification.
type Request[P any] struct {
	Session *Session
	Params  P
}

// Handlers answer what servers ask, and hear what they tell. None is required; a capability is
// declared to servers exactly when its handler is set.
//
// A handler that answers runs in a goroutine of its own, and must be safe for concurrent use: a server
// may ask several questions at a time, and those of one round (2026-07-28) are all asked at once. At most
// 64 of a session wait for answers; a further one is answered with an error, which in a round fails the
// call. The context of a handler ends when the server takes the question back, when another question of
// its round fails, and with the session. A handler may call the session. An error that
// is a [*jsonrpc.Error] is sent to the server as it is; of any other, the server learns only that
// there was one. What a handler answers reaches a server in the form of its revision: as the
// answer to a request, or in the next round of the call that asked for it (2026-07-28).
//
// A handler of notifications is called with one notification at a time, in the order in which the server
// sent them. It holds up neither the session nor calls, so that a call may return before a handler has
// heard what the server told earlier; [CallOptions.OnProgress] alone has heard all of it by then. What
// may wait for slow handlers is bounded: see [Limits.NotificationQueue] and [Limits.MaxQueuedBytes].
//
// No handler is called before the handshake is over. What a server tells until then waits, within the
// same bounds; what it asks before it has answered `initialize` is answered with an error.
//
// In revision 2026-07-28 servers notify of changes only where they are asked to: a session asks by
// itself for the changes that have a handler, except those of single resources, which
// [Session.Listen] names.
type Handlers struct {
	// CreateMessageHandler samples from a language model (specification, client/sampling).
	CreateMessageHandler func(context.Context, *Request[*mcp.CreateMessageParams]) (*mcp.CreateMessageResult, error)
	// CreateMessageWithToolsHandler samples from a language model that may use tools. Set this or
	// CreateMessageHandler, not both.
	CreateMessageWithToolsHandler func(context.Context, *Request[*mcp.CreateMessageWithToolsParams]) (*mcp.CreateMessageWithToolsResult, error)
	// ElicitationHandler asks the user to fill in a form (specification, client/elicitation, "Form
	// Mode"). Properties that an accepted form leaves out get their defaults.
	ElicitationHandler func(context.Context, *Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error)
	// URLElicitationHandler asks the user to visit a URL (specification, client/elicitation, "URL
	// Mode"). Show the whole URL, and open it only when the user agrees.
	URLElicitationHandler func(context.Context, *Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error)
	// ListRootsHandler lists the folders that the server may work in (specification, client/roots).
	// See [Session.NotifyRootsListChanged].
	ListRootsHandler func(context.Context, *Request[*mcp.ListRootsParams]) (*mcp.ListRootsResult, error)

	// ToolListChangedHandler is called when the server's tools have changed.
	ToolListChangedHandler func(context.Context, *Request[*mcp.ToolListChangedParams])
	// PromptListChangedHandler is called when the server's prompts have changed.
	PromptListChangedHandler func(context.Context, *Request[*mcp.PromptListChangedParams])
	// ResourceListChangedHandler is called when the server's resources have changed.
	ResourceListChangedHandler func(context.Context, *Request[*mcp.ResourceListChangedParams])
	// ResourceUpdatedHandler is called when a resource has changed; see [Session.Subscribe].
	ResourceUpdatedHandler func(context.Context, *Request[*mcp.ResourceUpdatedNotificationParams])
	// LoggingMessageHandler gets what the server logs; see [Session.SetLoggingLevel].
	LoggingMessageHandler func(context.Context, *Request[*mcp.LoggingMessageParams])
	// ProgressNotificationHandler gets the progress of every call that has a progress token;
	// see also [CallOptions.OnProgress].
	ProgressNotificationHandler func(context.Context, *Request[*mcp.ProgressNotificationParams])
	// ElicitationCompleteHandler is called when the user has done what a URL elicitation asked for.
	ElicitationCompleteHandler func(context.Context, *Request[*mcp.ElicitationCompleteParams])
}

func (h *Handlers) check() error {
	if h.CreateMessageHandler != nil && h.CreateMessageWithToolsHandler != nil {
		return &Error{Code: CodeInvalidArgument, Step: "options", Message: "ClientOptions.CreateMessageHandler and CreateMessageWithToolsHandler are both set: set one"}
	}
	return nil
}

// declare returns the JSON text of the capabilities that the client declares in this session.
func (s *Session) declare() string {
	type object = map[string]any
	o := &s.client.options
	c := object{}
	switch {
	case o.CreateMessageWithToolsHandler != nil:
		c["sampling"] = object{"tools": object{}}
	case o.CreateMessageHandler != nil:
		c["sampling"] = object{}
	}
	elicitation := object{}
	if o.ElicitationHandler != nil {
		elicitation["form"] = object{"applyDefaults": true}
	}
	if o.URLElicitationHandler != nil {
		elicitation["url"] = object{}
	}
	if len(elicitation) > 0 {
		c["elicitation"] = elicitation
	}
	_, roots := s.client.roots.get()
	if o.ListRootsHandler != nil || roots {
		c["roots"] = object{"listChanged": true}
	}
	maps.Copy(c, s.client.capabilities)
	o.declareExtensions(c)
	s.withhold(c)
	_, s.declaresRoots = c["roots"]
	text, _ := json.Marshal(c) // A map of maps always marshals.
	return string(text)
}

// capabilitiesOf gives capabilities as JSON has them; none for nil.
func capabilitiesOf(capabilities *mcp.ClientCapabilities) (map[string]any, error) {
	if capabilities == nil {
		return nil, nil
	}
	text, err := json.Marshal(capabilities)
	if err != nil {
		return nil, err
	}
	own := map[string]any{}
	if err := json.Unmarshal(text, &own); err != nil {
		return nil, err
	}
	delete(own, "roots") // The Go SDK has it in any case, and means RootsV2.
	if capabilities.RootsV2 != nil {
		own["roots"] = *capabilities.RootsV2
	}
	return own, nil
}

// answer answers a server's question, through the middleware.
func (s *Session) answer(ctx context.Context, method string, params []byte) (result []byte, err error) {
	if t := s.client.telemetry; t != nil {
		var observed func(error)
		ctx, observed = t.answers(ctx, s, method, params)
		defer func() { observed(err) }()
	}
	if asking := askings[method]; asking == policy.AskElicitation || asking == policy.AskSampling {
		defer s.asking.asked()() // The time of scripts does not run while somebody answers.
		ctx = s.asking.answering(ctx)
	}
	done, err := s.permits(ctx, method)
	if err != nil {
		s.core.Logger().Warn("a server's question was not answered", "server", s.name, "method", method, "error", err)
		return nil, errNotHandled
	}
	result, err = through(ctx, s.client.receiving, s, method, params, handle)
	defer func() { done(err) }()
	if err == nil && !isObject(result) {
		err = errors.New("the answer is not a JSON object")
	}
	if err != nil && ctx.Err() == nil {
		s.core.Logger().Warn("a server's question was not answered", "server", s.name, "method", method, "error", err)
	}
	return result, err
}

// handle answers a server's question with the handler for it.
func handle(ctx context.Context, s *Session, method string, params json.RawMessage) (result json.RawMessage, err error) {
	h := &s.client.options.Handlers
	switch method {
	case "sampling/createMessage":
		if h.CreateMessageWithToolsHandler != nil {
			result, err = answerWith(ctx, s, h.CreateMessageWithToolsHandler, params)
		} else {
			result, err = answerWith(ctx, s, h.CreateMessageHandler, params)
		}
	case "elicitation/create":
		var mode struct {
			Mode string `json:"mode"`
		}
		_ = exact.Unmarshal(params, &mode) // The core has checked the params.
		if mode.Mode == "url" {
			result, err = answerWith(ctx, s, h.URLElicitationHandler, params)
		} else {
			result, err = answerWith(ctx, s, h.ElicitationHandler, params)
		}
	case "roots/list":
		if _, own := s.client.roots.get(); own {
			result, err = answerWith(ctx, s, s.client.listRoots, params)
		} else {
			result, err = answerWith(ctx, s, h.ListRootsHandler, params)
		}
	default:
		result, err = s.answerExtension(ctx, method, params)
	}
	return result, err
}

var errNotHandled = &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the client does not answer this"}

func answerWith[P, R any](ctx context.Context, s *Session, handler func(context.Context, *Request[*P]) (*R, error), params []byte) ([]byte, error) {
	if handler == nil {
		return nil, errNotHandled
	}
	p := new(P)
	if err := exact.Unmarshal(params, p); err != nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "the params do not fit: " + err.Error()}
	}
	result, err := handler(ctx, &Request[*P]{Session: s, Params: p})
	if err != nil {
		return nil, err
	}
	if result == nil {
		return nil, fmt.Errorf("the handler gave neither a result nor an error")
	}
	return json.Marshal(result)
}

// notifier returns the function that passes notifications to their handlers; nil when there are no handlers.
func (s *Session) notifier() func(method string, params []byte) {
	o := &s.client.options
	h := &o.Handlers
	handlers := map[string]func([]byte){}
	add(handlers, s, "notifications/tools/list_changed", h.ToolListChangedHandler)
	add(handlers, s, "notifications/prompts/list_changed", h.PromptListChangedHandler)
	add(handlers, s, "notifications/resources/list_changed", h.ResourceListChangedHandler)
	add(handlers, s, "notifications/resources/updated", h.ResourceUpdatedHandler)
	add(handlers, s, "notifications/message", h.LoggingMessageHandler)
	add(handlers, s, "notifications/progress", h.ProgressNotificationHandler)
	add(handlers, s, "notifications/elicitation/complete", h.ElicitationCompleteHandler)
	if len(handlers) == 0 && o.OnNotification == nil && s.listChanged == nil && s.client.receiving == nil && s.client.gate == nil {
		return nil
	}
	receive := func(ctx context.Context, _ *Session, method string, params json.RawMessage) (json.RawMessage, error) {
		if f := handlers[method]; f != nil {
			f(params)
		}
		if o.OnNotification != nil {
			o.OnNotification(ctx, s, method, params)
		}
		return nil, nil
	}
	return func(method string, params []byte) {
		if !s.mayHear(method, params) {
			return
		}
		if strings.HasSuffix(method, "/list_changed") {
			s.forgetDefinitions(method)
		}
		if s.listChanged != nil && strings.HasSuffix(method, "/list_changed") {
			s.listChanged(method)
		}
		if _, err := through(s.core.Context(), s.client.receiving, s, method, params, receive); err != nil {
			s.core.Logger().Warn("a middleware did not take a notification", "server", s.name, "method", method, "error", err)
		}
	}
}

func add[P any](handlers map[string]func([]byte), s *Session, method string, handler func(context.Context, *Request[*P])) {
	if handler == nil {
		return
	}
	handlers[method] = func(params []byte) {
		p := new(P)
		if len(params) > 0 {
			if err := exact.Unmarshal(params, p); err != nil {
				s.core.Logger().Warn("a notification does not fit its type", "server", s.name, "method", method)
				return
			}
		}
		handler(s.core.Context(), &Request[*P]{Session: s, Params: p})
	}
}
