package server

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
)

// Pools makes the settings of servers, of what the configuration and the policy say, which is nil where there is none. The
// file of tokens may be "". The error is a [*config.Error].
func Pools(f *config.File, rules *policy.Policy, tokens string) (map[string]pool.Settings, error) {
	all := map[string]pool.Settings{}
	for name, p := range f.Pools {
		set := pool.Settings{Servers: p.Servers, Ordered: p.Balance == "order", Stateless: p.Stateless, Instances: int(p.Instances), Warm: p.Warm.Principals}
		servers := p.Servers
		if len(servers) == 0 {
			servers = config.Words{name}
		}
		if !set.Stateless && rules != nil {
			set.Stateless = !slices.ContainsFunc(servers, func(server string) bool {
				source, _ := rules.Source(policy.Server, server)
				return source == nil || !source.Stateless
			})
		}
		if set.Instances > 1 && !set.Stateless {
			return nil, &config.Error{
				File: f.Path, Key: "pools." + name + ".instances",
				Message: "a server with several instances must keep nothing of a session: say so with stateless: true, here or in the policy, or leave instances out",
			}
		}
		if p.Warm.All {
			var err error
			if set.Warm, err = principals(f, tokens); err != nil {
				return nil, &config.Error{File: f.Path, Key: "pools." + name + ".warm", Message: err.Error(), Err: err}
			}
		}
		all[name] = set
	}
	return all, nil
}

// principals are those that the configuration names: who has a token of the file, and who has scopes.
func principals(f *config.File, path string) ([]string, error) {
	names := map[string]bool{}
	for name := range f.Access.Scopes {
		names[name] = true
	}
	if path != "" {
		tokens, err := bearer.ReadTokens(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the file of tokens: %w", err)
		}
		for _, token := range tokens {
			names[token.Name] = true
		}
	}
	delete(names, "*")
	return slices.Sorted(maps.Keys(names)), nil
}

// tokens is the file of tokens of a configuration; "" for none.
func (s *Server) tokens(f *config.File) string {
	if f.Access.Tokens == "" && s.first != nil {
		return s.first.Tokens
	}
	return f.Access.Tokens
}

// health is what the configuration says of it.
func health(h config.Health) pool.Health {
	return pool.Health{Interval: time.Duration(h.Interval), Timeout: time.Duration(h.Timeout), Failures: h.Failures, Pause: time.Duration(h.Pause)}
}
