package gateway

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A Gateway serves the servers of a configuration as one. Its methods are safe for concurrent use.
type Gateway struct {
	runtime         *caisson.Runtime
	options         Options
	ctx             context.Context // ends with the gateway
	cancel          context.CancelFunc
	held            *holds
	events          *events
	busy, listening *busy
	upstream        *busy // sessions with servers
	rest            time.Duration
	tasks           *tasks
	telemetry       *telemetry // nil for none
	policed         *policed

	mu        sync.Mutex
	servers   caisson.Servers
	names     []string // of the servers that are served, sorted
	endpoints map[string]*endpoint
	clients   map[*client]struct{}
	shared    map[string]*client // by principal and capabilities
	closed    bool
	ending    sync.WaitGroup
}

// New makes a gateway in front of servers; those that are disabled are left out. It connects with none: that
// happens for each downstream client, when it comes. The runtime's owner closes it, after the gateway. The options
// may be nil.
//
// It fails with [caisson.CodeInvalidArgument] for invalid options, and for a name that a server cannot have: see
// [ToolName].
func New(runtime *caisson.Runtime, servers caisson.Servers, options *Options) (*Gateway, error) {
	if runtime == nil || servers == nil {
		return nil, invalid("gateway.New needs a Runtime and Servers")
	}
	o := options.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	g := &Gateway{
		runtime: runtime, options: o, servers: servers, rest: defaultRest,
		endpoints: map[string]*endpoint{}, clients: map[*client]struct{}{}, shared: map[string]*client{},
	}
	var err error
	if g.names, err = g.served(servers); err != nil {
		return nil, err
	}
	if g.telemetry, err = newTelemetry(&o.Client.Telemetry); err != nil {
		return nil, err
	}
	g.policed = newPoliced(o.Client.Policy)
	g.held = newHolds(o.MaxHeldCalls, o.MaxHeldCallsOfPrincipal, o.HoldTimeout)
	g.tasks = newTasks(o.MaxTasks, o.MaxTasksOfPrincipal, o.IdleTimeout)
	g.events = newEvents(o.MaxEventBytes, o.MaxEventBytesOfSession)
	const underway = "as many requests of the principal are underway as gateway.Options.MaxRequestsOfPrincipal allows: wait until some have ended"
	g.busy, g.listening = newBusy(o.MaxRequestsOfPrincipal, underway), newBusy(o.MaxRequestsOfPrincipal, underway)
	g.upstream = newBusy(o.MaxUpstreamSessionsOfPrincipal, "the principal has as many sessions with servers as gateway.Options.MaxUpstreamSessionsOfPrincipal allows: end some of its own sessions")
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g, nil
}

// served returns the names of the servers that are served.
func (g *Gateway) served(servers caisson.Servers) ([]string, error) {
	var names []string
	var wrong []error
	for _, name := range servers.Names() {
		if servers.Disabled(name) {
			continue
		}
		if err := checkName(name); err != nil {
			wrong = append(wrong, err)
		}
		if _, taken := g.options.Sources[name]; taken {
			wrong = append(wrong, invalid("the server "+quote(name)+" has the name of one of gateway.Options.Sources: rename one of the two"))
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, errors.Join(wrong...)
}

// Servers returns the names of the servers that are served, sorted.
func (g *Gateway) Servers() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.names)
}

// Run serves one downstream client over a transport, such as an [mcp.StdioTransport], at the endpoint /mcp, until the
// client goes or the context ends. Without an error the client has gone.
func (g *Gateway) Run(ctx context.Context, transport mcp.Transport) error {
	return g.RunEndpoint(ctx, everything, transport)
}

// RunEndpoint is Run at the endpoint of this path.
func (g *Gateway) RunEndpoint(ctx context.Context, path string, transport mcp.Transport) error {
	e := g.endpoint(path)
	if e == nil {
		return invalid("there is nothing to serve at " + quote(path))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	session, err := e.server.Connect(withNetwork(ctx, transport), parting(ctx, transport, g.options.MaxRequestBytes), nil)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = session.Close() })()
	err = session.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// The paths of the gateway's own endpoints.
const (
	everything = "/mcp"
	alone      = "/servers/"
)

// ownPath reports whether a path may be an endpoint of the program's.
func ownPath(path string) bool {
	return strings.HasPrefix(path, "/") && path != everything && !strings.HasPrefix(path, alone) && strings.TrimRight(path, "/") == path
}

// endpoint returns the endpoint of a path; nil when there is none.
func (g *Gateway) endpoint(path string) *endpoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	only, isAlone := "", strings.HasPrefix(path, alone)
	if isAlone {
		only = path[len(alone):]
	}
	switch {
	case g.closed:
		return nil
	case isAlone && !slices.Contains(g.names, only):
		return nil
	case !isAlone && path != everything && g.options.Endpoints[path] == nil:
		return nil
	}
	e := g.endpoints[path]
	if e == nil {
		e = newEndpoint(g, path, only)
		g.endpoints[path] = e
	}
	return e
}

// server returns the description of a server that is served. Whoever knows the name of another one, of a result before a
// reload, does not reach it.
func (g *Gateway) server(name string) (caisson.Server, error) {
	g.mu.Lock()
	servers, served := g.servers, slices.Contains(g.names, name)
	g.mu.Unlock()
	if !served {
		return caisson.Server{}, &caisson.Error{Code: caisson.CodeClosed, Server: name, Step: "connect", Message: "the server is not served any more"}
	}
	return servers.Server(name)
}

// Reload serves other servers from now on. Sessions with a server whose description has not changed go on. Those with
// the others end, and clients are told that their lists have changed. It fails, and changes nothing, with
// [caisson.CodeInvalidArgument] for a name that a server cannot have.
func (g *Gateway) Reload(servers caisson.Servers) error {
	if servers == nil {
		return invalid("Gateway.Reload needs Servers")
	}
	names, err := g.served(servers)
	if err != nil {
		return err
	}
	g.mu.Lock()
	before, old, closed := g.names, g.servers, g.closed
	g.mu.Unlock()
	if closed {
		return errGatewayClosed
	}
	var changed []string
	for _, name := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(before, names)))) {
		if !slices.Contains(names, name) || !slices.Contains(before, name) || !same(old, servers, name) {
			changed = append(changed, name)
		}
	}
	g.mu.Lock()
	g.servers, g.names = servers, names
	clients := slices.Collect(maps.Keys(g.clients))
	gone := map[string]*endpoint{}
	for path, e := range g.endpoints {
		if e.only != "" && !slices.Contains(names, e.only) {
			gone[path] = e
			delete(g.endpoints, path)
		}
	}
	g.mu.Unlock()
	for _, c := range clients {
		c.renew(changed)
	}
	for _, e := range gone {
		g.start(e.close) // A session ends after its calls, and those with their server's sessions.
	}
	return nil
}

// A Comparer is Servers that say themselves whether a server is described as other ones have it. Without it,
// [Gateway.Reload] compares the two deeply, and a server with functions in it, such as those of a login, has always
// changed.
type Comparer interface {
	caisson.Servers
	// Same reports whether a server is the same in other Servers.
	Same(others caisson.Servers, name string) bool
}

// same reports whether a server is described in the same way. One that cannot be read has changed.
func same(old, next caisson.Servers, name string) bool {
	if c, ok := next.(Comparer); ok {
		return c.Same(old, name)
	}
	a, err := old.Server(name)
	if err != nil {
		return false
	}
	b, err := next.Server(name)
	return err == nil && reflect.DeepEqual(a, b)
}

// start runs a function in a goroutine that Close waits for. In a gateway that is closed it runs it at once.
func (g *Gateway) start(f func()) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		f()
		return
	}
	g.ending.Add(1)
	g.mu.Unlock()
	go func() {
		defer g.ending.Done()
		f()
	}()
}

var errGatewayClosed = &caisson.Error{Code: caisson.CodeClosed, Step: "serve", Message: "the gateway is closed"}

// Close ends all sessions, upstream and downstream, and waits until the servers' commands have ended. It may be called
// more than once, and always returns nil.
func (g *Gateway) Close() error {
	g.mu.Lock()
	g.closed = true
	clients := slices.Collect(maps.Keys(g.clients))
	endpoints := slices.Collect(maps.Values(g.endpoints))
	g.mu.Unlock()
	g.cancel()
	g.held.close()
	g.tasks.leave(nil)
	for _, e := range endpoints {
		e.close()
	}
	for _, c := range clients {
		c.close()
	}
	g.ending.Wait()
	return nil
}
