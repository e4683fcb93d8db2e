package pool

import (
	"maps"
	"slices"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// Settings say what is made of a server of the configuration, or of several that are equivalent.
type Settings struct {
	// Servers are equivalent servers of the configuration, which calls reach by the name of these settings. Nil for the
	// settings of the server of that name.
	Servers []string
	// Ordered has calls go to the first server that can be reached. Default: to the one with the fewest calls underway.
	Ordered bool
	// Stateless says that a server keeps nothing of one session that another one could notice. Then each call of
	// equivalent servers may go to another one. Default: those of a principal go to one as long as its session lives.
	Stateless bool
	// Instances is how many sessions with a server the calls of a principal share at most. A further one is made when
	// all are busy. More than one needs Stateless. Default: 1.
	Instances int
	// Warm are principals whose shared sessions are there before they are asked for, and do not end when nobody uses
	// them. Default: none.
	Warm []string
}

// each is what the settings say of one server.
type each struct {
	instances int
	warm      map[string]bool // principals
}

// useSettings takes servers and what settings say of each. With p.mu held.
func (p *Pool) useSettings(servers caisson.Servers, settings map[string]Settings) {
	p.servers, p.settings = servers, settings
	p.names, p.each = map[string]bool{}, map[string]*each{}
	for _, name := range servers.Names() {
		p.names[name] = true
		p.each[name] = &each{instances: 1, warm: map[string]bool{}}
	}
	for name, s := range settings {
		for _, server := range s.of(name) {
			if e := p.each[server]; e != nil {
				e.instances = max(e.instances, s.Instances)
				for _, principal := range s.Warm {
					e.warm[principal] = true
				}
			}
		}
	}
}

// of are the servers that settings of a name are about.
func (s *Settings) of(name string) []string {
	if len(s.Servers) == 0 {
		return []string{name}
	}
	return s.Servers
}

// Named fails where a name stands for nothing in the configuration.
func (p *Pool) Named(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.names[name] && len(p.settings[name].Servers) == 0 {
		return noServer(name)
	}
	return nil
}

// candidates are the servers that a name stands for, the preferred one first; none where there is nothing of that name.
// With p.mu held.
func (p *Pool) candidates(pr *principal, name string) []*upstream {
	set := p.settings[name]
	if len(set.Servers) == 0 {
		if !p.names[name] {
			return nil
		}
		return []*upstream{p.upstream(name)}
	}
	if home := pr.homes[name]; !set.Stateless && len(pr.shared[home]) > 0 && slices.Contains(set.Servers, home) {
		return []*upstream{p.upstream(home)}
	}
	var all []*upstream
	ranks := map[*upstream]int{}
	for _, server := range set.Servers {
		if p.names[server] && !p.servers.Disabled(server) {
			u := p.upstream(server)
			all, ranks[u] = append(all, u), u.rank()
			if p.drained[server] {
				ranks[u] = maxRank
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *upstream) int {
		if d := ranks[a] - ranks[b]; d != 0 || set.Ordered {
			return d
		}
		return a.underway - b.underway
	})
	return all
}

// keepWarm makes the sessions that are to be there before they are asked for. With p.mu held.
func (p *Pool) keepWarm() {
	for name, set := range p.settings {
		for _, principal := range set.Warm {
			pr, err := p.of(principal)
			if err != nil {
				return // The daemon drains, or has enough to do.
			}
			all := p.candidates(pr, name)
			if len(set.Servers) > 0 && !set.Stateless && len(all) > 0 {
				all = all[:1]
				pr.homes[name] = all[0].name
			}
			for _, u := range all {
				for len(pr.shared[u.name]) < p.each[u.name].instances {
					if _, err := p.begin(pr, u, false); err != nil {
						break // It is tried again later.
					}
				}
			}
			p.forget(pr)
		}
	}
}

// A Set is servers that are equivalent.
type Set struct {
	Name    string
	Servers []string
}

// Sets returns the sets of equivalent servers, by their names.
func (p *Pool) Sets() []Set {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Set
	for _, name := range slices.Sorted(maps.Keys(p.settings)) {
		if s := p.settings[name]; len(s.Servers) > 0 {
			all = append(all, Set{name, s.Servers})
		}
	}
	return all
}
