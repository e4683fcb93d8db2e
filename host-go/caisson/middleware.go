package caisson

import (
	"context"
	"encoding/json"
	"slices"
)

// A MethodHandler sends a request or a notification to a server, or takes one of a server's. The params
// are a JSON object, as they are sent or as they came; so is the result, which is nil for a notification.
type MethodHandler func(ctx context.Context, session *Session, method string, params json.RawMessage) (json.RawMessage, error)

// A Middleware gives a [MethodHandler] that does something before or after the next one, in its place, or
// more than once. It must not call the next one with another method. See [ClientOptions].SendingMiddleware
// and ReceivingMiddleware.
type Middleware func(next MethodHandler) MethodHandler

// through puts middleware in front of a handler: the first is called first.
func through(middleware []Middleware, handler MethodHandler) MethodHandler {
	for _, m := range slices.Backward(middleware) {
		handler = m(handler)
	}
	return handler
}
