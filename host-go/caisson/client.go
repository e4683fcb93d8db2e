package caisson

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/pins"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/confinement"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/gate"
)

// A Client is one user of a [Runtime]: its name and capabilities, its handlers, the limits on its servers,
// and its transport. Any number of clients share a runtime, and none of them compiles anything. It is safe
// for concurrent use. The zero value fails each call with [CodeInvalidArgument].
type Client struct {
	runtime *Runtime
	options ClientOptions
	egress  egress.Options
	idle    interface{ CloseIdleConnections() } // the client's own HTTP transport; nil when it is the user's

	gate               *gate.Gate     // nil without a policy
	telemetry          *telemetry     // nil where nobody wants any
	sending, receiving MethodHandler  // the middleware; nil without any
	capabilities       map[string]any // those of the options

	roots roots
	store auth.Store // of tokens, where a way to authorize has none
	// unsaved are tokens that a store did not keep.
	unsaved authorization.Unsaved
	claims  claims // of runs that sleep, where the options have none
	// In tests: authorizing sets the clocks of an authorization, inspect is shown the core's memory.
	authorizing func(*authorization.Config)
	inspect     func(memories [][]byte)

	closing sync.Once
	gone    chan struct{}   // closed when Close is done
	open    context.Context // until Close
	end     context.CancelFunc

	mu       sync.Mutex
	closed   bool
	sessions map[*Session]struct{}
	modules  map[*Module]struct{}
	ending   sync.WaitGroup // sessions, connects given up, replays, scripts and modules, that still have something to free
}

// NewClient makes a client. A nil options means the defaults. It fails with [CodeInvalidArgument] for
// invalid options, and with [CodeClosed] on a closed runtime.
func (r *Runtime) NewClient(options *ClientOptions) (*Client, error) {
	if r.engine == nil {
		return nil, errZero("Runtime", "New")
	}
	o := options.withDefaults(r.logger)
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Client{runtime: r, options: o, store: auth.NewMemoryStore(), gone: make(chan struct{}), sessions: map[*Session]struct{}{}, modules: map[*Module]struct{}{}}
	c.open, c.end = context.WithCancel(context.Background())
	c.roots.list = o.Roots
	var err error
	if c.telemetry, err = o.newTelemetry(&r.labels); err != nil {
		return nil, err
	}
	c.gate = o.newGate(c.telemetry)
	if c.capabilities, err = capabilitiesOf(o.Capabilities); err != nil {
		return nil, errOption("ClientOptions.Capabilities cannot be made JSON: " + err.Error())
	}
	if c.sending, err = chain("SendingMiddleware", o.SendingMiddleware); err != nil {
		return nil, err
	}
	if c.receiving, err = chain("ReceivingMiddleware", o.ReceivingMiddleware); err != nil {
		return nil, err
	}
	c.egress = egress.Options{
		MaxMessage: o.MaxMessageBytes,
		Transport:  o.HTTPTransport,
		Logger:     o.Logger,
	}
	if o.Stderr != nil {
		c.egress.Stderr = egress.Serial(o.Stderr)
	}
	if o.HTTPTransport == nil {
		transport := egress.NewTransport(o.PrivateAddresses)
		c.egress.Transport, c.idle = transport, transport
	}
	if !r.add(c) {
		return nil, &Error{Code: CodeClosed, Step: "client", Message: "the runtime is closed"}
	}
	return c, nil
}

// Connect opens a session with a server: it starts the server's command where it has one, negotiates the
// protocol's revision and shakes hands. The context bounds only the connecting, not the session.
//
// It fails with [CodeInvalidArgument] for an invalid Server, with [CodeConnect] when the
// server cannot be reached or its command cannot be started, and with any other code that the
// handshake can end in; with the context's error when the context ends.
func (c *Client) Connect(ctx context.Context, server Server) (*Session, error) {
	return c.connect(ctx, server, nil)
}

// connect is Connect with a function that is called for each list that changes.
func (c *Client) connect(ctx context.Context, server Server, listChanged func(method string)) (*Session, error) {
	if c.runtime == nil {
		return nil, errZero("Client", "Runtime.NewClient")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	transport, u, wrong := server.check()
	if wrong != nil {
		return nil, wrong
	}
	var identity *pins.Identity
	var confined *confinement.Rules
	if c.gate != nil {
		var err error
		if identity, confined, err = c.admit(ctx, &server, u); err != nil {
			return nil, err
		}
	}
	s := newSession(c, server.name())
	s.identity, s.confined, s.caller = identity, confined, callerOf(ctx)
	s.listChanged = listChanged
	select {
	case c.runtime.sessions <- struct{}{}:
	default:
		message := fmt.Sprintf("%d sessions are open, of all clients of the runtime: close some, or raise RuntimeOptions.MaxSessions", cap(c.runtime.sessions))
		return nil, &Error{Code: CodeLimit, Server: s.name, Step: "connect", Message: message}
	}
	if !c.add(s) {
		<-c.runtime.sessions
		return nil, c.errClosed("connect", s.name)
	}
	if err := s.connect(ctx, &server, transport, u); err != nil {
		return nil, err
	}
	if now := s.identified(); now != identity { // The issuer is known only now.
		if err := c.gate.Server(s.name, now); err != nil {
			_ = s.Close()
			return nil, denied(s.name, "connect", err)
		}
	}
	return s, nil
}

// Close closes every session and module of the client, stops its scripts, and waits until the servers' commands
// have ended. The runtime
// stays open. It may be called more than once, and always returns nil.
func (c *Client) Close() error {
	if c.runtime == nil {
		return nil
	}
	c.closing.Do(c.close)
	<-c.gone
	return nil
}

func (c *Client) close() {
	c.mu.Lock()
	c.closed = true
	sessions := slices.Collect(maps.Keys(c.sessions))
	modules := slices.Collect(maps.Keys(c.modules))
	c.mu.Unlock()
	c.end()

	var all sync.WaitGroup
	for _, s := range sessions {
		all.Go(func() { _ = s.Close() })
	}
	for _, m := range modules {
		all.Go(func() { _ = m.Close() })
	}
	all.Wait()
	c.ending.Wait()
	if c.idle != nil {
		c.idle.CloseIdleConnections()
	}
	c.runtime.remove(c)
	close(c.gone)
}

func (c *Client) add(s *Session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.sessions[s] = struct{}{}
	if c.options.ListCache != nil {
		c.options.ListCache.open(s.session)
	}
	c.ending.Add(1)
	return true
}

func (c *Client) remove(s *Session) {
	c.mu.Lock()
	delete(c.sessions, s)
	c.mu.Unlock()
	if c.options.ListCache != nil {
		c.options.ListCache.end(s.session)
	}
	<-c.runtime.sessions
	c.ending.Done()
}

func (c *Client) addModule(m *Module) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.modules[m] = struct{}{}
	}
	return !c.closed
}

func (c *Client) removeModule(m *Module) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.modules, m)
}

// errClosed says what was closed: the runtime, whose programs may know of no client, or the client alone.
func (c *Client) errClosed(step, server string) *Error {
	c.runtime.mu.Lock()
	defer c.runtime.mu.Unlock()
	what := "client"
	if c.runtime.closed {
		what = "runtime"
	}
	return &Error{Code: CodeClosed, Server: server, Step: step, Message: "the " + what + " is closed"}
}

// begin makes Close wait until ending.Done; it returns false when the client is closed.
func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.ending.Add(1)
	return true
}

// limits returns the bounds on a session's core.
func (c *Client) limits() engine.Limits {
	o := &c.options
	return engine.Limits{MemoryBytes: o.MaxMemoryBytes, GuestTime: o.MaxGuestTime, HandlerBytes: o.MaxQueuedBytes}
}
