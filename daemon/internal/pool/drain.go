package pool

import (
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// DrainServer has a server of the configuration get nothing new, until [Pool.ResumeServer], also when the configuration is
// read again meanwhile: calls and sessions fail with
// [caisson.CodeConnect], or go to an equivalent server. Its sessions end when the calls that are underway have, or after
// the patience. It returns at once.
func (p *Pool) DrainServer(name string, patience time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.names[name] {
		return noServer(name)
	}
	p.drainLocked(name, patience)
	return nil
}

// SetDrained has a server be drained or not, as the store remembers it, whether or not the configuration has the server.
func (p *Pool) SetDrained(name string, drained bool, patience time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case drained == p.drained[name]:
	case drained:
		p.drainLocked(name, patience)
	default:
		p.resumeLocked(name)
	}
}

// drainLocked is DrainServer. With p.mu held.
func (p *Pool) drainLocked(name string, patience time.Duration) {
	p.drained[name] = true
	var left []*Session
	for _, pr := range p.principals {
		for _, s := range pr.sessions {
			if s.Server == name && s.upstream != nil {
				s.leave()
				p.retireLocked(s)
				left = append(left, s)
			}
		}
	}
	p.log.Info("a server is drained", "server", name, "sessions", len(left), "within", patience)
	time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range left {
			if !s.gone {
				p.log.Warn("calls were underway for too long, and are ended", "server", name, "principal", s.Principal, "session", s.ID)
				p.remove(s)
			}
		}
	})
}

// ResumeServer undoes [Pool.DrainServer]. Sessions that have ended stay so.
func (p *Pool) ResumeServer(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.names[name] && !p.drained[name] {
		return noServer(name)
	}
	p.resumeLocked(name)
	return nil
}

// resumeLocked is ResumeServer. With p.mu held.
func (p *Pool) resumeLocked(name string) {
	if p.drained[name] {
		p.log.Info("a server is drained no more", "server", name)
	}
	delete(p.drained, name)
	p.keepWarm()
}

// allow lets one attempt to reach a server be made, as [upstream.allow] does, unless the server is drained. With p.mu held.
func (p *Pool) allow(u *upstream) (done func(error), err error) {
	if p.drained[u.name] {
		return nil, drains(u.name)
	}
	return u.allow()
}

func drains(server string) error {
	return &caisson.Error{
		Code: caisson.CodeConnect, Server: server, Step: "connect",
		Message: "the owner of the daemon drains the server, so it gets nothing new, and nothing was sent: ask again when it is resumed",
	}
}

// leave says that the session ends when the calls that are underway have. With the pool's lock held.
func (s *Session) leave() {
	if !s.left() {
		close(s.leaving)
	}
}

func (s *Session) left() bool {
	select {
	case <-s.leaving:
		return true
	default:
		return false
	}
}

// Leaving is closed when the server of the session is drained: streams that have nothing underway end, with
// [Session.LeavingError].
func (s *Session) Leaving() <-chan struct{} { return s.leaving }

// LeavingError says that the server of the session is drained.
func (s *Session) LeavingError() error { return drains(s.Server) }
