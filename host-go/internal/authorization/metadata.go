package authorization

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// resourceMetadata is what the host reads of a server's protected resource metadata (RFC 9728).
type resourceMetadata struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
}

// serverMetadata is what the host reads of an authorization server's metadata (RFC 8414).
type serverMetadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint,omitempty"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint,omitempty"`
	RevocationEndpoint    string   `json:"revocation_endpoint,omitempty"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint,omitempty"`
	ResponseTypes         []string `json:"response_types_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported,omitempty"`
	TokenMethods          []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	RevocationMethods     []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	// SaysIssuer is true where each answer to a login has the issuer (RFC 9207, section 3).
	SaysIssuer any `json:"authorization_response_iss_parameter_supported,omitempty"`
}

// An authorizationServer is one that there may be.
type authorizationServer struct {
	// name is the issuer as the server's metadata, or the configuration, has it.
	name string
	// metadata is nil until it was read; then the endpoints are the defaults (2025-03-26, "Fallbacks for
	// Servers without Metadata Discovery").
	metadata *serverMetadata
	document json.RawMessage
	// vouches says that it is the identity provider, guessed that nobody has named its issuer.
	vouches, guessed bool
}

func (s *authorizationServer) issuer() string {
	if s.metadata != nil {
		return s.metadata.Issuer
	}
	return s.name
}

// endpoints are the server's own, or the defaults.
func (s *authorizationServer) endpoints() *serverMetadata {
	if s.metadata != nil {
		return s.metadata
	}
	u, err := url.Parse(s.name)
	if err != nil {
		return &serverMetadata{}
	}
	at := func(path string) string {
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}).String()
	}
	return &serverMetadata{Issuer: s.name, AuthorizationEndpoint: at("/authorize"), TokenEndpoint: at("/token"), RegistrationEndpoint: at("/register")}
}

// speaksFor reports whether metadata is what was looked for under a name (RFC 8414, section 3.3): who speaks
// for another issuer would get what belongs to that one. The slash is the SDK's, at the end of an origin.
func (m *serverMetadata) speaksFor(name string) bool {
	return m.Issuer == name || m.Issuer+"/" == name
}

func decodeServerMetadata(text []byte) (*serverMetadata, error) {
	m := &serverMetadata{}
	if err := json.Unmarshal(text, m); err != nil || m.Issuer == "" {
		return nil, errors.New("it is no metadata of an authorization server")
	}
	return m, nil
}

// endpointOf finds the authorization server one of whose endpoints a URL is, but for the query. Several may share
// an endpoint: a server's authorization server may be the identity provider too. Then it is the one that vouches
// where that is asked for, and otherwise one that does not; of several such the one that this turn is at, and then
// the first by name. With the lock of f held.
func (f *Flow) endpointOf(u *url.URL, endpoint func(*serverMetadata) string, vouches bool) *authorizationServer {
	var found *authorizationServer
	for _, name := range slices.Sorted(maps.Keys(f.turn.servers)) {
		s := f.turn.servers[name]
		at, err := url.Parse(endpoint(s.endpoints()))
		if err != nil || at.Host == "" || !samePlace(at, u) {
			continue
		}
		if found == nil || s.vouches == vouches && (found.vouches != vouches || s == f.turn.at) {
			found = s
		}
	}
	return found
}

// samePlace reports whether two URLs are the same but for their queries. Of the first the query, if it
// has one, is in the second.
func samePlace(at, u *url.URL) bool {
	if at.Scheme != u.Scheme || !strings.EqualFold(at.Host, u.Host) || pathOf(at) != pathOf(u) || u.User != nil {
		return false
	}
	query := u.Query()
	for name, values := range at.Query() {
		if query.Get(name) != values[0] {
			return false
		}
	}
	return true
}

func pathOf(u *url.URL) string {
	if path := u.EscapedPath(); path != "" {
		return path
	}
	return "/"
}

// What metadata is looked for at.
const (
	ofResource = "resource"
	ofServer   = "server:" // and the name of the authorization server
)

// metadataAt says of what a URL is the metadata, as far as the host has read of it: "" for nothing. With the
// lock of f held.
func (f *Flow) metadataAt(u *url.URL) string {
	if what, ok := f.turn.redirected[u.String()]; ok {
		return what
	}
	if at, err := url.Parse(f.challenge); err == nil && f.challenge != "" && at.String() == u.String() {
		return ofResource
	}
	server := f.config.URL
	for _, path := range wellKnown("oauth-protected-resource", pathOf(server)) {
		if sameOrigin(u, server) && pathOf(u) == path {
			return ofResource
		}
	}
	for name := range f.candidates() {
		base, err := url.Parse(name)
		if err != nil || !sameOrigin(u, base) {
			continue
		}
		path := strings.TrimSuffix(pathOf(base), "/")
		for _, at := range []string{
			"/.well-known/oauth-authorization-server" + path,
			"/.well-known/openid-configuration" + path,
			path + "/.well-known/openid-configuration",
		} {
			if pathOf(u) == at && u.RawQuery == "" {
				return ofServer + name
			}
		}
	}
	return ""
}

// candidates are the issuers that there may be: those in the server's metadata, the configured ones, and
// the server's own origin where its metadata names none. With the lock of f held.
func (f *Flow) candidates() map[string]bool {
	all := map[string]bool{}
	for name := range f.turn.servers {
		all[name] = true
	}
	if r := f.turn.resource; r != nil && len(r.AuthorizationServers) > 0 {
		for _, name := range r.AuthorizationServers[:min(len(r.AuthorizationServers), mostServers)] {
			all[name] = true
		}
		return all
	}
	all[(&url.URL{Scheme: f.config.URL.Scheme, Host: f.config.URL.Host, Path: "/"}).String()] = true
	return all
}

// mostServers is how many authorization servers of a server's metadata are looked at.
const mostServers = 16

// wellKnown are the paths at which metadata may be.
func wellKnown(name, path string) []string {
	path = strings.TrimSuffix(path, "/")
	return []string{"/.well-known/" + name + path, "/.well-known/" + name}
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) && a.User == nil && b.User == nil
}

// names reports whether the program's own configuration names the origin of a URL: an organization's identity provider
// may be in its network, and the server on the internet.
func (f *Flow) names(u *url.URL) bool {
	var all []string
	switch m := f.method.(type) {
	case *auth.OAuth:
		all = []string{m.Issuer, m.AuthURL, m.TokenURL}
	case *auth.ClientCredentials:
		all = []string{m.Issuer, m.TokenURL}
	case *auth.EnterpriseManaged:
		all = []string{m.Issuer, m.IdentityProvider, m.IdentityProviderTokenURL}
	case *auth.WorkloadIdentity:
		all = []string{m.Issuer}
	}
	return slices.ContainsFunc(all, func(text string) bool {
		at, err := url.Parse(text)
		return err == nil && text != "" && sameOrigin(at, u)
	})
}

// safe returns why a URL is not one to ask, or nil: it is https or of this machine, and does not lead into
// a private network or to this machine, unless the server itself is there, or the configuration says so.
func (f *Flow) safe(u *url.URL) *egress.Error {
	switch {
	case u.User != nil || u.Host == "":
		return f.fail(egress.Refused, nil, "a URL in the server's metadata is not absolute, or has a user name in it")
	case u.Scheme != "https" && !(u.Scheme == "http" && egress.Loopback(u)):
		return f.fail(egress.Refused, nil, "%s://%s is not granted: authorization goes over https, or stays on this machine", u.Scheme, u.Host)
	}
	if inside := egress.Inside(f.config.URL, u); inside != "" && !f.config.PrivateAddresses && !f.names(u) {
		return f.fail(egress.Refused, nil, "%s is %s: the metadata of the server must not lead there", u.Host, inside)
	}
	return nil
}
