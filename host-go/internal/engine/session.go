package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

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

// A SessionConfig describes a session.
type SessionConfig struct {
	Endpoint       Endpoint
	ClientInfo     Implementation
	ConnectTimeout time.Duration
	Grant          egress.Grant
	// Notify gets the server's notifications, one at a time; nil drops them.
	Notify            func(method string, params []byte)
	NotificationQueue int
}

// closeTimeout bounds what the core may do to say goodbye to a server.
const closeTimeout = 5 * time.Second

// A Session is one session with one server, in an instance of its own. It is safe for concurrent
// use.
type Session struct {
	id       uint32
	config   SessionConfig
	instance *instance
	egress   *egress.Session

	ctx           context.Context // ends with the session
	cancel        context.CancelFunc
	notifications chan notification

	ended   chan struct{}
	endOnce sync.Once
	failure *Failure // why it ended; set before ended is closed

	closeOnce sync.Once
}

type notification struct {
	method string
	params []byte
}

// Open makes an instance for a session. The context bounds the instantiation. The session must be
// closed, also when [Session.Connect] fails.
func (e *Engine) Open(ctx context.Context, config SessionConfig) (*Session, *Failure) {
	in, err := e.instantiate(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, contextEnded(ctx)
		}
		return nil, &Failure{Kind: Trap, Step: "instantiate", Message: err.Error(), Err: err}
	}
	sessionContext, cancel := context.WithCancel(context.Background())
	s := &Session{
		id:            1,
		config:        config,
		instance:      in,
		ctx:           sessionContext,
		cancel:        cancel,
		notifications: make(chan notification, config.NotificationQueue),
		ended:         make(chan struct{}),
	}
	s.egress = egress.NewSession(config.Grant, in, e.config.Egress)
	in.session = s
	if config.Notify != nil {
		go s.dispatch()
	}
	go in.run()
	return s, nil
}

// Context gives a context that ends with the session.
func (s *Session) Context() context.Context { return s.ctx }

// Connect opens the session in the core; see connect in wit/client.wit for what it gives.
func (s *Session) Connect(ctx context.Context) (string, *Failure) {
	return s.Call(ctx, Operation{Kind: connect, Method: "connect"})
}

// Call runs an operation and waits for its outcome, or for the end of the context; then the core
// is told to give it up.
func (s *Session) Call(ctx context.Context, op Operation) (string, *Failure) {
	c := newCall(ctx, s, op)
	if !s.instance.mailbox.put(item{begin: c}) {
		return "", s.closedFailure(op.Method)
	}
	select {
	case o := <-c.settled:
		return o.result, o.failure
	case <-ctx.Done():
		s.instance.mailbox.put(item{cancel: c})
		return "", contextEnded(ctx)
	}
}

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
		_, _ = s.Call(ctx, Operation{Kind: closeSession, Method: "close"})
		s.end(nil)
		s.egress.Close()
		s.instance.stop()
	})
}

// end marks the session as ended, once.
func (s *Session) end(f *Failure) {
	s.endOnce.Do(func() {
		s.failure = f
		close(s.ended)
		s.cancel()
	})
}

// closedFailure is what a call fails with when the session has ended.
func (s *Session) closedFailure(step string) *Failure {
	f := &Failure{Kind: Closed, Step: step, Message: "the session is closed"}
	select {
	case <-s.ended:
		if s.failure != nil {
			f.Message = "the session has ended: " + s.failure.Message
			f.Err = s.failure
			if s.failure.Kind == Trap {
				f.Kind = Trap
			}
		}
	default:
	}
	return f
}

// notify queues a notification for the session's handler.
func (s *Session) notify(n notification) {
	if s.config.Notify == nil {
		return
	}
	select {
	case s.notifications <- n:
	default:
		s.end(&Failure{
			Kind: Limit, Step: n.method,
			Message: fmt.Sprintf("more than %d notifications wait for the handler: make it quicker, or raise Options.NotificationQueue", cap(s.notifications)),
		})
	}
}

// dispatch hands notifications to the handler until the session ends, and then those that wait.
func (s *Session) dispatch() {
	for {
		select {
		case n := <-s.notifications:
			s.config.Notify(n.method, n.params)
			continue
		default:
		}
		select {
		case n := <-s.notifications:
			s.config.Notify(n.method, n.params)
		case <-s.ctx.Done():
			if len(s.notifications) == 0 {
				return
			}
		}
	}
}

func contextEnded(ctx context.Context) *Failure {
	return &Failure{Kind: ContextEnded, Message: ctx.Err().Error(), Err: ctx.Err()}
}
