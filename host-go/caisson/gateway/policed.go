package gateway

import (
	"maps"
	"slices"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// policed are the upstream clients that the gateway's policy holds for.
type policed struct {
	mu      sync.Mutex
	policy  *policy.Policy // nil for none
	clients map[*caisson.Client]struct{}
}

func newPoliced(p *policy.Policy) *policed {
	return &policed{policy: p, clients: map[*caisson.Client]struct{}{}}
}

// newUpstreamClient makes a client under the policy that holds, and under each one that comes after it, until
// endUpstreamClient.
func (g *Gateway) newUpstreamClient(o *caisson.ClientOptions) (*caisson.Client, error) {
	g.policed.mu.Lock()
	defer g.policed.mu.Unlock()
	o.Policy = g.policed.policy
	client, err := g.runtime.NewClient(o)
	if err == nil {
		g.policed.clients[client] = struct{}{}
	}
	return client, err
}

// stateless reports whether the policy says that a server is.
func (g *Gateway) stateless(server string) bool {
	g.policed.mu.Lock()
	p := g.policed.policy
	g.policed.mu.Unlock()
	if p == nil {
		return false
	}
	rules, _ := p.Source(policy.Server, server)
	return rules != nil && rules.Stateless
}

func (g *Gateway) endUpstreamClient(client *caisson.Client) {
	g.policed.mu.Lock()
	delete(g.policed.clients, client)
	g.policed.mu.Unlock()
	_ = client.Close()
}

// SetPolicy replaces the policy for all calls that are decided from now on, also in sessions that are open, and tells
// the clients that their lists may have changed. What a server is connected with, such as the folders of its command,
// stays until it is connected with anew; whether a client shares sessions with a
// stateless server, until its own session ends. It fails, and changes nothing, with [caisson.CodeInvalidArgument] for nil,
// where [Options].Client has no Policy, and for a policy that wants pins or an audit log which Options.Client does not
// have.
func (g *Gateway) SetPolicy(p *policy.Policy) error {
	if p == nil || g.options.Client.Policy == nil {
		return invalid("a policy replaces another one, and one of the two is missing")
	}
	o := g.options.Client
	o.Policy = p
	probe, err := g.runtime.NewClient(&o) // It checks what the policy wants.
	if err != nil {
		return err
	}
	_ = probe.Close()
	g.policed.mu.Lock()
	g.policed.policy = p
	for client := range g.policed.clients {
		if err := client.SetPolicy(p); err != nil {
			g.options.Logger.Error("a session has kept the old policy, and is ended", "error", err)
			g.start(func() { _ = client.Close() })
		}
	}
	g.policed.mu.Unlock()
	g.ListsMayDiffer()
	return nil
}

// ListsMayDiffer tells all clients that their lists may have changed: after something else has that the policy looks
// at, such as the approved definitions.
func (g *Gateway) ListsMayDiffer() {
	g.mu.Lock()
	clients, names := slices.Collect(maps.Keys(g.clients)), slices.Clone(g.names)
	g.mu.Unlock()
	for _, c := range clients {
		for _, name := range names {
			c.routes.forget(name)
		}
		c.announce(names)
	}
}
