package gateway

import (
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// defaultRest is how long a session has not been used before it makes room for another one: clients that come back after
// a moment must not end each other's in turn.
const defaultRest = time.Minute

// room finds room for a session of a principal. Many clients go without ending theirs, so where there is none, the session
// that nobody has used for longest makes room: one of the principal's own or, where there are too many of all, of a
// principal that has more. It returns that session, which is taken off already; nil where none has to go. The lock is held.
func (g *Gateway) room(principal string) (old *client, err error) {
	have := map[string]int{}
	for c := range g.clients {
		have[c.principal]++
	}
	var may func(*client) bool
	switch {
	case have[principal] >= g.options.MaxSessionsOfPrincipal:
		may = func(c *client) bool { return c.principal == principal }
		err = &caisson.Error{Code: caisson.CodeLimit, Step: "serve", Message: "there are as many sessions as gateway.Options.MaxSessionsOfPrincipal allows, and all are in use: end some"}
	case len(g.clients) >= g.options.MaxSessions:
		may = func(c *client) bool { return have[c.principal] > have[principal] }
		err = &caisson.Error{Code: caisson.CodeLimit, Step: "serve", Message: "there are as many sessions as gateway.Options.MaxSessions allows: try again later"}
	default:
		return nil, nil
	}
	for c := range g.clients {
		if c.users > 0 || c.holds.Load() > 0 || time.Since(c.used) < g.rest || !may(c) {
			continue
		}
		if old == nil || have[c.principal] > have[old.principal] || have[c.principal] == have[old.principal] && c.used.Before(old.used) {
			old = c
		}
	}
	if old == nil {
		return nil, err
	}
	g.take(old)
	return old, nil
}

// take takes a client off the gateway's lists. The lock is held.
func (g *Gateway) take(c *client) {
	delete(g.clients, c)
	if c.key != "" && g.shared[c.key] == c {
		delete(g.shared, c.key)
	}
}

// use notes that a session is in use, by a request or a stream, until unuse.
func (c *client) use() {
	c.gateway.mu.Lock()
	defer c.gateway.mu.Unlock()
	c.users++
}

func (c *client) unuse() {
	c.gateway.mu.Lock()
	defer c.gateway.mu.Unlock()
	c.users--
	c.used = time.Now()
}

// end ends a session, or a client that requests share.
func (c *client) end() {
	if c.session != nil {
		_ = c.session.Close()
	}
	c.close()
}
