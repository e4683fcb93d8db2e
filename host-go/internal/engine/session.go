package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// An EndpointKind is a case of `endpoint` in wit/client.wit.
type EndpointKind string

// The cases of `endpoint`.
const (
	HTTP      EndpointKind = "http"
	SSE       EndpointKind = "sse"
	HTTPOrSSE EndpointKind = "http-or-sse"
	Stdio     EndpointKind = "stdio"
)

// An Endpoint is where the core finds the server. The URL is empty for Stdio.
type Endpoint struct {
	Kind EndpointKind
	URL  string
}

// An Implementation is the name that the client gives itself.
type Implementation struct{ Name, Version, Title string }

// Limits bound one session's instance, and what waits for its handlers.
type Limits struct {
	MemoryBytes  int64 // of the instance
	GuestTime    time.Duration
	HandlerBytes int64 // from the server that wait for handlers
}

// A SessionConfig describes a session.
type SessionConfig struct {
	Limits         Limits
	Logger         *slog.Logger
	Egress         egress.Options
	Endpoint       Endpoint
	ClientInfo     Implementation
	ConnectTimeout time.Duration
	Grant          egress.Grant
	// Authorization proves to the server who the user is; nil does not.
	Authorization *authorization.Flow
	// NoLogin says that Authorization is nil because the program wants no login.
	NoLogin bool
	// Capabilities are what the client declares: the JSON text of ClientCapabilities.
	Capabilities string
	// ProtocolVersions are the revisions to speak; none for all that the core knows.
	ProtocolVersions []string
	InputRounds      int
	RetryBudget      time.Duration
	Restarts         int
	CacheResults     bool
	// Notified is called with the method of each notification, before anything else hears of it. It is called on the
	// instance's goroutine and must not wait. nil hears nothing.
	Notified func(method string)
	// Notify gets the server's notifications, one at a time; nil drops them. Neither it nor Ask is
	// called before [Session.Ready].
	Notify            func(method string, params []byte)
	NotificationQueue int
	// Ask answers what the server asks. It is called in a goroutine of its own; the context ends
	// when nobody waits for the answer any more, and has the place of a question in a round; see package rounds. nil answers
	// nothing.
	Ask func(ctx context.Context, method string, params []byte) (result []byte, err error)
	// Renewed is called when the session was begun anew; see renewed in wit/host.wit. It is called on
	// the instance's goroutine and must not wait.
	Renewed func(introduction []byte)
	// Inspect is shown the core's memory after each batch of events, on the instance's goroutine, in tests.
	Inspect func(memories [][]byte)
	// Record is where the session is recorded, and closed with it; nil for nowhere.
	Record *Recording
}

// closeTimeout bounds what the core may do to say goodbye to a server.
const closeTimeout = 5 * time.Second

// A Session is one session with one server, in an instance of its own. It is safe for concurrent
// use.
type Session struct {
	id       uint32
	config   SessionConfig
	instance *instance
	egress   *egress.Broker

	steps         sync.WaitGroup  // of the authorization
	ctx           context.Context // ends with the session
	cancel        context.CancelFunc
	notifications *notificationQueue // nil when nobody listens
	ready         chan struct{}      // closed when handlers may hear of the session
	readyOnce     sync.Once
	logger        *slog.Logger // lets through only so much

	ended   chan struct{}
	endOnce sync.Once
	failure *Failure // why it ended; set before ended is closed

	closeOnce sync.Once
}

// Open makes an instance for a session. The context bounds the instantiation. The session must be
// closed, also when [Session.Connect] fails.
func (e *Engine) Open(ctx context.Context, config SessionConfig) (*Session, *Failure) {
	writer := newRecording(&config)
	logger, lines := rateLimited(config.Logger, config.Grant.Server)
	in := e.newInstance(logger, config.Limits, config.Egress.MaxMessage)
	in.record, in.lines = writer, lines
	s := &Session{
		id:       1,
		config:   config,
		instance: in,
		ready:    make(chan struct{}),
		logger:   logger,
		ended:    make(chan struct{}),
	}
	in.session = s
	s.ctx, s.cancel = context.WithCancel(context.Background())
	options := config.Egress
	options.Logger = logger
	grant := config.Grant
	if config.Authorization != nil {
		grant.Authorization = config.Authorization
	}
	s.egress = egress.NewBroker(grant, in, options)
	if config.Notify != nil {
		s.notifications = newNotificationQueue(config.NotificationQueue, in.budget, s.ready, func(n notification) { config.Notify(n.method, n.params) })
	}
	if err := in.instantiate(ctx, recorder{writer}); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		} else {
			writer.Trap(err)
		}
		s.discard()
		if ctx.Err() != nil {
			return nil, contextEnded(ctx)
		}
		return nil, in.trapped("instantiate", err)
	}
	go in.run()
	return s, nil
}

// discard frees a session whose instance there never was: a core may have begun something while it
// was made. The caller of Open does not wait for that.
func (s *Session) discard() {
	in := s.instance
	s.end(nil)
	in.mailbox.close()
	in.throttle.stop()
	in.engine.background.Go(func() {
		s.egress.Close()
		s.steps.Wait()
		in.record.Close()
	})
}

// Ready says that the handlers may hear of the session from now on. What came before has waited.
func (s *Session) Ready() { s.readyOnce.Do(func() { close(s.ready) }) }

// Logger is where what a server brings about is logged: so many lines, and no more.
func (s *Session) Logger() *slog.Logger { return s.logger }

// Context returns a context that ends with the session.
func (s *Session) Context() context.Context { return s.ctx }

// Connect opens the session in the core; see connect in wit/client.wit for what it gives.
func (s *Session) Connect(ctx context.Context) (string, *Failure) {
	return s.Call(ctx, Operation{Export: connect, Method: "connect"})
}

// Call runs an operation and waits for its outcome, or for the end of the context; then the core
// is told to give it up.
func (s *Session) Call(ctx context.Context, op Operation) (string, *Failure) {
	if op.Export == "" {
		op.Export = request
	}
	in := s.instance
	c := newCall(ctx, s, op)
	defer c.progress.close()
	if over := c.take(); over != nil {
		return "", over.failure(op.Method)
	}
	// Never in this goroutine, which waits for its context: a server can make the core take long.
	if !in.mailbox.put(item{begin: c}) {
		c.release()
		return "", s.closedFailure(op.Method)
	}
	select {
	case o := <-c.settled:
		// What was told before the outcome is heard before it.
		c.progress.drain(ctx)
		return o.result, o.failure
	case <-ctx.Done():
		in.giveUp(c)
		return "", contextEnded(ctx)
	}
}

// Heard waits until the handler has had all notifications that have come so far, or the context ends.
func (s *Session) Heard(ctx context.Context) { s.notifications.heard(ctx) }

// Wait waits for the session's end and says what ended it: nil for [Session.Close].
func (s *Session) Wait() *Failure {
	<-s.ended
	return s.failure
}

// Close says goodbye to the server, ends its command, and frees the instance. It waits until all
// of that is done.
func (s *Session) Close() {
	s.closeOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		// Whatever the outcome: the session ends.
		_, _ = s.Call(ctx, Operation{Export: closeSession, Method: "close"})
		s.end(nil)
		s.egress.Close()
		s.instance.stop()
		s.steps.Wait()
	})
}

// Abandon ends the session with a failure, and does not say goodbye to the server. It waits until
// everything is freed, as Close does.
func (s *Session) Abandon(f *Failure) {
	s.closeOnce.Do(func() {
		s.end(f)
		s.egress.Close()
		s.instance.stop()
		s.steps.Wait()
	})
}

// end marks the session as ended, once.
func (s *Session) end(f *Failure) {
	s.endOnce.Do(func() {
		s.failure = f
		// In this order: whoever Wait lets go finds the context at its end.
		s.cancel()
		if s.config.Authorization != nil {
			s.config.Authorization.End()
		}
		close(s.ended)
		s.notifications.close()
	})
}

// over reports whether the session has ended.
func (s *Session) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// closedFailure is what a call fails with when the session has ended.
func (s *Session) closedFailure(step string) *Failure {
	f := &Failure{Kind: Closed, Step: step, Message: "the session is closed"}
	if s.over() && s.failure != nil {
		f.Message = "the session has ended: " + s.failure.Message
		f.Err = s.failure
		if s.failure.Kind == Trap || s.failure.Kind == Limit {
			f.Kind = s.failure.Kind
		}
	}
	return f
}

func contextEnded(ctx context.Context) *Failure {
	return &Failure{Kind: ContextEnded, Message: ctx.Err().Error(), Err: ctx.Err()}
}
