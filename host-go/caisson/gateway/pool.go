package gateway

import (
	"context"
	"encoding/json"
)

// A pool is a client that is nobody's: its upstream sessions are those with servers that the policy says are stateless,
// and the sessions of one principal that declare the same capabilities share them, as its guests. What such a server asks
// or logs outside of a call that has a session to itself concerns none of them.

// home returns who has the upstream of a server. That stays so until the session ends: what was subscribed to is there.
func (c *client) home(server string) *client {
	c.mu.Lock()
	home := c.homes[server]
	c.mu.Unlock()
	if home != nil {
		return home
	}
	home = c
	if c.gateway.stateless(server) {
		if pool := c.pooled(); pool != nil {
			home = pool
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.homes[server]; other != nil {
		return other
	}
	c.homes[server] = home
	return home
}

// pooled returns the session's pool; nil when the session or the gateway has ended.
func (c *client) pooled() *client {
	c.mu.Lock()
	pool, closed := c.pool, c.closed
	c.mu.Unlock()
	if pool != nil || closed {
		return pool
	}
	pool, leave, err := c.gateway.share(c.principal, c.capabilities, true)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	if c.closed || c.pool != nil {
		pool = c.pool
		c.mu.Unlock()
		leave()
		return pool
	}
	c.pool, c.leavePool = pool, leave
	c.mu.Unlock()
	pool.mu.Lock()
	pool.guests[c] = struct{}{}
	pool.mu.Unlock()
	return pool
}

// unpool ends a session's use of its pool.
func (c *client) unpool() {
	c.mu.Lock()
	pool, leave, subjects := c.pool, c.leavePool, c.subjects
	c.subjects = map[string]map[string]struct{}{}
	c.mu.Unlock()
	if pool == nil {
		return
	}
	pool.mu.Lock()
	delete(pool.guests, c)
	pool.mu.Unlock()
	c.gateway.start(func() {
		defer leave()
		for server, uris := range subjects {
			for uri := range uris {
				_ = pool.upstream(server).unsubscribe(pool.ctx, uri) // Nobody hears of it any more.
			}
		}
	})
}

// guestsOf returns the sessions that use a server in this pool.
func (c *client) guestsOf(server string) (all []*client) {
	c.mu.Lock()
	guests := make([]*client, 0, len(c.guests))
	for guest := range c.guests {
		guests = append(guests, guest)
	}
	c.mu.Unlock()
	for _, guest := range guests {
		guest.mu.Lock()
		if guest.homes[server] == c {
			all = append(all, guest)
		}
		guest.mu.Unlock()
	}
	return all
}

// overhears reports whether what a server tells its pool concerns a guest: changes of lists, and of what the guest has
// subscribed to.
func (c *client) overhears(server, method string, text json.RawMessage) bool {
	switch method {
	case toolsChanged, promptsChanged, resourcesChanged:
		return true
	case resourceUpdated:
		c.mu.Lock()
		defer c.mu.Unlock()
		_, there := c.subjects[server][uriOf(text)]
		return there
	}
	return false
}

// subscribe subscribes to a resource for the client.
func (c *client) subscribe(ctx context.Context, server, uri string) error {
	u := c.upstream(server)
	if u.client == c {
		return u.subscribe(ctx, uri)
	}
	c.mu.Lock()
	_, there := c.subjects[server][uri]
	if !there {
		if c.subjects[server] == nil {
			c.subjects[server] = map[string]struct{}{}
		}
		c.subjects[server][uri] = struct{}{}
	}
	c.mu.Unlock()
	if there {
		return nil
	}
	err := u.subscribe(ctx, uri)
	if err != nil {
		c.forgetSubject(server, uri)
	}
	return err
}

func (c *client) unsubscribe(ctx context.Context, server, uri string) error {
	u := c.upstream(server)
	if u.client != c && !c.forgetSubject(server, uri) {
		return nil
	}
	return u.unsubscribe(ctx, uri)
}

// forgetSubject takes a resource away, and reports whether it was there.
func (c *client) forgetSubject(server, uri string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, there := c.subjects[server][uri]
	delete(c.subjects[server], uri)
	return there
}
