package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// method reads how to authorize; nil for nothing, and [*auth.None] where the file says that nobody is to log in.
func (e *entry) method(x *expander) (auth.Method, error) {
	switch {
	case e.headersHelper != nil:
		return nil, errors.New(`headersHelper is not run here: give the token in headers, or in "auth" with "type": "bearer" and a command`)
	case e.authProviderType != "" && e.authProviderType != "dynamic_discovery":
		return nil, errors.New(`authProviderType is known as dynamic_discovery alone: for a service account use "auth" with "type": "workload" and a command that prints its token`)
	case e.oauth != nil && e.auth != nil:
		return nil, errors.New("the server has both oauth and auth: keep one of them")
	case e.oauth != nil:
		return readOAuth("oauth", e.oauth, x)
	case e.auth != nil:
		return readAuth(e.auth, x)
	}
	return nil, nil
}

// loginOfCommand says that a command has no login, where the file gives it one.
func (e *entry) loginOfCommand() error {
	member := ""
	switch {
	case e.oauth != nil:
		member = "oauth"
	case e.auth != nil:
		member = "auth"
	default:
		return nil
	}
	return fmt.Errorf("%s is for a server with a url, and this one is a command, which has no login: leave %[1]s out, and give the command its credentials in env", member)
}

// readAuth reads "auth": Cursor's, FastMCP's, or Caisson's with a type.
func readAuth(raw json.RawMessage, x *expander) (auth.Method, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "oauth" {
			return &auth.OAuth{Ask: &auth.Browser{}}, nil
		}
		return bearer(source{text: text}, "auth", x), nil
	}
	var kind string
	err := readObject("auth", raw, map[string]any{"type": &kind}, nil)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "":
		return readCursor(raw, x)
	case "oauth":
		return readOAuth("auth", raw, x)
	case "bearer":
		return readBearer(raw, x)
	case "client-credentials":
		return readClientCredentials(raw, x)
	case "enterprise":
		return readEnterprise(raw, x)
	case "workload":
		return readWorkload(raw, x)
	}
	return nil, errors.New("auth.type is not one of oauth, bearer, client-credentials, enterprise and workload")
}

// A common is what all ways but bearer have.
type common struct {
	scopes                     words
	resource, principal        string
	dpop                       bool
	noResource, repeated, pkce bool // of servers that are rough
}

func (c *common) members() map[string]any {
	return map[string]any{
		"scopes": &c.scopes, "scope": &c.scopes, "oauthScopes": &c.scopes, "resource": &c.resource, "principal": &c.principal,
		"dpop": &c.dpop, "noResource": &c.noResource, "scopeOnRefresh": &c.repeated, "assumePKCE": &c.pkce,
	}
}

func (c *common) of(under string, x *expander) auth.Common {
	return auth.Common{
		Scopes:    c.scopes.list(under+".scopes", x),
		Resource:  x.secret(under+".resource", c.resource),
		Principal: x.secret(under+".principal", c.principal),
		DPoP:      c.dpop,
		Rough:     auth.Rough{NoResource: c.noResource, ScopeOnRefresh: c.repeated, AssumePKCE: c.pkce},
	}
}

// refused are members of other hosts that are not had here, and why.
var refused = map[string]string{
	"authServerMetadataUrl": "the server's own metadata names its authorization server: for a server without metadata give clientId, authorizationUrl and tokenUrl",
	"registrationUrl":       "the authorization server's own metadata names it: leave it out, or give clientId",
	"tokenParamName":        "a token does not go into a URL: leave it out",
	"audiences":             `give "authorizeParams": {"audience": "..."}`,
}

// readOAuth reads a login of a person: the members of Claude Code, VS Code, Gemini CLI, OpenCode and Kiro, and
// Caisson's own.
func readOAuth(under string, raw json.RawMessage, x *expander) (auth.Method, error) {
	var on bool
	if json.Unmarshal(raw, &on) == nil { // OpenCode's: false does not log in, and true is the default.
		if !on {
			return &auth.None{}, nil
		}
		return &auth.OAuth{Ask: &auth.Browser{}}, nil
	}
	var c common
	var kind, clientID, clientSecret, metadata, issuer, authURL, tokenURL, name, redirectURI string
	var port int
	params := map[string]string{}
	enabled := true
	members := map[string]any{
		"type": &kind, "enabled": &enabled, "clientId": &clientID, "clientSecret": &clientSecret, "clientMetadataUrl": &metadata, "issuer": &issuer,
		"authorizationUrl": &authURL, "tokenUrl": &tokenURL, "clientName": &name, "callbackPort": &port,
		"redirectUri": &redirectURI, "callbackUrl": &redirectURI, "authorizeParams": &params,
	}
	if err := readObject(under, raw, members, c.members()); err != nil {
		return nil, err
	}
	if !enabled {
		return &auth.None{}, nil
	}
	if redirectURI = x.secret(under+".redirectUri", redirectURI); redirectURI != "" {
		at, err := portOf(redirectURI)
		if err != nil || port != 0 && port != at {
			return nil, fmt.Errorf("%s.redirectUri is not one that is listened at here, which is http://127.0.0.1:PORT/oauth/callback: register that one, and give callbackPort", under)
		}
		port = at
	}
	m := &auth.OAuth{
		Common:            c.of(under, x),
		ClientID:          x.secret(under+".clientId", clientID),
		ClientSecret:      x.secret(under+".clientSecret", clientSecret),
		ClientMetadataURL: x.secret(under+".clientMetadataUrl", metadata),
		Issuer:            x.secret(under+".issuer", issuer),
		AuthURL:           x.secret(under+".authorizationUrl", authURL),
		TokenURL:          x.secret(under+".tokenUrl", tokenURL),
		ClientName:        x.secret(under+".clientName", name),
		Ask:               &auth.Browser{Port: port},
	}
	for name, value := range x.secrets(under+".authorizeParams", params) {
		if m.AuthorizeParams == nil {
			m.AuthorizeParams = url.Values{}
		}
		m.AuthorizeParams.Set(name, value)
	}
	return m, nil
}

// portOf is the port of a redirect URI that an [auth.Browser] has.
func portOf(redirectURI string) (int, error) {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(u.Port())
	if err == nil && (&auth.Browser{Port: port}).RedirectURL() != redirectURI {
		err = errors.New("another one")
	}
	return port, err
}

// readCursor reads Cursor's static client.
func readCursor(raw json.RawMessage, x *expander) (auth.Method, error) {
	var c common
	var id, secret string
	if err := readObject("auth", raw, map[string]any{"CLIENT_ID": &id, "CLIENT_SECRET": &secret, "scopes": &c.scopes}, nil); err != nil {
		return nil, err
	}
	if id == "" {
		return nil, errors.New("auth has neither a type nor a CLIENT_ID: add one")
	}
	return &auth.OAuth{Common: c.of("auth", x), ClientID: x.secret("auth.CLIENT_ID", id), ClientSecret: x.secret("auth.CLIENT_SECRET", secret), Ask: &auth.Browser{}}, nil
}

func readBearer(raw json.RawMessage, x *expander) (auth.Method, error) {
	var token source
	if err := readObject("auth", raw, map[string]any{"token": &token}, nil); err != nil {
		return nil, err
	}
	return bearer(token, "auth.token", x), nil
}

// bearer is a token. One that stands in the file is used as it is; another one is read anew when the server
// does not take it any more.
func bearer(token source, field string, x *expander) auth.Method {
	if token.text != "" {
		return &auth.Bearer{Token: x.secret(field, token.text)}
	}
	return &auth.Bearer{Source: token.function(field, x)}
}

func readClientCredentials(raw json.RawMessage, x *expander) (auth.Method, error) {
	var c common
	var id, secret, key, algorithm, keyID, issuer, tokenURL string
	err := readObject("auth", raw, map[string]any{
		"clientId": &id, "clientSecret": &secret, "privateKey": &key, "algorithm": &algorithm, "keyId": &keyID, "issuer": &issuer, "tokenUrl": &tokenURL,
	}, c.members())
	if err != nil {
		return nil, err
	}
	m := &auth.ClientCredentials{
		Common:       c.of("auth", x),
		ClientID:     x.secret("auth.clientId", id),
		ClientSecret: x.secret("auth.clientSecret", secret),
		Algorithm:    x.secret("auth.algorithm", algorithm),
		KeyID:        x.secret("auth.keyId", keyID),
		Issuer:       x.secret("auth.issuer", issuer),
		TokenURL:     x.secret("auth.tokenUrl", tokenURL),
	}
	if key != "" {
		m.PrivateKey = []byte(x.secret("auth.privateKey", key))
	}
	return m, nil
}

func readEnterprise(raw json.RawMessage, x *expander) (auth.Method, error) {
	var c common
	var id, secret, issuer, provider, providerToken, providerID, providerSecret string
	var token source
	err := readObject("auth", raw, map[string]any{
		"clientId": &id, "clientSecret": &secret, "issuer": &issuer, "idToken": &token,
		"identityProvider": &provider, "identityProviderTokenUrl": &providerToken,
		"identityProviderClientId": &providerID, "identityProviderClientSecret": &providerSecret,
	}, c.members())
	if err != nil {
		return nil, err
	}
	return &auth.EnterpriseManaged{
		Common:                       c.of("auth", x),
		ClientID:                     x.secret("auth.clientId", id),
		ClientSecret:                 x.secret("auth.clientSecret", secret),
		Issuer:                       x.secret("auth.issuer", issuer),
		IDToken:                      token.function("auth.idToken", x),
		IdentityProvider:             x.secret("auth.identityProvider", provider),
		IdentityProviderTokenURL:     x.secret("auth.identityProviderTokenUrl", providerToken),
		IdentityProviderClientID:     x.secret("auth.identityProviderClientId", providerID),
		IdentityProviderClientSecret: x.secret("auth.identityProviderClientSecret", providerSecret),
	}, nil
}

func readWorkload(raw json.RawMessage, x *expander) (auth.Method, error) {
	var c common
	var id, issuer string
	var assertion source
	if err := readObject("auth", raw, map[string]any{"clientId": &id, "issuer": &issuer, "assertion": &assertion}, c.members()); err != nil {
		return nil, err
	}
	return &auth.WorkloadIdentity{
		Common:    c.of("auth", x),
		ClientID:  x.secret("auth.clientId", id),
		Issuer:    x.secret("auth.issuer", issuer),
		Assertion: assertion.function("auth.assertion", x),
	}, nil
}
