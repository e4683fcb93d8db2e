package egress

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/time/rate"
)

// A Broker carries out the effects that one session's core asks for, within its Grant. Its methods are
// safe for concurrent use, and all but Close return at once.
type Broker struct {
	policy    *policy
	sink      Sink
	opts      Options
	transport http.RoundTripper
	// own is transport, when the session must close its idle connections.
	own *http.Transport

	ctx    context.Context // ends when Close begins
	cancel context.CancelFunc
	tasks  sync.WaitGroup // one for each exchange and each pipe, until its last sink call returned

	mu             sync.Mutex
	closed         bool
	exchanges      map[uint32]*exchange
	asked, replies exchangeQueue // of the exchanges
	pipes          map[uint32]*pipe
	starts         *rate.Limiter // of commands
}

// Sending says how a request is sent.
type Sending struct {
	// Asked says that the request belongs to a call of the program's. Other requests, such as answers to
	// the server, wait in a separate queue.
	Asked bool
	// Freed, unless it is nil, is called once, when the broker holds nothing of the request any more. It may be
	// called before HTTPStart returns, and must not wait.
	Freed func()
}

// NewBroker returns a broker that may do what grant says, and tells sink what happens. The grant
// is copied.
func NewBroker(grant Grant, sink Sink, opts Options) *Broker {
	s := &Broker{
		policy:    newPolicy(grant),
		sink:      sink,
		opts:      opts.withDefaults(),
		transport: opts.Transport,
		exchanges: map[uint32]*exchange{},
		asked:     exchangeQueue{room: MaxExchanges, most: MaxRunning},
		replies:   exchangeQueue{room: MaxReplies, most: MaxRunningReplies},
		pipes:     map[uint32]*pipe{},
		starts:    rate.NewLimiter(1, MaxStarts),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if s.transport == nil {
		s.own = NewTransport(s.opts.PrivateAddresses)
		s.transport = s.own
	}
	return s
}

// HTTPStart begins an exchange. It fails with ErrInUse, and with an *Error for what is refused at once:
// the sink does not hear of that. Any other failure arrives as HTTPEnd. On a closed session it does
// nothing.
func (s *Broker) HTTPStart(ref Ref, req Request, how Sending) error {
	return s.HTTPPost(ref, s.Template(req), req.Body, how)
}

// HTTPPost is HTTPStart with a template and a body; nil for none.
func (s *Broker) HTTPPost(ref Ref, t *Template, body *string, how Sending) error {
	x := newExchange(s, ref, t, body, how)
	begun, err := s.begin(x)
	if !begun {
		x.free()
	}
	return err
}

// begin runs an exchange, or queues it, and reports whether the exchange exists.
func (s *Broker) begin(x *exchange) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return false, nil
	case s.exchanges[x.ref.ID] != nil:
		return false, ErrInUse
	case x.template.failed != nil:
		return false, x.template.failed
	case x.queue.there >= x.queue.room || s.asked.there+s.replies.there >= MaxExchanges:
		return false, s.policy.fail(Limit, fmt.Sprintf("more than %d HTTP exchanges at once; wait for some to end", x.queue.room), nil)
	}
	s.exchanges[x.ref.ID] = x
	if x.queue.begin(x) {
		s.tasks.Go(func() { s.run(x) })
	}
	return true, nil
}

// run runs an exchange, and then those that waited for its place.
func (s *Broker) run(x *exchange) {
	for x != nil {
		x.run()
		x.free()
		s.mu.Lock()
		x = x.queue.next()
		s.mu.Unlock()
	}
}

// HTTPAbort aborts an exchange. After it begins no sink call for the exchange any more. A call that is
// under way has the old Ref, which differs from that of a new exchange with the same id. An unknown
// exchange is ignored.
func (s *Broker) HTTPAbort(ref Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.exchanges[ref.ID]; x != nil && x.ref == ref {
		delete(s.exchanges, ref.ID)
		s.giveUp(x)
	}
}

// giveUp ends an exchange, which may not have begun to run.
func (s *Broker) giveUp(x *exchange) {
	x.cancel()
	if x.queue.leave(x) {
		x.free()
	}
}

// releaseExchange frees the id of x, and reports whether x was still there. It frees the id before the
// sink gets the end: from then on the core may use the id again.
func (s *Broker) releaseExchange(x *exchange) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exchanges[x.ref.ID] == x {
		delete(s.exchanges, x.ref.ID)
	}
	return x.live()
}

// PipeOpen starts the granted command. It fails with ErrInUse, and with an *Error for what is refused at
// once: the sink does not hear of that. Any other failure arrives as PipeClosed. On a closed session it
// does nothing.
func (s *Broker) PipeOpen(ref Ref) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	switch {
	case s.pipes[ref.ID] != nil:
		return ErrInUse
	case len(s.pipes) >= MaxPipes:
		return s.policy.fail(Limit, fmt.Sprintf("more than %d commands at once; close one first", MaxPipes), nil)
	case s.policy.dial != nil && len(s.pipes) > 0:
		return s.policy.refuse("the transport is connected with once at a time")
	case s.policy.dial == nil && s.policy.command == nil:
		return s.policy.refuse("starting a command is not granted, because none is configured; configure the server's command to allow it")
	case !s.starts.Allow():
		return s.policy.fail(Limit, fmt.Sprintf("the command was started more than %d times in a moment; see why it ends", MaxStarts), nil)
	}
	p := newPipe(s, ref)
	s.pipes[ref.ID] = p
	s.tasks.Go(p.run)
	return nil
}

// PipeWrite sends one message, which has no line break, to the command. The messages of a pipe keep
// their order. They wait in memory while the command does not read; a pipe that holds too many
// ends with Limit. On a pipe that is not there the message is dropped.
func (s *Broker) PipeWrite(ref Ref, message string) {
	if p := s.pipe(ref); p != nil {
		p.write(message)
	}
}

// PipeClose ends a pipe: what is written is still sent, then the command's standard input is
// closed, and its process group ended if it has to be (see Options.CloseWait). What the command
// says until then still arrives, and PipeClosed when it is gone. A pipe that is not there is
// ignored.
func (s *Broker) PipeClose(ref Ref) {
	if p := s.pipe(ref); p != nil {
		p.stop(nil)
	}
}

// releasePipe is releaseExchange for a pipe.
func (s *Broker) releasePipe(p *pipe) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pipes, p.ref.ID)
	return p.live()
}

// pipe returns the pipe that ref names, or nil.
func (s *Broker) pipe(ref Ref) *pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pipes[ref.ID]; p != nil && p.ref == ref {
		return p
	}
	return nil
}

// Close aborts all exchanges, closes all pipes as PipeClose does, and waits until the commands are
// gone and the Sink has returned from its last call. No call comes after that; while Close waits
// none comes but those that were on their way. Closing twice is allowed, and each Close waits.
func (s *Broker) Close() {
	s.mu.Lock()
	s.closed = true
	for _, p := range s.pipes {
		p.stop(nil)
	}
	s.cancel()
	for _, x := range s.exchanges {
		s.giveUp(x)
	}
	s.mu.Unlock()
	s.tasks.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}
