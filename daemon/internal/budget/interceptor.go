package budget

import (
	"context"

	"connectrpc.com/connect"
)

// Interceptor has the messages count as what they are once they are decoded, and those of streams no longer than until the
// next one is read.
type Interceptor struct{}

var _ connect.Interceptor = Interceptor{}

// WrapUnary implements [connect.Interceptor].
func (Interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		if c := from(ctx); c != nil {
			c.decoded(r.Any())
		}
		return next(ctx, r)
	}
}

// WrapStreamingClient implements [connect.Interceptor].
func (Interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements [connect.Interceptor].
func (Interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if c := from(ctx); c != nil {
			conn = &stream{conn, c}
		}
		return next(ctx, conn)
	}
}

// A stream receives one message after the other.
type stream struct {
	connect.StreamingHandlerConn
	call *call
}

// Receive implements [connect.StreamingHandlerConn].
func (s *stream) Receive(message any) error {
	s.call.next()
	err := s.StreamingHandlerConn.Receive(message)
	if err == nil {
		s.call.decoded(message)
	}
	return err
}
