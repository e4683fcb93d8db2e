//lint:file-ignore SA1019 The newest revision deprecates roots, sampling and logging; servers go on using them.

package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
	"github.com/caisson-dev/caisson/host-go/caisson/policy/elicit"
)

// A client is a downstream client, with its upstream sessions: one session of the older revisions, or all requests of
// 2026-07-28 of one principal that declare the same capabilities.
type client struct {
	gateway      *Gateway
	principal    string
	capabilities *mcp.ClientCapabilities // what it can be asked
	session      *mcp.ServerSession      // nil where it is shared
	version      string                  // of the session's protocol; "" until it has begun, and where it is shared
	key          string                  // in Gateway.shared; "" where it is not shared
	ctx          context.Context         // ends with it
	cancel       context.CancelFunc
	routes       *routes

	mu        sync.Mutex
	upstreams map[string]*upstream
	homes     map[string]*client // who has the upstream of a server: the client itself, or its pool
	isPool    bool               // of sessions
	pool      *client            // of the principal's sessions, for stateless servers; nil before one is used
	leavePool func()
	guests    map[*client]struct{}           // whose pool it is
	subjects  map[string]map[string]struct{} // URIs that are subscribed to in the pool, by server
	sources   *sources
	callers   map[string]caisson.Caller // of endpoints, by their paths
	headers   map[string]*toolHeaders   // of the tools at endpoints, by their paths
	sinks     map[*sink]struct{}
	level     mcp.LoggingLevel
	changes   atomic.Uint64 // of the servers' tools
	idle      *time.Timer
	closed    bool
	held      sync.WaitGroup // held calls that go on
	holds     atomic.Int64   // how many

	// The gateway's lock guards these.
	users int       // requests underway, and streams of a session
	used  time.Time // when the last of them ended
}

// asksOf is the part of a client's capabilities that servers may make use of; nil when there is none.
func asksOf(capabilities *mcp.ClientCapabilities) *mcp.ClientCapabilities {
	if capabilities == nil {
		return nil
	}
	extensions := extensionsOf(capabilities)
	if capabilities.Sampling == nil && capabilities.Elicitation == nil && capabilities.RootsV2 == nil && extensions == nil {
		return nil
	}
	return &mcp.ClientCapabilities{Sampling: capabilities.Sampling, Elicitation: capabilities.Elicitation, RootsV2: capabilities.RootsV2, Extensions: extensions}
}

// newClient makes a client; the gateway's lock is held.
func (g *Gateway) newClient(principal string, capabilities *mcp.ClientCapabilities, pool bool) (*client, error) {
	if g.closed {
		return nil, errGatewayClosed
	}
	if !pool { // There are no more pools than sessions.
		old, err := g.room(principal)
		if err != nil {
			return nil, err
		}
		if old != nil {
			g.ending.Add(1)
			go func() {
				defer g.ending.Done()
				old.end()
			}()
		}
	}
	c := &client{
		gateway: g, principal: principal, capabilities: capabilities,
		upstreams: map[string]*upstream{}, homes: map[string]*client{},
		guests: map[*client]struct{}{}, subjects: map[string]map[string]struct{}{}, callers: map[string]caisson.Caller{}, headers: map[string]*toolHeaders{}, sinks: map[*sink]struct{}{}, routes: newRoutes(),
	}
	c.ctx, c.cancel = context.WithCancel(caisson.WithCaller(g.ctx, policy.CallerClient))
	g.clients[c] = struct{}{}
	return c, nil
}

// begin makes the client of a session of the older revisions. It is in use until the caller says otherwise.
func (g *Gateway) begin(principal string, session *mcp.ServerSession, capabilities *mcp.ClientCapabilities) (*client, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, err := g.newClient(principal, asksOf(capabilities), false)
	if err != nil {
		return nil, err
	}
	c.session, c.users = session, 1
	return c, nil
}

// share returns the client of a request of 2026-07-28, or the pool of a session. The caller calls done when the request,
// or the session, has ended.
func (g *Gateway) share(principal string, capabilities *mcp.ClientCapabilities, pool bool) (c *client, done func(), err error) {
	asks := asksOf(capabilities)
	var roots *mcp.RootCapabilities // The Go SDK does not write it with the others.
	if asks != nil {
		roots = asks.RootsV2
	}
	key := string(marshal([]any{principal, asks, roots, pool}))
	g.mu.Lock()
	defer g.mu.Unlock()
	c = g.shared[key]
	if c == nil {
		if c, err = g.newClient(principal, asks, pool); err != nil {
			return nil, nil, err
		}
		c.key, c.isPool = key, pool
		g.shared[key] = c
	}
	c.users++
	if c.idle != nil {
		c.idle.Stop()
	}
	return c, sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		c.used = time.Now()
		if c.users--; c.users == 0 && !g.closed {
			c.idle = time.AfterFunc(g.options.IdleTimeout, c.expire)
		}
	}), nil
}

// expire closes a shared client that nobody uses.
func (c *client) expire() {
	g := c.gateway
	g.mu.Lock()
	used := c.users > 0
	if !used {
		delete(g.shared, c.key)
	}
	g.mu.Unlock()
	if !used {
		c.close()
	}
}

// close ends all upstream sessions of a client.
func (c *client) close() {
	g := c.gateway
	g.mu.Lock()
	_, there := g.clients[c]
	g.take(c)
	if there && !g.closed { // Close waits for it itself.
		g.ending.Add(1)
		defer g.ending.Done()
	}
	g.mu.Unlock()

	c.mu.Lock()
	c.closed = true
	upstreams, sources := c.upstreams, c.sources
	c.mu.Unlock()
	c.cancel()
	c.unpool()
	if c.session != nil {
		g.tasks.leave(c)
	}
	c.awaitHeld()
	var all sync.WaitGroup
	for _, u := range upstreams {
		all.Go(u.close)
	}
	all.Wait()
	if sources != nil {
		sources.close()
	}
}

// holding counts a held call, until ended. Those of a client that is closed do not count.
func (c *client) holding() (ended func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return func() {}
	}
	c.held.Add(1)
	c.holds.Add(1)
	return func() {
		c.holds.Add(-1)
		c.held.Done()
	}
}

// awaitHeld waits until the held calls have ended, which are given up: their servers are told of it over the sessions
// that are closed next.
func (c *client) awaitHeld() {
	all := make(chan struct{})
	go func() {
		c.held.Wait()
		close(all)
	}()
	late := time.NewTimer(taskCancelTime)
	defer late.Stop()
	select {
	case <-all:
	case <-late.C:
	}
}

// renew ends the sessions with servers that are described in another way now, and tells of it. The next request
// connects anew.
func (c *client) renew(servers []string) {
	for _, name := range servers {
		c.mu.Lock()
		u := c.upstreams[name]
		delete(c.upstreams, name)
		c.mu.Unlock()
		c.routes.forget(name)
		if u == nil { // It has none, or the pool has it, which does the same.
			continue
		}
		c.gateway.start(u.close) // Its command may take seconds to end.
		if uris := u.wanted(); len(uris) > 0 && slices.Contains(c.gateway.Servers(), name) {
			c.upstream(name).resume(uris)
		}
	}
	if len(servers) > 0 {
		c.announce(servers)
	}
}

// announce tells that the lists of these servers may have changed.
func (c *client) announce(servers []string) {
	c.changes.Add(1)
	c.mu.Lock()
	sinks := slices.Collect(maps.Keys(c.sinks))
	c.mu.Unlock()
	for _, s := range sinks {
		for _, method := range []string{toolsChanged, promptsChanged, resourcesChanged} {
			if s.hears(method) && (s.view.only == "" || slices.Contains(servers, s.view.only)) {
				s.send(method, nil)
			}
		}
	}
}

// upstream returns the client's side of a server: in the pool of the principal's sessions, when the policy says that the
// server is stateless.
func (c *client) upstream(name string) *upstream {
	if c.session != nil {
		if home := c.home(name); home != c {
			return home.upstream(name)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.upstreams[name]
	if u == nil {
		u = newUpstream(c, name)
		if c.closed {
			u.closed = true
		} else {
			c.upstreams[name] = u
		}
	}
	return u
}

// options are those of the client's upstream sessions.
func (c *client) options() caisson.ClientOptions {
	o := c.gateway.options.Client
	if o.Policy != nil {
		o.Principal = c.principal
		if o.Approve == nil {
			o.Approve = elicit.Approve
		}
	}
	if o.Logger == nil {
		o.Logger = c.gateway.options.Logger
	}
	o.Handlers = caisson.Handlers{}
	return o
}

// mayBeAsked reports whether servers may ask the client something.
func (c *client) mayBeAsked() bool {
	can := c.capabilities
	return can != nil && (can.Sampling != nil || can.Elicitation != nil || can.RootsV2 != nil)
}

// changed tells the client that a list of a server has changed.
func (c *client) changed(server, method string) {
	c.tell(server, method, nil)
}

// tell passes a notification of a server on to whoever wants it.
func (c *client) tell(server, method string, text json.RawMessage) {
	switch method {
	case toolsChanged:
		c.changes.Add(1)
	case resourcesChanged:
		c.routes.forget(server)
	}
	for _, guest := range c.guestsOf(server) {
		if guest.overhears(server, method, text) {
			guest.tell(server, method, text)
		}
	}
	c.mu.Lock()
	var all []*sink
	for s := range c.sinks {
		if s.wants(server, method, text) {
			all = append(all, s)
		}
	}
	c.mu.Unlock()
	for _, s := range all {
		s.send(method, text)
	}
}

func (c *client) addSink(s *sink) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sinks[s] = struct{}{}
}

func (c *client) removeSink(s *sink) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sinks, s)
}
