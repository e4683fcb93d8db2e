//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/rounds"
)

// A link is one upstream session. It has a caisson.Client to itself, so that what the server asks and tells
// comes to it.
type link struct {
	upstream *upstream
	client   *caisson.Client
	session  *caisson.Session
	done     chan struct{}

	idle  func() // to be called when the session has ended
	leave func() // likewise: it does not count any more

	// The upstream's lock guards these, of the main link.
	taken    bool          // a call has it to itself
	underway int           // requests that share it
	working  int           // of them, those that are no lists: while there are some, no call gets it to itself
	drained  chan struct{} // closed when there are none; nil before others take its place

	mu        sync.Mutex
	exchanges []*exchange // underway, the oldest first
	level     mcp.LoggingLevel
	// subscriptions to resources, of a server of the new era.
	subscriptions map[string]*caisson.Subscription
}

func newLink(ctx context.Context, u *upstream) (*link, error) {
	server, err := u.client.gateway.server(u.name)
	if err != nil {
		return nil, err
	}
	server.Name = u.name
	leave, err := u.client.gateway.upstream.enter(u.client.principal)
	if err != nil {
		return nil, err
	}
	l := &link{upstream: u, done: make(chan struct{}), leave: sync.OnceFunc(leave)}
	o := u.client.options()
	o.Capabilities = u.client.capabilities
	o.ReceivingMiddleware = []caisson.Middleware{func(caisson.MethodHandler) caisson.MethodHandler { return l.receive }}
	// A session asks for the changes that have a handler; the middleware hears them first, and passes none on.
	o.ToolListChangedHandler = func(context.Context, *caisson.Request[*mcp.ToolListChangedParams]) {}
	o.PromptListChangedHandler = func(context.Context, *caisson.Request[*mcp.PromptListChangedParams]) {}
	o.ResourceListChangedHandler = func(context.Context, *caisson.Request[*mcp.ResourceListChangedParams]) {}
	l.idle = l.passPolling(&o, &server)
	if l.client, err = u.client.gateway.newUpstreamClient(&o); err != nil {
		l.leave()
		return nil, err
	}
	if l.session, err = l.client.Connect(ctx, server); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// watch waits for the end of the session. The upstream's lock may be held.
func (l *link) watch() {
	l.upstream.ending.Go(func() {
		err := l.session.Wait()
		close(l.done)
		l.close()
		l.upstream.lost(l, err)
	})
}

func (l *link) close() {
	l.upstream.client.gateway.endUpstreamClient(l.client)
	l.idle()
	l.leave()
}

func (l *link) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// modern reports whether the server speaks a revision of the new era.
func (l *link) modern() bool { return l.session.ProtocolVersion() >= modern }

// receive gets what the server asks and tells.
func (l *link) receive(ctx context.Context, _ *caisson.Session, method string, text json.RawMessage) (json.RawMessage, error) {
	if !strings.HasPrefix(method, "notifications/") {
		return l.ask(ctx, method, text)
	}
	l.hear(method, text)
	return nil, nil
}

// ask asks the downstream client what the server has asked.
func (l *link) ask(ctx context.Context, method string, text json.RawMessage) (json.RawMessage, error) {
	if x := l.askedIn(text); x != nil {
		return x.ask(ctx, method, text, l.place(ctx))
	}
	if c := l.upstream.client; c.session != nil {
		return c.askSession(ctx, c.session, method, text)
	}
	return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "no call is underway that the question could belong to"}
}

// place is that of a question with this context; nil when the server asked with a request.
func (l *link) place(ctx context.Context) *place {
	p, ok := rounds.Of(ctx)
	if !ok {
		return nil
	}
	return &place{of: roundOf{link: l, number: p.Round}, key: p.Key, size: p.Size}
}

// hear passes a notification on.
func (l *link) hear(method string, text json.RawMessage) {
	c := l.upstream.client
	switch method {
	case "notifications/progress", "notifications/cancelled":
		return // The exchange has them.
	case "notifications/tasks", "notifications/tasks/status":
		return // They have the server's own ids.
	case toolsChanged, promptsChanged, resourcesChanged:
		if method == resourcesChanged {
			c.routes.forget(l.upstream.name)
		}
		if l == l.upstream.now() { // The others hear the same.
			c.tell(l.upstream.name, method, text)
		}
	case messageLogged:
		l.log(text)
	case resourceUpdated:
		if main := l.upstream.now(); main != nil && main != l { // It has subscribed too.
			return
		}
		c.tell(l.upstream.name, method, text)
	default:
		if !slices.Contains(sdkNotices, method) && !(ofExtension(method) && l.hasExtensions()) {
			return
		}
		if x := l.oldest(); x != nil && x.view.passes(method) {
			x.notify(method, text)
		} else {
			c.tell(l.upstream.name, method, text)
		}
	}
}

// enter notes a request that is underway. The caller calls the function when it has ended.
func (l *link) enter(x *exchange) (leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exchanges = append(l.exchanges, x)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, other := range l.exchanges {
			if other == x {
				l.exchanges = append(l.exchanges[:i:i], l.exchanges[i+1:]...)
				return
			}
		}
	}
}

// askedIn returns the request that a question belongs to: that of the task that it names, and else the oldest that is no
// task, whose client waits for it.
func (l *link) askedIn(params json.RawMessage) *exchange {
	task := taskOf(params)
	l.mu.Lock()
	defer l.mu.Unlock()
	var oldest *exchange
	for _, x := range l.exchanges {
		of := x.followed()
		switch {
		case task != "" && of == task, task == "" && of == "":
			return x
		case oldest == nil:
			oldest = x
		}
	}
	return oldest
}

// oldest returns the request that has been underway for longest; nil when there is none.
func (l *link) oldest() *exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.exchanges) == 0 {
		return nil
	}
	return l.exchanges[0]
}
