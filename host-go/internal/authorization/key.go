package authorization

import (
	"net/url"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// The ways to authorize, as a key has them.
const (
	kindOAuth       = "oauth"
	kindCredentials = "client-credentials"
	kindEnterprise  = "enterprise"
	kindWorkload    = "workload"
)

// Key is under which a store has what belongs to a server, a way to authorize, a client and a user.
func Key(server *url.URL, method auth.Method) string {
	k := keyParts{server: egress.GuestURL(server)}
	switch m := method.(type) {
	case *auth.OAuth:
		k.kind, k.client, k.principal = kindOAuth, m.ClientID, m.Principal
	case *auth.ClientCredentials:
		k.kind, k.client, k.principal = kindCredentials, m.ClientID, m.Principal
	case *auth.EnterpriseManaged:
		k.kind, k.client, k.principal = kindEnterprise, m.ClientID, m.Principal
	case *auth.WorkloadIdentity:
		k.kind, k.client, k.principal = kindWorkload, m.ClientID, m.Principal
	}
	return k.String()
}

// keyParts is a key taken apart.
type keyParts struct{ server, kind, client, principal string }

// String writes the key. No part has a space in it.
func (k keyParts) String() string {
	parts := []string{k.server, k.kind}
	for _, part := range [][2]string{{"client", k.client}, {"user", k.principal}} {
		if part[1] != "" {
			parts = append(parts, part[0]+"="+url.QueryEscape(part[1]))
		}
	}
	return strings.Join(parts, " ")
}

// parseKey takes a key apart; false for one that is something else's.
func parseKey(key string) (keyParts, bool) {
	parts := strings.Split(key, " ")
	if len(parts) < 2 {
		return keyParts{}, false
	}
	k := keyParts{server: parts[0], kind: parts[1]}
	switch k.kind {
	case kindOAuth, kindCredentials, kindEnterprise, kindWorkload:
	default:
		return keyParts{}, false
	}
	for _, part := range parts[2:] {
		name, escaped, _ := strings.Cut(part, "=")
		value, err := url.QueryUnescape(escaped)
		switch {
		case err != nil:
			return keyParts{}, false
		case name == "client":
			k.client = value
		case name == "user":
			k.principal = value
		default:
			return keyParts{}, false
		}
	}
	return k, true
}
