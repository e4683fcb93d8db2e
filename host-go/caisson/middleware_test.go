//lint:file-ignore SA1019 The newest revision deprecates roots; servers go on using them.

package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// inFront makes middleware of a function that gets the next handler with each call.
func inFront(f func(next caisson.MethodHandler, ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error)) []caisson.Middleware {
	return []caisson.Middleware{func(next caisson.MethodHandler) caisson.MethodHandler {
		return func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
			return f(next, ctx, s, method, params)
		}
	}}
}

// TestMiddlewareIsMadeOnce has middleware that counts in its closure, as those of the Go SDK do: it counts
// the messages of all sessions of its client.
func TestMiddlewareIsMadeOnce(t *testing.T) {
	t.Parallel()
	counting := func(last *atomic.Int32) caisson.Middleware {
		return func(next caisson.MethodHandler) caisson.MethodHandler {
			var count atomic.Int32
			return func(ctx context.Context, s *caisson.Session, method string, params json.RawMessage) (json.RawMessage, error) {
				last.Store(count.Add(1))
				return next(ctx, s, method, params)
			}
		}
	}
	var sent, came atomic.Int32
	c := newClient(t, caisson.ClientOptions{
		SendingMiddleware:   []caisson.Middleware{counting(&sent)},
		ReceivingMiddleware: []caisson.Middleware{counting(&came)},
		Handlers: caisson.Handlers{ElicitationHandler: func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "decline"}, nil
		}},
	})
	for range 2 {
		s := connect(t, c, inMemory(t, asking()))
		callText(t, s, "ask")
		callText(t, s, "ask")
	}
	if sent.Load() != 4 || came.Load() < 4 { // The server may tell of its lists, too.
		t.Errorf("the middleware counted %d calls and %d questions, want 4 of each", sent.Load(), came.Load())
	}
}

// TestMiddlewareCallsNext has middleware call the next handler in ways of its own.
func TestMiddlewareCallsNext(t *testing.T) {
	t.Parallel()
	type (
		next = caisson.MethodHandler
		raw  = json.RawMessage
	)
	server := caissontest.NewServer(t)
	server.Handle("never", func(call *caissontest.Call) (any, error) { return nil, call.Wait(nil) })
	for name, test := range map[string]struct {
		f    func(next next, ctx context.Context, s *caisson.Session, method string, params raw) (raw, error)
		want error
	}{
		"with another context": {func(next next, _ context.Context, s *caisson.Session, method string, params raw) (raw, error) {
			return next(context.Background(), s, method, params)
		}, caisson.CodeInvalidArgument},
		"with a context that has ended": {func(next next, ctx context.Context, s *caisson.Session, method string, params raw) (raw, error) {
			ended, end := context.WithCancel(ctx)
			end()
			return next(ended, s, method, params)
		}, context.Canceled},
		"twice at once, and never returns the first": {func(next next, ctx context.Context, s *caisson.Session, method string, params raw) (raw, error) {
			first, end := context.WithCancel(ctx)
			var gone sync.WaitGroup
			gone.Go(func() { _, _ = next(first, s, method, params) })
			end()
			gone.Wait()
			return raw("{}"), nil
		}, nil},
		"in another session's options": {func(next next, ctx context.Context, s *caisson.Session, method string, params raw) (raw, error) {
			return next(caisson.WithCallOptions(ctx, caisson.CallOptions{MaxTimeout: time.Millisecond}), s, method, params)
		}, caisson.CodeTimeout},
		"after a call of its own": {func(next next, ctx context.Context, s *caisson.Session, method string, params raw) (raw, error) {
			if method == "ping" || method == "server/discover" {
				return next(ctx, s, method, params)
			}
			return nil, s.Ping(ctx, nil)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, caisson.ClientOptions{SendingMiddleware: inFront(test.f)})
			s := connect(t, c, server.Caisson())
			if _, err := s.Request(testContext(t), "never", nil); !errors.Is(err, test.want) {
				t.Errorf("it gives %v, want %v", err, test.want)
			}
		})
	}
}

// TestNoAnswer has the program answer a server's question with what is no answer: the server hears of an
// error, and its call goes on.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	server := caissontest.NewServer(t, "2025-11-25")
	server.AddTool(&mcp.Tool{Name: "ask"}, func(call *caissontest.Call) (any, error) {
		_, err := call.Ask("com.example/ask", nil)
		var wire *jsonrpc.Error
		if !errors.As(err, &wire) {
			return nil, err
		}
		return caissontest.Text(wire.Message), nil
	})
	var none *jsonrpc.Error
	for name, test := range map[string]struct {
		result json.RawMessage
		err    error
		want   string
	}{
		"nothing":                          {nil, nil, "the client could not answer"},
		"null":                             {json.RawMessage("null"), nil, "the client could not answer"},
		"a list":                           {json.RawMessage("[]"), nil, "the client could not answer"},
		"no JSON":                          {json.RawMessage("{}}"), nil, "the client could not answer"},
		"an error that is a nil pointer":   {nil, none, "the client could not answer"},
		"an error whose data is no JSON":   {nil, &jsonrpc.Error{Code: 5, Message: "no", Data: json.RawMessage("why")}, "no"},
		"an error whose data is JSON null": {nil, &jsonrpc.Error{Code: 5, Message: "no", Data: json.RawMessage("null")}, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, caisson.ClientOptions{ReceivingMiddleware: inFront(func(caisson.MethodHandler, context.Context, *caisson.Session, string, json.RawMessage) (json.RawMessage, error) {
				return test.result, test.err
			})})
			if got := callText(t, connect(t, c, server.Caisson()), "ask"); got != test.want {
				t.Errorf("the server hears %q, want %q", got, test.want)
			}
		})
	}
}

// TestCloseInMiddleware closes a client in the middle of what it sends by itself.
func TestCloseInMiddleware(t *testing.T) {
	t.Parallel()
	for method, begin := range map[string]func(*caisson.Client) error{
		"ping":                             func(*caisson.Client) error { return nil }, // The keep-alive sends it.
		"notifications/roots/list_changed": func(c *caisson.Client) error { return c.AddRoots(&mcp.Root{URI: "file:///b"}) },
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var c *caisson.Client
			made, closed := make(chan struct{}), make(chan struct{})
			var once sync.Once
			c = newClient(t, caisson.ClientOptions{
				Roots:     []*mcp.Root{{URI: "file:///a"}},
				KeepAlive: time.Second,
				SendingMiddleware: inFront(func(next caisson.MethodHandler, ctx context.Context, s *caisson.Session, sent string, params json.RawMessage) (json.RawMessage, error) {
					if sent == method {
						once.Do(func() {
							<-made
							_ = c.Close()
							close(closed)
						})
					}
					return next(ctx, s, sent, params)
				}),
			})
			close(made)
			connect(t, c, caissontest.NewServer(t, "2025-11-25").Caisson())
			if err := begin(c); err != nil {
				t.Fatal(err)
			}
			select {
			case <-closed:
			case <-testContext(t).Done():
				t.Error("Close waits for the middleware that calls it")
			}
		})
	}
}
