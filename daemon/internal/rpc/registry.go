package rpc

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/internal/cluster"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// maxID is the most that the pool takes.
const maxID = 64

// connectOwn makes a session for one caller. Where there are several daemons, it is in their registry from before its
// server is connected until it has ended, so that its id is one everywhere.
func (m *MCP) connectOwn(ctx context.Context, principal string, o pool.ConnectOptions) (*pool.Session, func(), error) {
	if m.Cluster == nil || len(o.ID) > maxID {
		return m.Pool.Connect(ctx, principal, o)
	}
	if o.ID == "" {
		o.ID = rand.Text()
	}
	if m.Pool.Has(principal, o.ID) {
		return nil, nil, &pool.ExistsError{ID: o.ID}
	}
	server := o.Server
	if o.Inline != nil {
		server = o.Inline.Name
	}
	if err := m.Cluster.Claim(ctx, principal, o.ID, server); err != nil {
		return nil, nil, err
	}
	s, release, err := m.begin(ctx, principal, o)
	if err != nil {
		m.Cluster.Release(context.WithoutCancel(ctx), principal, o.ID)
	}
	return s, release, err
}

// begin makes a session that the registry has already.
func (m *MCP) begin(ctx context.Context, principal string, o pool.ConnectOptions) (*pool.Session, func(), error) {
	s, release, err := m.Pool.Connect(ctx, principal, o)
	if err != nil {
		return nil, nil, err
	}
	m.Cluster.ReleaseAfter(principal, o.ID, func() { _ = s.Caisson().Wait() })
	if keepsNothing(s.Caisson(), o) {
		if err := m.Cluster.Settle(ctx, principal, o.ID, o.Server); err != nil {
			release()
			_ = m.Pool.Disconnect(context.WithoutCancel(ctx), principal, o.ID) // It may have ended.
			return nil, nil, &caisson.Error{Code: caisson.CodeConnect, Server: o.Server, Step: "registry", Message: "the session could not be entered in the registry: " + err.Error(), Err: err}
		}
	}
	return s, release, nil
}

// keepsNothing reports whether another daemon can make a session anew, and nobody notices: its server has given it no
// id, so it keeps nothing for it; it asks nobody anything; and all daemons have its description.
func keepsNothing(s *caisson.Session, o pool.ConnectOptions) bool {
	return o.Inline == nil && len(o.Capabilities) == 0 && s.TransportType() == caisson.TransportHTTP && s.ID() == ""
}

// disconnect ends a session; when it returns, its id is free.
func (m *MCP) disconnect(ctx context.Context, principal, id string) error {
	err := m.Pool.Disconnect(ctx, principal, id)
	if err == nil && m.Cluster != nil {
		m.Cluster.Release(ctx, principal, id)
	}
	return err
}

// A taking has the sessions that are just being made anew, so that it is done once for all calls that want one.
type taking struct {
	mu sync.Mutex
	of map[string]chan struct{} // closed when it is done
}

// begin gives what ends it, or nil and what is closed when somebody else has done it.
func (t *taking) begin(key string) (end func(), other <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if done := t.of[key]; done != nil {
		return nil, done
	}
	if t.of == nil {
		t.of = map[string]chan struct{}{}
	}
	done := make(chan struct{})
	t.of[key] = done
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.of, key)
		close(done)
	}, nil
}

// wait waits until a session is not being made anew.
func (t *taking) wait(ctx context.Context, key string) error {
	t.mu.Lock()
	done := t.of[key]
	t.mu.Unlock()
	if done == nil {
		return nil
	}
	return await(ctx, done)
}

func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func takingKey(principal, id string) string { return principal + "\x00" + id }

// takeOver makes a session anew whose daemon is gone. Where another call does it already, it waits for that one; the
// session is to be looked for again then.
func (m *Shared) takeOver(ctx context.Context, before *cluster.Entry) error {
	end, other := m.taking.begin(takingKey(before.Principal, before.ID))
	if end == nil {
		return await(ctx, other)
	}
	defer end()
	ctx = context.WithoutCancel(ctx) // Others wait for it too; connecting has its own bound.
	if m.Pool.Has(before.Principal, before.ID) {
		return nil
	}
	if err := m.Cluster.Take(ctx, before, before.Server); err != nil {
		return err
	}
	_, release, err := m.begin(ctx, before.Principal, pool.ConnectOptions{ID: before.ID, Server: before.Server})
	if err != nil {
		m.Cluster.Return(ctx, before)
		return err
	}
	m.Cluster.Fell(cluster.Anew)
	release()
	return nil
}

// lost says that a session is gone with its daemon.
func lost(e *cluster.Entry) error {
	return &caisson.Error{Code: caisson.CodeClosed, Server: e.Server, Step: "forward", Message: fmt.Sprintf("the daemon that had the session %q has ended, and with it what the server has kept for the session: connect again", e.ID)}
}

// away says that a daemon cannot be reached, and may be there again in a moment.
func away(e *cluster.Entry, cause error) error {
	return &caisson.Error{Code: caisson.CodeConnect, Server: e.Server, Step: "forward", Message: fmt.Sprintf("the daemon that has the session %q cannot be reached, and nothing was sent: ask again in a few seconds", e.ID), Err: cause}
}
