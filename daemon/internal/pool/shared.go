package pool

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// takeShared picks the session that a call by a server's name goes through, or begins to make it, and counts the call.
// Servers that were tried are left out, and those that cannot be called are added to them. It fails with the last reason;
// nil when all were tried. With p.mu held.
func (p *Pool) takeShared(name, server string, tried map[string]bool) (*Session, error) {
	pr, err := p.of(name)
	if err != nil {
		return nil, err
	}
	defer p.forget(pr) // Where nothing was made.
	all := p.candidates(pr, server)
	if len(all) == 0 {
		return nil, noServer(server)
	}
	for _, u := range all {
		if tried[u.name] {
			continue
		}
		var s *Session
		if s, err = p.share(pr, u); err == nil {
			p.tryOthers(pr, all, u)
			if u.name != server {
				pr.homes[server] = u.name
			}
			s.begin()
			return s, nil
		}
		if tried[u.name] = true; !unreachable(err) {
			break
		}
	}
	return nil, err
}

func noServer(name string) error {
	return &caisson.Error{Code: caisson.CodeInvalidArgument, Server: name, Step: "connect", Message: "there is no server of this name in the configuration of the daemon"}
}

// share picks the session with a server that a call of a principal goes through: of those that are connected the one
// with the fewest calls underway. Where it has some, a further one may be begun, for which this call does not wait. With
// p.mu held.
func (p *Pool) share(pr *principal, u *upstream) (*Session, error) {
	var best *Session
	connecting := false
	for _, s := range pr.shared[u.name] {
		connecting = connecting || !s.connected()
		if best == nil || s.connected() && !best.connected() || s.connected() == best.connected() && s.underway < best.underway {
			best = s
		}
	}
	if best == nil {
		return p.begin(pr, u, true)
	}
	if best.underway > 0 && !connecting && len(pr.shared[u.name]) < p.each[u.name].instances {
		_, _ = p.begin(pr, u, false) // It is tried again with the next call.
	}
	return best, nil
}

// tryOthers tries equivalent servers that could not be reached for a while, so that no call has to. With p.mu held.
func (p *Pool) tryOthers(pr *principal, all []*upstream, chosen *upstream) {
	for _, u := range all {
		if u != chosen && u.breaker.State() == gobreaker.StateHalfOpen {
			_, _ = p.begin(pr, u, false) // Somebody tries it already.
		}
	}
}

// begin begins to make a shared session. Where there are too many sessions, room says whether one that nobody uses ends.
// With p.mu held.
func (p *Pool) begin(pr *principal, u *upstream, room bool) (*Session, error) {
	done, err := p.allow(u)
	if err != nil {
		return nil, err
	}
	s, err := p.add(pr, rand.Text(), u.name, room)
	if err != nil {
		done(context.Canceled) // It was not tried.
		return nil, err
	}
	s.Shared, s.upstream, s.done = true, u, done
	pr.shared[u.name] = append(pr.shared[u.name], s)
	s.aging = time.AfterFunc(p.options.Age, func() { p.retire(s) })
	p.closing.Go(func() {
		p.connect(s, pr.client, func() (caisson.Server, error) { return p.configured(pr.name, u.name) })
	})
	return s, nil
}

// rest has a session end when nobody uses it for too long. With p.mu held.
func (p *Pool) rest(s *Session) {
	if e := p.each[s.Server]; s.Shared && e != nil && e.warm[s.Principal] {
		return
	}
	s.idle = time.AfterFunc(p.options.Idle, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s.underway == 0 && time.Since(s.used) >= p.options.Idle {
			p.remove(s)
		}
	})
}
