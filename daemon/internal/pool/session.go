package pool

import (
	"context"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// A Session is a session of a principal with a server. The pool's lock guards what is not set before it is ready.
type Session struct {
	// ID, Server and Principal say which one it is; Shared, that calls by the server's name use it.
	ID, Server, Principal string
	Shared                bool
	// Created is when it was asked for.
	Created time.Time

	principal     *principal
	upstream      *upstream       // nil for a server that a request has described
	done          func(error)     // takes the outcome of connecting with the upstream
	ctx           context.Context // of connecting
	cancel        context.CancelFunc
	ready         chan struct{} // closed when session or err is set
	session       *caisson.Session
	err           error
	client        *caisson.Client // of this session alone; nil when it is the principal's
	hubs          *hubs
	hub           *Hub
	leaving       chan struct{} // closed when its server is drained
	over          chan struct{} // closed when the session has ended by itself or was closed, and nobody gets it any more
	freed         chan struct{} // closed when the server has ended
	subscriptions subscriptions

	underway      int
	used          time.Time
	idle, aging   *time.Timer
	retired, gone bool
}

func newSession(id, server string, pr *principal) *Session {
	ctx, cancel := context.WithCancel(caisson.WithCaller(context.Background(), policy.CallerRPC))
	return &Session{
		ID: id, Server: server, Principal: pr.name, Created: time.Now(), used: time.Now(), principal: pr, hubs: pr.hubs,
		ctx: ctx, cancel: cancel, ready: make(chan struct{}), leaving: make(chan struct{}), over: make(chan struct{}), freed: make(chan struct{}),
		subscriptions: newSubscriptions(),
	}
}

// begin counts a call. With the pool's lock held.
func (s *Session) begin() {
	s.underway++
	if s.upstream != nil {
		s.upstream.underway++
	}
	s.used = time.Now()
	s.stopIdle()
}

// stopIdle has the session live as long as it is used. With the pool's lock held.
func (s *Session) stopIdle() {
	if s.idle != nil {
		s.idle.Stop()
	}
}

// stop ends what waits. With the pool's lock held.
func (s *Session) stop() {
	s.cancel()
	for _, timer := range []*time.Timer{s.idle, s.aging} {
		if timer != nil {
			timer.Stop()
		}
	}
}

// free closes the session, and waits for the end of its server.
func (s *Session) free() {
	if s.session != nil {
		_ = s.session.Close()
		s.hubs.drop(s.session)
	}
	if s.client != nil {
		_ = s.client.Close()
	}
}

func (s *Session) connected() bool {
	select {
	case <-s.ready:
		return s.err == nil
	default:
		return false
	}
}

// Caisson is the session itself.
func (s *Session) Caisson() *caisson.Session { return s.session }

// Hub has what the server tells and asks.
func (s *Session) Hub() *Hub { return s.hub }

// Usage says when a session was last used, and how many calls are underway.
func (p *Pool) Usage(s *Session) (used time.Time, underway int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return s.used, s.underway
}
