package caisson

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// A MethodHandler sends a request or a notification to a server, or handles one from a server. The params
// are a JSON object, as it is sent or as it came. So is the result, which is nil for a notification.
type MethodHandler func(ctx context.Context, session *Session, method string, params json.RawMessage) (json.RawMessage, error)

// A Middleware gives a [MethodHandler] that does something before or after the next one, in its place, or
// more than once. It is called once for each client, so that what its handler keeps is kept for all sessions
// of the client. The handler calls the next one with the method that it was given, and with a context made
// from its own; what does not fails with [CodeInvalidArgument]. See [ClientOptions].SendingMiddleware and
// ReceivingMiddleware.
type Middleware func(next MethodHandler) MethodHandler

// A message is what one call of the middleware is about, in its context.
type message struct {
	method  string
	handler MethodHandler // behind the middleware
}

type messageKey struct{}

// chain puts middleware in front of the handler that a call has; the first is called first. It is nil
// without middleware.
func chain(option string, middleware []Middleware) (MethodHandler, error) {
	if len(middleware) == 0 {
		return nil, nil
	}
	handler := behind
	for i, m := range slices.Backward(middleware) {
		if m != nil {
			handler = m(handler)
		}
		if m == nil || handler == nil {
			return nil, errOption(fmt.Sprintf("ClientOptions.%s[%d] is nil, or gives no handler", option, i))
		}
	}
	return handler, nil
}

// behind calls the handler behind the middleware.
var behind MethodHandler = func(ctx context.Context, s *Session, method string, params json.RawMessage) (json.RawMessage, error) {
	m, ok := ctx.Value(messageKey{}).(*message)
	wrong := ""
	switch {
	case !ok:
		wrong = "a middleware calls the next one with a context that is not made from its own"
	case method != m.method:
		wrong = "a middleware has made " + method + " of it"
		method = m.method
	}
	if wrong != "" {
		return nil, &Error{Code: CodeInvalidArgument, Server: s.Name(), Step: method, Message: wrong}
	}
	return m.handler(ctx, s, method, params)
}

// through calls a handler behind the middleware of a chain.
func through(ctx context.Context, chain MethodHandler, s *Session, method string, params json.RawMessage, handler MethodHandler) (json.RawMessage, error) {
	if chain == nil {
		return handler(ctx, s, method, params)
	}
	return chain(context.WithValue(script.Out(ctx), messageKey{}, &message{method, handler}), s, method, params)
}
