package config

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// leastInterval bounds how often the daemon looks after its sessions.
const leastInterval = 100 * time.Millisecond

// maxInstances bounds the instances of a server.
const maxInstances = 64

// A Pool says what is made of a server, or of several that are equivalent.
type Pool struct {
	// Servers are equivalent servers of the configuration. Default: the server of the entry's own name.
	Servers Words `yaml:"servers"`
	// Balance is how calls are spread over them: "least" has each go to the server with the fewest calls underway, "order"
	// to the first one that can be reached. Default: least.
	Balance string `yaml:"balance"`
	// Stateless says that the servers keep nothing of one session that another one could notice. Default: what the policy
	// says of them.
	Stateless bool `yaml:"stateless"`
	// Instances is how many sessions with a server the calls of a principal share at most. Default: 1.
	Instances Instances `yaml:"instances"`
	// Warm are the principals whose sessions are there before they are asked for. Default: none.
	Warm Warm `yaml:"warm"`
}

// Instances is a number, or "cores" for as many as the machine has processors.
type Instances int

// UnmarshalYAML reads a number or the word.
func (n *Instances) UnmarshalYAML(node *yaml.Node) error {
	if node.Value == "cores" {
		*n = Instances(min(runtime.GOMAXPROCS(0), maxInstances))
		return nil
	}
	if err := node.Decode((*int)(n)); err != nil || *n < 1 || *n > maxInstances {
		return fmt.Errorf("line %d: instances is neither a number from 1 to %d nor \"cores\"", node.Line, maxInstances)
	}
	return nil
}

// Warm is a list of principals, or true for all that the configuration names.
type Warm struct {
	// All stands for those with a token in the file of tokens, and those of access.scopes.
	All        bool
	Principals Words
}

// UnmarshalYAML reads true, false, a name or a list of names.
func (w *Warm) UnmarshalYAML(node *yaml.Node) error {
	if node.Tag == "!!bool" {
		return node.Decode(&w.All)
	}
	return node.Decode(&w.Principals)
}

// Health says when a server counts as one that cannot be reached. What is 0 is the default.
type Health struct {
	// Interval is how often a shared session that nobody uses is pinged. Default: 1 minute.
	Interval Duration `yaml:"interval"`
	// Timeout is how long the answer may take. Default: 10 s.
	Timeout Duration `yaml:"timeout"`
	// Failures is how many attempts to reach a server have to fail in turn, until it is not called for a while.
	// Default: 5.
	Failures int `yaml:"failures"`
	// Pause is how long it is not called. Default: 10 s.
	Pause Duration `yaml:"pause"`
}

// checkPools finds what is wrong with the pools. Names are those of the servers.
func (f *File) checkPools(names []string) error {
	wrong := func(key, format string, args ...any) error {
		return &Error{File: f.Path, Key: "pools." + key, Message: fmt.Sprintf(format, args...)}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Pools)) {
		p, isServer := f.Pools[name], slices.Contains(names, name)
		switch {
		case !slices.Contains([]string{"", "least", "order"}, p.Balance):
			return wrong(name+".balance", "%q is neither least nor order", p.Balance)
		case len(p.Servers) == 0 && p.Balance != "":
			return wrong(name+".balance", "it is for several servers: name them in servers")
		case len(p.Servers) == 0 && !isServer:
			return wrong(name, "there is no server of this name: correct it, or name equivalent servers in servers")
		case len(p.Servers) > 0 && isServer:
			return wrong(name, "there is a server of this name too: take another name for the equivalent servers")
		}
		seen := map[string]bool{}
		for _, server := range p.Servers {
			switch {
			case !slices.Contains(names, server):
				return wrong(name+".servers", "there is no server %q", server)
			case seen[server]:
				return wrong(name+".servers", "%q is there twice", server)
			}
			seen[server] = true
		}
	}
	if i := f.Health.Interval; i > 0 && i < Duration(leastInterval) {
		return &Error{File: f.Path, Key: "health.interval", Message: fmt.Sprintf("it is shorter than %v: the daemon would do little else", leastInterval)}
	}
	if f.Health.Failures < 0 {
		return &Error{File: f.Path, Key: "health.failures", Message: "it is negative"}
	}
	return nil
}
