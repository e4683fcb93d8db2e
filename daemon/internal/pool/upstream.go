package pool

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Health says when a server counts as one that cannot be reached. Connecting with it, and pings, are what counts: a call
// that fails may be its caller's doing, so it only leads to a ping.
type Health struct {
	// Interval is how often a shared session that nobody uses is pinged. Default: 1 minute.
	Interval time.Duration
	// Timeout is how long the answer to a ping may take. Default: 10 s.
	Timeout time.Duration
	// Failures is how many attempts to reach a server have to fail in turn, until it is not called for a while.
	// Default: 5.
	Failures int
	// Pause is how long it is not called. The call after that decides. Default: 10 s.
	Pause time.Duration
}

func (h *Health) defaults() {
	for field, value := range map[*time.Duration]time.Duration{&h.Interval: time.Minute, &h.Timeout: 10 * time.Second, &h.Pause: 10 * time.Second} {
		if *field <= 0 {
			*field = value
		}
	}
	if h.Failures <= 0 {
		h.Failures = 5
	}
}

// An upstream is a server of the configuration, as the sessions of all principals find it. The pool's lock guards it,
// its breaker's state too.
type upstream struct {
	name      string
	breaker   *gobreaker.TwoStepCircuitBreaker[any]
	underway  int       // calls
	suspicion int       // pings that are underway because a call has failed
	failure   error     // of the last attempt to reach it; nil when it was reached
	reopens   time.Time // when it is called again, while the breaker is open
}

// upstream returns the server of a name. With p.mu held.
func (p *Pool) upstream(name string) *upstream {
	if u := p.upstreams[name]; u != nil {
		return u
	}
	u := &upstream{name: name}
	u.breaker = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name: name, MaxRequests: 1, Timeout: p.options.Health.Pause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= p.options.Health.Failures },
		IsSuccessful: func(err error) bool { return !unreachable(err) },
		IsExcluded:   isOwn,
		OnStateChange: func(_ string, _, to gobreaker.State) {
			switch {
			case p.upstreams[name] != u: // The configuration has another one of this name now.
			case to == gobreaker.StateOpen:
				u.reopens = time.Now().Add(p.options.Health.Pause)
				p.log.Warn("a server cannot be reached, and is not called for a while", "server", name, "for", p.options.Health.Pause, "error", u.failure)
				p.eject(name)
			case to == gobreaker.StateClosed:
				p.log.Info("a server is reached again", "server", name)
			}
		},
	})
	p.upstreams[name] = u
	return u
}

// eject gives the shared sessions with a server to no new calls. With p.mu held.
func (p *Pool) eject(server string) {
	for _, pr := range p.principals {
		for _, s := range pr.shared[server] {
			defer p.retireLocked(s) // It changes the slice.
		}
	}
}

// unreachable reports whether a failure says that a server cannot be reached, whatever is asked.
func unreachable(err error) bool {
	switch caisson.CodeOf(err) {
	case caisson.CodeConnect, caisson.CodeTransport, caisson.CodeTimeout:
		return true
	case caisson.CodeHTTP:
		return absent(err)
	}
	return false
}

// absent reports whether a proxy has answered in place of the server.
func absent(err error) bool {
	var own *caisson.Error
	if !errors.As(err, &own) {
		return false
	}
	switch own.HTTPStatus {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// isOwn reports whether a failure says nothing of the server: it is the caller's, or the pool's.
func isOwn(err error) bool {
	switch caisson.CodeOf(err) {
	case caisson.CodeDenied, caisson.CodeInvalidArgument, caisson.CodeCancelled, caisson.CodeClosed, caisson.CodeLimit:
		return true
	}
	return false
}

// allow lets one attempt to reach the server be made, and fails with an [OpenError] in an error with
// [caisson.CodeConnect]. The caller calls reached with its outcome. With p.mu held.
func (u *upstream) allow() (done func(error), err error) {
	if done, err = u.breaker.Allow(); err == nil {
		return done, nil
	}
	open := &OpenError{Err: u.failure}
	when := "somebody tries it now"
	if errors.Is(err, gobreaker.ErrOpenState) {
		open.After = max(time.Until(u.reopens), time.Millisecond)
		when = "it is tried again in " + open.After.Round(time.Millisecond).String()
	}
	return nil, &caisson.Error{
		Code: caisson.CodeConnect, Server: u.name, Step: "connect", Err: open,
		Message: fmt.Sprintf("the server could not be reached several times in turn, so nothing was sent; %s. Look whether it runs. At last: %v", when, u.failure),
	}
}

// An OpenError says that a server is not called for a while, as it could not be reached several times in turn.
type OpenError struct {
	// After is when the server is called again; 0 while somebody tries whether it is there.
	After time.Duration
	// Err is why it could not be reached the last time.
	Err error
}

// Error says when the server is called again.
func (e *OpenError) Error() string { return fmt.Sprintf("it is not called for %v: %v", e.After, e.Err) }

// Unwrap returns why it could not be reached.
func (e *OpenError) Unwrap() error { return e.Err }

// reached takes the outcome of an attempt to reach a server. With p.mu held.
func (u *upstream) reached(done func(error), err error) {
	switch {
	case err == nil:
		u.failure = nil
	case !isOwn(err):
		u.failure = err
	}
	done(err)
}

// maxRank is of servers that are not called at all.
const maxRank = 3

// rank orders servers: those that can be reached, those of which it is not known, and the others. With p.mu held.
func (u *upstream) rank() int {
	switch state := u.breaker.State(); {
	case state == gobreaker.StateOpen:
		return 2
	case state == gobreaker.StateHalfOpen || u.suspicion > 0:
		return 1
	}
	return 0
}

// Suspect takes how a call of a session has ended. When it has failed as if the server were not there, the server is asked
// whether it is.
func (p *Pool) Suspect(s *Session, err error) {
	if err == nil || !unreachable(err) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if u := s.upstream; u != nil && u.suspicion == 0 && p.ping(s, func() { u.suspicion-- }) {
		u.suspicion++
	}
}

// Unreachable counts the servers that are not called for a while.
func (p *Pool) Unreachable() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.upstreams {
		if u.rank() == 2 {
			n++
		}
	}
	return n
}

// ping pings the server of a session, and takes down the outcome. A shared session whose server does not answer is given
// to no new call. It reports whether it does: then it calls after, with p.mu held. With p.mu held.
func (p *Pool) ping(s *Session, after func()) bool {
	u := s.upstream
	if u == nil || s.gone || !s.connected() || u.breaker.State() != gobreaker.StateClosed {
		return false
	}
	done, err := u.breaker.Allow()
	if err != nil {
		return false
	}
	p.closing.Go(func() {
		p.pings <- struct{}{}
		ctx, cancel := context.WithTimeout(s.ctx, p.options.Health.Timeout)
		err := s.session.Ping(ctx, nil)
		cancel()
		<-p.pings
		p.mu.Lock()
		defer p.mu.Unlock()
		after()
		u.reached(done, err)
		if s.Shared && caisson.CodeOf(err) == caisson.CodeTimeout {
			p.log.Info("the server of a session does not answer a ping", "server", s.Server, "principal", s.Principal, "session", s.ID)
			p.retireLocked(s)
		}
	})
	return true
}

// look pings the servers of shared sessions that nobody uses. A session that is in use says by that how its server is,
// and one that is busy with a call may not answer.
func (p *Pool) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pr := range p.principals {
		for _, all := range pr.shared {
			for _, s := range all {
				if s.underway == 0 {
					p.ping(s, func() {})
				}
			}
		}
	}
}

// watch looks after the sessions until the pool is closed.
func (p *Pool) watch() {
	ticker := time.NewTicker(p.options.Health.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-p.closed:
			return
		case <-ticker.C:
			p.look()
			p.mu.Lock()
			p.keepWarm()
			p.mu.Unlock()
		}
	}
}
