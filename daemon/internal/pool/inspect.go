package pool

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Inspect connects with a server of the configuration, with the logins of a principal and without the policy, to look at
// what it offers, and closes the session. One does so at a time.
func (p *Pool) Inspect(ctx context.Context, principal, name string, look func(ctx context.Context, server *caisson.Server, s *caisson.Session) error) error {
	select {
	case p.inspecting <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.inspecting }()
	p.mu.Lock()
	draining := p.draining
	p.mu.Unlock()
	if draining {
		return errDraining
	}
	server, err := p.configured(principal, name)
	if err != nil {
		return err
	}
	options := p.options.Client
	options.Governance = caisson.Governance{}
	client, err := p.runtime.NewClient(&options)
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := client.Connect(ctx, server)
	if err != nil {
		return err
	}
	return look(ctx, &server, session)
}

// Underway counts the calls of all principals that are underway.
func (p *Pool) Underway() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, pr := range p.principals {
		for _, s := range pr.sessions {
			n += s.underway
		}
	}
	return n
}

// All returns the sessions of all principals that are connected, by principal, server and id.
func (p *Pool) All() []*Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*Session
	for _, pr := range p.principals {
		for _, s := range pr.sessions {
			if s.connected() {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Session) int {
		return cmp.Or(strings.Compare(a.Principal, b.Principal), strings.Compare(a.Server, b.Server), strings.Compare(a.ID, b.ID))
	})
	return all
}
