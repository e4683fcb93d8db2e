// Package access says who calls the daemon, and what they may do. Nobody is trusted for being on the port: who calls
// is a token's, a client certificate's or, on a Unix socket, a process's.
package access

import (
	"context"
	"slices"
	"strings"
)

// A Scope is what a principal may do.
type Scope string

// These are the scopes.
const (
	// MCP lets a principal call servers of the configuration.
	MCP Scope = "caisson:mcp"
	// Scripts lets it run scripts.
	Scripts Scope = "caisson:scripts"
	// Admin lets it do what the owner of the daemon does.
	Admin Scope = "caisson:admin"
	// InlineURL lets it connect with servers that it describes itself, by a URL.
	InlineURL Scope = "caisson:inline-url"
	// InlineCommand lets it have the daemon start commands that it names.
	InlineCommand Scope = "caisson:inline-command"
)

// Scopes are all scopes.
var Scopes = []Scope{MCP, Scripts, Admin, InlineURL, InlineCommand}

// byDefault are the scopes of a principal of whom nothing else is said.
var byDefault = []Scope{MCP, Scripts}

// own begins the names of the daemon's scopes.
const own = "caisson:"

// ListScopes names all scopes, for messages.
func ListScopes() string {
	names := make([]string, len(Scopes))
	for i, scope := range Scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, ", ")
}

// A Principal is who calls. The name of a token is its own; that of a JWT is its issuer, "#" and its subject; that of
// a process is "unix:" and its user; that of a client certificate is "tls:" and its name. So none can be another's.
type Principal struct {
	Name   string
	Scopes []Scope
}

// Has reports whether the principal has a scope.
func (p *Principal) Has(scope Scope) bool { return slices.Contains(p.Scopes, scope) }

type principalKey struct{}

// WithPrincipal returns a context whose calls a principal makes.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// FromContext says who makes the calls of a context: nil where nobody is known.
func FromContext(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}

// A Grants says what principals may do, by their names; "*" stands for all others.
type Grants map[string][]Scope

// principal makes a principal of a name and of the scopes of its token. Where the token has one of the daemon's, it
// has those; where it has none, what the grants say.
func (g Grants) principal(name string, token []string) *Principal {
	p := &Principal{Name: name}
	limited := false
	for _, scope := range token {
		if strings.HasPrefix(scope, own) {
			limited = true
			if slices.Contains(Scopes, Scope(scope)) {
				p.Scopes = append(p.Scopes, Scope(scope))
			}
		}
	}
	if limited {
		return p
	}
	for _, key := range []string{name, "*"} {
		if scopes, ok := g[key]; ok {
			p.Scopes = scopes
			return p
		}
	}
	p.Scopes = byDefault
	return p
}
