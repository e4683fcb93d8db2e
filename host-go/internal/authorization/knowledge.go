package authorization

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// knowledge is what the core is told at the beginning of a turn: see Knowledge in src/authorization.
type knowledge struct {
	Granted           bool              `json:"granted,omitempty"`
	Grant             string            `json:"grant,omitempty"`
	RedirectURL       string            `json:"redirectUrl,omitempty"`
	Device            bool              `json:"device,omitempty"`
	ClientMetadata    map[string]any    `json:"clientMetadata,omitempty"`
	ClientMetadataURL string            `json:"clientMetadataUrl,omitempty"`
	Client            map[string]any    `json:"client,omitempty"`
	ClientRefreshes   bool              `json:"clientRefreshes,omitempty"`
	Tokens            map[string]any    `json:"tokens,omitempty"`
	Discovery         *discovery        `json:"discovery,omitempty"`
	Authentication    string            `json:"authentication,omitempty"`
	Scope             *string           `json:"scope,omitempty"`
	Resource          *string           `json:"resource,omitempty"`
	ScopeOnRefresh    bool              `json:"scopeOnRefresh,omitempty"`
	IdentityProvider  *identityProvider `json:"identityProvider,omitempty"`
}

// discovery is what the SDK has found out: OAuthDiscoveryState.
type discovery struct {
	AuthorizationServerURL      string          `json:"authorizationServerUrl"`
	AuthorizationServerMetadata json.RawMessage `json:"authorizationServerMetadata,omitempty"`
	ResourceMetadata            json.RawMessage `json:"resourceMetadata,omitempty"`
	ResourceMetadataURL         string          `json:"resourceMetadataUrl,omitempty"`
}

type identityProvider struct {
	Issuer        string `json:"issuer,omitempty"`
	TokenEndpoint string `json:"tokenEndpoint,omitempty"`
	ClientID      string `json:"clientId"`
}

// knowledge is what the core has to know. With the lock of f held.
func (f *Flow) knowledge(c Challenge) knowledge {
	k := knowledge{ScopeOnRefresh: f.common.Rough.ScopeOnRefresh}
	if len(f.common.Scopes) > 0 {
		scope := strings.Join(f.common.Scopes, " ")
		k.Scope = &scope
	}
	switch {
	case f.common.Rough.NoResource:
		k.Resource = new(string)
	case f.common.Resource != "":
		k.Resource = &f.common.Resource
	}
	k.ClientMetadata = map[string]any{"redirect_uris": []string{}}
	switch m := f.method.(type) {
	case *auth.OAuth:
		f.ofPerson(&k, m)
	case *auth.ClientCredentials:
		k.Grant = "client_credentials"
		if len(m.PrivateKey) > 0 {
			k.Authentication = "private-key-jwt"
		}
		if m.TokenURL != "" {
			k.Discovery = f.configured(m.Issuer, "", m.TokenURL)
		}
	case *auth.EnterpriseManaged:
		k.Grant = "enterprise"
		k.IdentityProvider = &identityProvider{m.IdentityProvider, m.IdentityProviderTokenURL, m.IdentityProviderClientID}
		issuer := m.IdentityProvider
		if issuer == "" {
			issuer = m.IdentityProviderTokenURL
		}
		idp := &authorizationServer{name: issuer, vouches: true}
		if m.IdentityProviderTokenURL != "" {
			idp.metadata = &serverMetadata{Issuer: issuer, TokenEndpoint: m.IdentityProviderTokenURL}
		}
		f.turn.servers[issuer] = idp
	case *auth.WorkloadIdentity:
		k.Grant = "assertion"
	}
	k.Client, k.ClientRefreshes = f.clientFor()
	f.known(&k, c)
	return k
}

// ofPerson adds what a login of a person needs.
func (f *Flow) ofPerson(k *knowledge, m *auth.OAuth) {
	k.Grant = "authorization_code"
	k.RedirectURL = f.redirect()
	k.ClientMetadataURL = m.ClientMetadataURL
	k.Device = m.Device != nil
	k.ClientMetadata = f.clientMetadata(m)
	if m.AuthURL != "" {
		k.Discovery = f.configured(m.Issuer, m.AuthURL, m.TokenURL)
	}
}

// clientMetadata is what a registration says of the client (RFC 7591, section 2), but for the scopes.
func (f *Flow) clientMetadata(m *auth.OAuth) map[string]any {
	grants := []string{codeGrant, refreshGrant}
	if m.Device != nil {
		grants = append(grants, deviceGrant)
	}
	name := m.ClientName
	if name == "" {
		name = f.config.ClientName
	}
	return map[string]any{
		"client_name":                name,
		"redirect_uris":              []string{f.redirect()},
		"grant_types":                grants,
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "none",
		"application_type":           "native",
	}
}

// noRedirect is where a browser would come back to, where nobody is shown a URL to log in at.
const noRedirect = "http://127.0.0.1/oauth/callback"

// configured is what there would be to find out, for a server without metadata.
func (f *Flow) configured(issuer, authURL, tokenURL string) *discovery {
	guessed := issuer == ""
	if guessed {
		u, _ := url.Parse(tokenURL)
		issuer = u.Scheme + "://" + u.Host
	}
	metadata := &serverMetadata{Issuer: issuer, AuthorizationEndpoint: authURL, TokenEndpoint: tokenURL}
	if authURL == "" {
		metadata.AuthorizationEndpoint = tokenURL // The SDK's schema wants one.
	}
	metadata.ResponseTypes, metadata.ChallengeMethods = []string{"code"}, []string{"S256"}
	text, _ := json.Marshal(metadata)
	f.turn.servers[issuer] = &authorizationServer{name: issuer, metadata: metadata, document: text, guessed: guessed}
	return &discovery{AuthorizationServerURL: issuer, AuthorizationServerMetadata: text}
}

// clientFor is the client as the core sees it: its secret is a name. Nil is one that is to be registered. One
// that was registered for another port only refreshes: many authorization servers compare the whole URL.
func (f *Flow) clientFor() (seen map[string]any, refreshes bool) {
	id, secret, issuer := f.configuredClient()
	if id != "" {
		seen = map[string]any{"client_id": id}
		if secret != "" {
			seen["client_secret"] = nameOf("client_secret")
		}
		if issuer != "" {
			seen["issuer"] = issuer
		}
		return seen, false
	}
	c, t := f.entry.Client, f.entry.Tokens
	if c == nil || !c.SecretExpiry.IsZero() && !f.config.Now().Before(c.SecretExpiry) {
		return nil, false
	}
	refreshes = f.redirect() != c.Redirect
	if refreshes && (t == nil || t.Refresh == "") {
		return nil, false
	}
	seen = map[string]any{"client_id": c.ID, "issuer": c.Issuer}
	if c.Secret != "" {
		seen["client_secret"] = nameOf("client_secret")
	}
	if c.Method != "" {
		seen["token_endpoint_auth_method"] = c.Method
	}
	return seen, refreshes
}

// redirect is where a browser comes back to. Where nobody can be asked it is what the client was registered
// with, so that its tokens are refreshed, and it is not registered anew.
func (f *Flow) redirect() string {
	if m, ok := f.method.(*auth.OAuth); ok && m.Ask != nil {
		return m.Ask.RedirectURL()
	}
	if c := f.entry.Client; c != nil && c.Redirect != "" {
		return c.Redirect
	}
	return noRedirect
}

// configuredClient is the client that the program has named, and the issuer that it belongs to: the one that is
// named too, or else the first one that it was used with.
func (f *Flow) configuredClient() (id, secret, issuer string) {
	switch m := f.method.(type) {
	case *auth.OAuth:
		id, secret, issuer = m.ClientID, m.ClientSecret, m.Issuer
	case *auth.ClientCredentials:
		id, secret, issuer = m.ClientID, m.ClientSecret, m.Issuer
	case *auth.EnterpriseManaged:
		id, secret, issuer = m.ClientID, m.ClientSecret, m.Issuer
	case *auth.WorkloadIdentity:
		id, issuer = orAnonymous(m.ClientID), m.Issuer
	}
	if issuer == "" {
		issuer = f.entry.Bound
	}
	return id, secret, issuer
}

// anonymous stands for a client that has no identifier: the SDK would register one.
const anonymous = "-"

func orAnonymous(id string) string {
	if id == "" {
		return anonymous
	}
	return id
}

// known adds what was found out and granted before.
func (f *Flow) known(k *knowledge, c Challenge) {
	e := &f.entry
	// Tokens are of the client that they were given to: who registers anew has none.
	if t := e.Tokens; t != nil && (e.Client == nil || k.Client != nil) {
		k.Tokens = map[string]any{"access_token": nameOf("access_token"), "token_type": t.Type, "issuer": t.Issuer}
		if t.Refresh != "" {
			k.Tokens["refresh_token"] = nameOf("refresh_token")
		}
		if t.Scope != "" {
			k.Tokens["scope"] = t.Scope
		}
	}
	// A server that refuses a token may have another authorization server by now: it is asked. One whose
	// token is at its end has said nothing.
	local := e.Tokens != nil && e.Tokens.over(f.config.Now())
	if k.Discovery == nil && local && !f.stale && e.ServerMetadata != nil && c.Status != 403 {
		metadata, err := decodeServerMetadata(e.ServerMetadata)
		if err != nil {
			return
		}
		f.turn.servers[e.AuthorizationServer] = &authorizationServer{name: e.AuthorizationServer, metadata: metadata, document: e.ServerMetadata}
		if r := (&resourceMetadata{}); json.Unmarshal(e.ResourceMetadata, r) == nil {
			f.turn.resource = r
		}
		// A document may quote a token, as it may when it is first read.
		veiled := func(document json.RawMessage) json.RawMessage {
			if hidden := json.RawMessage(f.hidden(string(document))); json.Valid(hidden) {
				return hidden
			}
			return nil
		}
		k.Discovery = &discovery{e.AuthorizationServer, veiled(e.ServerMetadata), veiled(e.ResourceMetadata), e.ResourceMetadataURL}
	}
}

// nameOf is what the core has in the place of a secret.
func nameOf(secret string) string { return "secret:" + secret }

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // Maps and texts.
	}
	return string(text)
}
