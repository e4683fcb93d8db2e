package explain

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// resourceMetadata is what is read of a server's metadata (RFC 9728, section 2).
type resourceMetadata struct {
	Resource      string   `json:"resource"`
	Servers       []string `json:"authorization_servers"`
	Scopes        []string `json:"scopes_supported"`
	BearerMethods []string `json:"bearer_methods_supported"`
	DPoP          bool     `json:"dpop_bound_access_tokens_required"`
}

// resource finds the server's own metadata, and gives the authorization servers in it.
func (w *walk) resource(ctx context.Context, c challenge) []string {
	const about = "the server's metadata (RFC 9728)"
	var places []string
	if c.metadata != "" {
		places = append(places, c.metadata)
	}
	path := strings.TrimSuffix(w.server.EscapedPath(), "/")
	for _, at := range []string{path, ""} {
		place := origin(w.server) + "/.well-known/oauth-protected-resource" + at
		if len(places) == 0 || places[len(places)-1] != place {
			places = append(places, place)
		}
	}
	for _, place := range places {
		s, text := w.get(ctx, about, place)
		if text == nil {
			w.add(s)
			continue
		}
		var m resourceMetadata
		if err := json.Unmarshal(text, &m); err != nil {
			s.fault("it is not JSON", "RFC 9728, section 3.2", true)
			w.add(s)
			continue
		}
		s.found("resource", m.Resource)
		s.list("authorization_servers", m.Servers)
		s.list("scopes_supported", m.Scopes)
		if m.DPoP {
			s.found("dpop_bound_access_tokens_required", "true")
		}
		own := egress.GuestURL(w.server)
		switch {
		case m.Resource == "":
			s.fault("resource is missing", "RFC 9728, section 2", true)
		case strings.TrimSuffix(m.Resource, "/") != strings.TrimSuffix(own, "/") && !covers(m.Resource, w.server):
			s.fault("resource is another server's: a client does not ask for a token for it", "RFC 9728, section 3.3", true)
		case strings.TrimSuffix(m.Resource, "/") != strings.TrimSuffix(own, "/"):
			s.fault("resource is not the address that is connected to, but covers it", "RFC 9728, section 3.3", false)
		}
		if len(m.BearerMethods) > 0 && !slices.Contains(m.BearerMethods, "header") {
			s.fault("bearer_methods_supported does not have header, and a token goes nowhere else", "basic/authorization, Token Requirements", true)
		}
		if len(m.Servers) == 0 {
			s.fault("authorization_servers is missing or empty", "basic/authorization, Authorization Server Location", true)
		}
		w.add(s)
		return m.Servers
	}
	w.report.Conclusions = append(w.report.Conclusions, "the server has no metadata of its own: as in revision 2025-03-26, the authorization server is taken to be at the server's own origin")
	return []string{origin(w.server) + "/"}
}

// serverMetadata is what is read of an authorization server's metadata (RFC 8414, section 2).
type serverMetadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Registration  string   `json:"registration_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	Device        string   `json:"device_authorization_endpoint"`
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	Grants        []string `json:"grant_types_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	PKCE          []string `json:"code_challenge_methods_supported"`
	DPoP          []string `json:"dpop_signing_alg_values_supported"`
	Documents     bool     `json:"client_id_metadata_document_supported"`
	Iss           bool     `json:"authorization_response_iss_parameter_supported"`
}

// authorizationServer finds the metadata of an authorization server.
func (w *walk) authorizationServer(ctx context.Context, name string) *serverMetadata {
	about := "the authorization server " + name
	base, err := url.Parse(name)
	if err != nil || base.Host == "" {
		s := &Step{About: about, Method: http.MethodGet, URL: name}
		s.fault("its name is not a URL", "RFC 8414, section 2", true)
		w.add(s)
		return nil
	}
	path := strings.TrimSuffix(base.EscapedPath(), "/")
	places := []string{
		origin(base) + "/.well-known/oauth-authorization-server" + path,
		origin(base) + "/.well-known/openid-configuration" + path,
	}
	if path != "" {
		places = append(places, origin(base)+path+"/.well-known/openid-configuration")
	}
	for _, place := range places {
		s, text := w.get(ctx, about, place)
		if text == nil {
			w.add(s)
			continue
		}
		m := &serverMetadata{}
		if err := json.Unmarshal(text, m); err != nil {
			s.fault("it is not JSON as it should be", "RFC 8414, section 3.2", true)
			w.add(s)
			continue
		}
		s.readServer(m, name)
		w.add(s)
		return m
	}
	return nil
}

// readServer says what metadata has, and what is wrong with it.
func (s *Step) readServer(m *serverMetadata, name string) {
	for _, f := range []Fact{
		{"issuer", m.Issuer},
		{"authorization_endpoint", m.Authorization},
		{"token_endpoint", m.Token},
		{"registration_endpoint", m.Registration},
		{"revocation_endpoint", m.Revocation},
		{"device_authorization_endpoint", m.Device},
	} {
		if f.Value != "" {
			s.found(f.Name, f.Value)
		}
	}
	s.list("scopes_supported", m.Scopes)
	s.list("grant_types_supported", m.Grants)
	s.list("token_endpoint_auth_methods_supported", m.ClientAuth)
	s.list("code_challenge_methods_supported", m.PKCE)
	s.list("dpop_signing_alg_values_supported", m.DPoP)
	for _, f := range []struct {
		name string
		is   bool
	}{{"client_id_metadata_document_supported", m.Documents}, {"authorization_response_iss_parameter_supported", m.Iss}} {
		if f.is {
			s.found(f.name, "true")
		}
	}
	switch {
	case m.Issuer == "":
		s.fault("issuer is missing", "RFC 8414, section 2", true)
	case strings.TrimSuffix(m.Issuer, "/") != strings.TrimSuffix(name, "/"):
		s.fault("issuer is not what the server's metadata names: a client must not use it", "RFC 8414, section 3.3", true)
	case m.Issuer != name:
		s.fault("issuer differs from what the server's metadata names by a slash at the end", "RFC 8414, section 3.3", false)
	}
	for _, f := range []Fact{{"authorization_endpoint", m.Authorization}, {"token_endpoint", m.Token}} {
		if f.Value == "" {
			s.fault(f.Name+" is missing", "RFC 8414, section 2", f.Name == "token_endpoint")
		} else if u, err := url.Parse(f.Value); err != nil || u.Scheme != "https" && !egress.Loopback(u) {
			s.fault(f.Name+" is neither https nor of this machine", "basic/authorization, Communication Security", true)
		}
	}
	switch {
	case len(m.PKCE) == 0:
		s.fault("code_challenge_methods_supported is missing: a client must not go on", "basic/authorization, Authorization Code Protection", true)
	case !slices.Contains(m.PKCE, "S256"):
		s.fault("code_challenge_methods_supported does not have S256", "basic/authorization, Authorization Code Protection", true)
	}
	if len(m.ResponseTypes) > 0 && !slices.Contains(m.ResponseTypes, "code") {
		s.fault("response_types_supported does not have code", "OAuth 2.1, section 4.1", true)
	}
	if m.Registration == "" && !m.Documents {
		s.fault("there is neither dynamic registration nor client ID metadata documents: a client has to be registered beforehand", "basic/authorization, Client Registration Approaches", false)
	}
	if !m.Iss {
		s.fault("authorization_response_iss_parameter_supported is missing: a mix-up of authorization servers is not noticed", "RFC 9207, section 3", false)
	}
}

// covers reports whether a resource is the server or a part of its path, as the SDK takes it.
func covers(resource string, server *url.URL) bool {
	r, err := url.Parse(resource)
	if err != nil || origin(r) != origin(server) {
		return false
	}
	path := strings.TrimSuffix(r.Path, "/") + "/"
	return strings.HasPrefix(strings.TrimSuffix(server.Path, "/")+"/", path)
}
