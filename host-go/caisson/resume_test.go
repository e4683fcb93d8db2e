package caisson_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

var errCut = errors.New("cut")

// A cutter passes exchanges on to a server, and cuts them when it is told to.
type cutter struct {
	server http.Handler

	mu      sync.Mutex
	last    map[string]func() // cuts the newest exchange of an HTTP method
	resumes []string          // the Last-Event-IDs that came
}

// newCutter serves a handler through one.
func newCutter(t *testing.T, server http.Handler) (*cutter, caisson.Server) {
	c := &cutter{server: server, last: map[string]func(){}}
	listener := httptest.NewServer(c)
	t.Cleanup(func() {
		listener.CloseClientConnections()
		listener.Close()
	})
	return c, caisson.Server{URL: listener.URL, Type: caisson.TransportHTTP}
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	over := make(chan struct{})
	c.mu.Lock()
	c.last[r.Method] = func() {
		cancel(errCut)
		<-over
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		c.resumes = append(c.resumes, id)
	}
	c.mu.Unlock()
	c.server.ServeHTTP(cutWriter{w, ctx}, r.WithContext(ctx))
	close(over)
	if context.Cause(ctx) == errCut {
		panic(http.ErrAbortHandler)
	}
}

// A cutWriter writes no more once its exchange is cut, so that no farewell of the server's comes.
type cutWriter struct {
	http.ResponseWriter
	ctx context.Context
}

func (w cutWriter) Write(p []byte) (int, error) {
	if err := context.Cause(w.ctx); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

// Flush is what the SDK looks for.
func (w cutWriter) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

// cut cuts the newest exchange of a method, and returns when the server knows.
func (c *cutter) cut(method string) {
	c.mu.Lock()
	cut := c.last[method]
	c.mu.Unlock()
	cut()
}

func (c *cutter) resumed() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.resumes)
}

// TestResumedCall cuts the stream of a call while the server tells of its progress: what it tells
// meanwhile, and the result, come on the stream that resumes it.
func TestResumedCall(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{"2025-03-26", "2025-06-18", "2025-11-25"} {
		t.Run(revision, func(t *testing.T) {
			var c *cutter
			received := make(chan struct{}, 3)
			server := mcp.NewServer(&mcp.Implementation{Name: "cut", Version: "1"}, nil)
			mcp.AddTool(server, &mcp.Tool{Name: "steps"}, func(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
				for step := 1; step <= 3; step++ {
					p := &mcp.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: float64(step)}
					// What is told on a stream that is cut is kept for the one that resumes it.
					if err := r.Session.NotifyProgress(ctx, p); err != nil && step == 1 {
						return nil, nil, err
					}
					if step == 1 {
						<-received
						c.cut(http.MethodPost)
					}
				}
				return done(nil)
			})
			handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{EventStore: mcp.NewMemoryEventStore(nil)})
			var at caisson.Server
			c, at = newCutter(t, handler)
			at.ProtocolVersions = []string{revision}
			s := connect(t, sharedRuntime(t), at)
			var steps []float64
			ctx := caisson.WithCallOptions(testContext(t), caisson.CallOptions{OnProgress: func(p *mcp.ProgressNotificationParams) {
				steps = append(steps, p.Progress)
				received <- struct{}{}
			}})
			if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "steps"}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(steps, []float64{1, 2, 3}) {
				t.Errorf("the progress is %v", steps)
			}
			if ids := c.resumed(); len(ids) != 1 {
				t.Errorf("the stream was resumed after %q", ids)
			}
		})
	}
}

// TestResumedStream cuts the stream that is no call's: what the server tells meanwhile comes on the
// one that resumes it.
func TestResumedStream(t *testing.T) {
	t.Parallel()
	h := &received{changed: make(chan struct{}, 1)}
	server := newWholeServer(nil)
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{EventStore: mcp.NewMemoryEventStore(nil)})
	c, at := newCutter(t, handler)
	at.ProtocolVersions = []string{"2025-11-25"}
	s := connect(t, newClient(t, caisson.ClientOptions{Handlers: wholeHandlers(h)}), at)
	ctx := testContext(t)
	if err := s.Subscribe(ctx, &mcp.SubscribeParams{URI: docURI}); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []bool{false, true} {
		h.forget()
		if cut {
			c.cut(http.MethodGet)
		}
		if err := server.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: docURI}); err != nil {
			t.Fatal(err)
		}
		h.wait(ctx, t, "updated "+docURI)
	}
	if ids := c.resumed(); len(ids) != 1 {
		t.Errorf("the stream was resumed after %q", ids)
	}
}

// TestRenewedSubscription cuts the stream of a subscription, which is asked for again.
func TestRenewedSubscription(t *testing.T) {
	t.Parallel()
	h := &received{changed: make(chan struct{}, 1)}
	server := newWholeServer(nil)
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true})
	c, at := newCutter(t, handler)
	at.ProtocolVersions = []string{modern}
	// No handler of the lists: this subscription is the only one.
	s := connect(t, newClient(t, caisson.ClientOptions{Handlers: caisson.Handlers{ResourceUpdatedHandler: wholeHandlers(h).ResourceUpdatedHandler}}), at)
	ctx := testContext(t)
	sub, err := s.Listen(ctx, &mcp.SubscriptionsListenParams{Notifications: &mcp.NotificationSubscriptions{ResourceSubscriptions: []string{docURI}}})
	if err != nil {
		t.Fatal(err)
	}
	first := sub.Granted()
	c.cut(http.MethodPost)
	for sub.Granted() == first {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("it is not asked for again")
		}
	}
	if err := server.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: docURI}); err != nil {
		t.Fatal(err)
	}
	h.wait(ctx, t, "updated "+docURI)
	_ = sub.Close()
	if err := sub.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
