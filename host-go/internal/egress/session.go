package egress

import (
	"context"
	"net/http"
	"sync"
)

// Bounds on what one core may have open. A session needs one command, and a second one for a moment
// when it restarts it.
const (
	maxExchanges = 8192
	maxPipes     = 4
)

// Session does what one session's core asks for, within its Grant. Its methods are safe for
// concurrent use, and all but Close return at once.
type Session struct {
	policy    *policy
	sink      Sink
	opts      Options
	transport http.RoundTripper
	// own is transport, when its idle connections are the session's to close.
	own *http.Transport

	ctx    context.Context // ends when Close begins
	cancel context.CancelFunc
	tasks  sync.WaitGroup // one for each exchange and each pipe, until its last sink call returned

	mu        sync.Mutex
	closed    bool
	exchanges map[uint32]*exchange
	pipes     map[uint32]*pipe
}

// NewSession returns a session that may do what grant says, and tells sink what happens. The grant
// is copied.
func NewSession(grant Grant, sink Sink, opts Options) *Session {
	s := &Session{
		policy:    newPolicy(grant),
		sink:      sink,
		opts:      opts.withDefaults(),
		transport: opts.Transport,
		exchanges: map[uint32]*exchange{},
		pipes:     map[uint32]*pipe{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if s.transport == nil {
		s.own = NewTransport(s.opts.PrivateAddresses)
		s.transport = s.own
	}
	return s
}

// HTTPStart begins an exchange. Every failure of it arrives as HTTPEnd; the error returned is
// ErrInUse or nil. On a closed session it does nothing.
func (s *Session) HTTPStart(ref Ref, req Request) error {
	return s.HTTPPost(ref, s.Template(req), req.Body)
}

// HTTPPost is HTTPStart with a template and a body; nil for none.
func (s *Session) HTTPPost(ref Ref, t *Template, body *string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if s.exchanges[ref.ID] != nil {
		return ErrInUse
	}
	x := newExchange(s, ref, len(s.exchanges) >= maxExchanges)
	s.exchanges[ref.ID] = x
	s.tasks.Go(func() { x.run(t, body) })
	return nil
}

// HTTPAbort gives an exchange up. No sink call is made for it any more, but for one that is being
// made at this moment: its Ref tells it from a new exchange of the same id. An exchange that is not
// there is ignored.
func (s *Session) HTTPAbort(ref Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.exchanges[ref.ID]; x != nil && x.ref == ref {
		delete(s.exchanges, ref.ID)
		x.cancel()
	}
}

// releaseExchange frees the id of x, and reports whether x was there still. It frees it before the
// sink hears of the end: from then on the core may use it again.
func (s *Session) releaseExchange(x *exchange) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exchanges[x.ref.ID] == x {
		delete(s.exchanges, x.ref.ID)
	}
	return x.live()
}

// PipeOpen starts the granted command. Every failure of it arrives as PipeClosed; the error
// returned is ErrInUse or nil. On a closed session it does nothing.
func (s *Session) PipeOpen(ref Ref) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if s.pipes[ref.ID] != nil {
		return ErrInUse
	}
	p := newPipe(s, ref, len(s.pipes) >= maxPipes)
	s.pipes[ref.ID] = p
	s.tasks.Go(p.run)
	return nil
}

// PipeWrite sends one message, which has no line break, to the command. The messages of a pipe keep
// their order. They wait in memory while the command does not read; a pipe that holds too many
// ends with Limit. On a pipe that is not there the message is dropped.
//
// With alone, no other message is about to follow: it is written at once, where that does not wait.
// Otherwise another goroutine writes it, with those that follow.
func (s *Session) PipeWrite(ref Ref, message string, alone bool) {
	if p := s.pipe(ref); p != nil {
		p.write(message, alone)
	}
}

// PipeClose ends a pipe: what is written is still sent, then the command's standard input is
// closed, and its process group ended if it has to be (see Options.CloseWait). What the command
// says until then still arrives, and PipeClosed when it is gone. A pipe that is not there is
// ignored.
func (s *Session) PipeClose(ref Ref) {
	if p := s.pipe(ref); p != nil {
		p.stop(nil)
	}
}

// releasePipe is releaseExchange for a pipe.
func (s *Session) releasePipe(p *pipe) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pipes, p.ref.ID)
	return p.live()
}

// pipe returns the pipe that ref names, or nil.
func (s *Session) pipe(ref Ref) *pipe {
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
func (s *Session) Close() {
	s.mu.Lock()
	s.closed = true
	for _, p := range s.pipes {
		p.stop(nil)
	}
	s.cancel()
	s.mu.Unlock()
	s.tasks.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}
