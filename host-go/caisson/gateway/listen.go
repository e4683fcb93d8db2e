//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway

import (
	"context"
	"errors"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// listening is a subscription of 2026-07-28 while the Go SDK handles it.
type listening struct {
	request *request
	once    sync.Once
	sink    *sink
}

type listenKey struct{}

// listen answers subscriptions/listen: the Go SDK does, but what is told comes from the servers.
func (e *endpoint) listen(ctx context.Context, r *request, next mcp.MethodHandler) (mcp.Result, error) {
	if introduced, err := r.view.introduce(ctx, e); err != nil {
		return nil, err
	} else if params, ok := r.request.GetParams().(*mcp.SubscriptionsListenParams); ok && params.Notifications != nil {
		want, can := *params.Notifications, introduced.capabilities
		want.PromptsListChanged = want.PromptsListChanged && can.Prompts != nil
		want.ResourcesListChanged = want.ResourcesListChanged && can.Resources != nil
		if can.Resources == nil || !can.Resources.Subscribe {
			want.ResourceSubscriptions = nil
		}
		params.Notifications = &want
	}
	l := &listening{request: r}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, listenKey{}, l))
	defer cancel()
	defer context.AfterFunc(r.client.ctx, cancel)()
	defer func() {
		if l.sink != nil {
			r.client.removeSink(l.sink)
		}
	}()
	return next(ctx, "subscriptions/listen", r.request)
}

// sees learns the subscription's id from its acknowledgement, the first that goes with it.
func (l *listening) sees(ctx context.Context, request mcp.Request) {
	ack, ok := request.GetParams().(*mcp.SubscriptionsAcknowledgedParams)
	if !ok {
		return
	}
	l.once.Do(func() {
		r := l.request
		l.sink = &sink{ctx: context.WithValue(ctx, listenKey{}, nil), session: r.session, view: r.view, listening: &ack.Notifications, id: ack.Meta[mcp.MetaKeySubscriptionID]}
		r.client.addSink(l.sink)
	})
}

// viewOf is what the client of a subscription to a resource sees.
func (e *endpoint) viewOf(ctx context.Context, session *mcp.ServerSession) (*View, error) {
	if l, ok := ctx.Value(listenKey{}).(*listening); ok {
		return l.request.view, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.clients[session]; c != nil {
		return e.view(c), nil
	}
	return nil, errors.New("the session has not been initialized")
}

func (e *endpoint) subscribe(ctx context.Context, request *mcp.SubscribeRequest) error {
	v, err := e.viewOf(ctx, request.Session)
	if err != nil {
		return err
	}
	server, err := v.serverOf(ctx, v.exchange(ctx), request.Params.URI)
	if err != nil {
		return wireError(err)
	}
	return wireError(v.client.subscribe(ctx, server, request.Params.URI))
}

func (e *endpoint) unsubscribe(ctx context.Context, request *mcp.UnsubscribeRequest) error {
	v, err := e.viewOf(ctx, request.Session)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // A subscription ends with its request.
	server, err := v.serverOf(ctx, v.exchange(ctx), request.Params.URI)
	if err != nil {
		return wireError(err)
	}
	return wireError(v.client.unsubscribe(ctx, server, request.Params.URI))
}

// maxSubscribed bounds the resources of one server that one client is subscribed to. With a server of 2026-07-28 each is a
// stream of its own.
const maxSubscribed = 256

// subscribe subscribes to a resource, once for all who want it.
func (u *upstream) subscribe(ctx context.Context, uri string) error {
	l, err := u.get(ctx)
	if err != nil {
		return err
	}
	u.mu.Lock()
	if u.subscribed[uri] == 0 && len(u.subscribed) >= maxSubscribed {
		u.mu.Unlock()
		return &caisson.Error{Code: caisson.CodeLimit, Server: u.name, Step: "resources/subscribe", Message: "the client is subscribed to as many resources of the server as it may be: end some subscriptions"}
	}
	u.subscribed[uri]++
	first := u.subscribed[uri] == 1
	u.mu.Unlock()
	if !first {
		return nil
	}
	if err := l.subscribe(ctx, uri); err != nil {
		u.mu.Lock()
		u.drop(uri)
		u.mu.Unlock()
		return err
	}
	return nil
}

// drop takes away one who wants a resource, and reports whether it was the last. The lock is held.
func (u *upstream) drop(uri string) bool {
	if u.subscribed[uri]--; u.subscribed[uri] > 0 {
		return false
	}
	delete(u.subscribed, uri)
	return true
}

func (u *upstream) unsubscribe(ctx context.Context, uri string) error {
	u.mu.Lock()
	last := u.subscribed[uri] > 0 && u.drop(uri)
	l := u.main
	u.mu.Unlock()
	if !last || l == nil {
		return nil
	}
	return l.unsubscribe(ctx, uri)
}

// subscribe subscribes in the way of the server's revision.
func (l *link) subscribe(ctx context.Context, uri string) error {
	if !l.modern() {
		return l.session.Subscribe(ctx, &mcp.SubscribeParams{URI: uri})
	}
	s, err := l.session.Listen(ctx, &mcp.SubscriptionsListenParams{Notifications: &mcp.NotificationSubscriptions{ResourceSubscriptions: []string{uri}}})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.subscriptions == nil {
		l.subscriptions = map[string]*caisson.Subscription{}
	}
	l.subscriptions[uri] = s
	return nil
}

func (l *link) unsubscribe(ctx context.Context, uri string) error {
	if !l.modern() {
		return l.session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: uri})
	}
	l.mu.Lock()
	s := l.subscriptions[uri]
	delete(l.subscriptions, uri)
	l.mu.Unlock()
	if s != nil {
		return s.Close()
	}
	return nil
}

// subscribeAgain subscribes anew to what was subscribed to, in a new session.
func (l *link) subscribeAgain(ctx context.Context, uris []string) {
	for _, uri := range uris {
		if err := l.subscribe(ctx, uri); err != nil {
			l.upstream.client.gateway.options.Logger.Warn("a resource was not subscribed to again", "server", l.upstream.name, "error", err)
		}
	}
}

// rootsChanged tells the servers of a session that its roots have changed.
func (e *endpoint) rootsChanged(ctx context.Context, request *mcp.RootsListChangedRequest) {
	e.mu.Lock()
	c := e.clients[request.Session]
	e.mu.Unlock()
	if c == nil {
		return
	}
	for _, name := range e.view(c).Servers() {
		u := c.upstream(name)
		l := u.now()
		if u.client != c || l == nil || l.modern() {
			continue
		}
		if err := l.session.NotifyRootsListChanged(ctx); err != nil {
			c.gateway.options.Logger.Warn("a server was not told of changed roots", "server", name, "error", err)
		}
	}
}
