package authorization

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// longestRevocation bounds the revocations at a logout: who logs out does not wait for a server that is away.
const longestRevocation = 10 * time.Second

// Logout revokes the tokens of an entry of the store (RFC 7009), as far as the authorization server can be
// reached, and removes the entry. The entry may be for another way to authorize than the flow's: of another client the secret
// is not known. Nil says that there is no such entry.
func (f *Flow) Logout(ctx context.Context, key string, transport http.RoundTripper) (*auth.Logout, error) {
	parts, ok := parseKey(key)
	if !ok {
		return nil, nil
	}
	if key != f.key {
		f = f.standIn(parts, key)
	}
	unlock, err := f.store.Lock(ctx, key)
	if err != nil {
		return nil, err
	}
	defer unlock()
	text, err := f.store.Load(ctx, key)
	text, err = f.config.Unsaved.over(f.store, key, text, err)
	if err != nil || text == nil {
		return nil, err
	}
	out := &auth.Logout{Status: statusOf(parts, text, f.config.Now())}
	f.mu.Lock()
	defer f.unlock()
	if err := f.load(ctx, true); err == nil {
		out.Revoked, out.Err = f.revoke(ctx, transport)
	}
	f.config.Unsaved.drop(f.store, key)
	f.outside(func() { err = f.store.Delete(ctx, key) })
	if err != nil {
		return nil, err
	}
	f.entry, f.loaded, f.refused = entry{}, false, ""
	return out, nil
}

// standIn is a flow for an entry of which no more is known than its key says.
func (f *Flow) standIn(parts keyParts, key string) *Flow {
	config := f.config
	m := &auth.OAuth{ClientID: parts.client}
	if id, secret, issuer := f.configuredClient(); id == parts.client {
		m.ClientSecret, m.Issuer = secret, issuer // It goes to that issuer alone, or the one that the entry is bound to.
	}
	config.Method = m
	config.Store = f.store
	other := New(config)
	other.key = key
	return other
}

// revoke revokes what the entry has: the refresh token first, as most servers revoke all with it. With the
// lock of f held.
func (f *Flow) revoke(ctx context.Context, transport http.RoundTripper) (revoked []string, err error) {
	t := f.entry.Tokens
	m, err := decodeServerMetadata(f.entry.ServerMetadata)
	if t == nil || err != nil || m.RevocationEndpoint == "" || m.Issuer != t.Issuer {
		return nil, nil
	}
	s := &authorizationServer{name: t.Issuer, metadata: m}
	ctx, cancel := context.WithTimeout(ctx, longestRevocation)
	defer cancel()
	for _, one := range [][2]string{{"refresh_token", t.Refresh}, {"access_token", t.Access}} {
		if one[1] == "" {
			continue
		}
		switch code, failed := f.revokeOne(ctx, transport, s, one[0], one[1]); {
		case failed != nil:
			err = errors.Join(err, fmt.Errorf("the %s is not revoked: %w", strings.ReplaceAll(one[0], "_", " "), failed))
		case code != "unsupported_token_type": // RFC 7009, section 2.2.1: it revokes refresh tokens alone.
			revoked = append(revoked, one[0])
		}
	}
	return revoked, err
}

// revokeOne revokes a token. It gives the error code of a refusal that matters to nobody.
func (f *Flow) revokeOne(ctx context.Context, transport http.RoundTripper, s *authorizationServer, kind, token string) (code string, err error) {
	u, err := url.Parse(s.metadata.RevocationEndpoint)
	if err != nil {
		return "", errors.New("the revocation endpoint is not a URL")
	}
	if refused := f.safe(u); refused != nil {
		return "", refused
	}
	form := url.Values{"token": {token}, "token_type_hint": {kind}}
	request, refused := f.post(ctx, s, u, form, f.clientMethod(s.metadata))
	if refused != nil {
		return "", refused
	}
	var response *http.Response
	f.outside(func() { response, err = egress.RoundTrip(transport, request) })
	if err != nil {
		f.told(request, 0)
		return "", fmt.Errorf("there is no answer from %s://%s", u.Scheme, u.Host) // The cause may have the URL with a secret.
	}
	f.told(request, response.StatusCode)
	defer response.Body.Close()
	var body []byte
	f.outside(func() { body, err = io.ReadAll(io.LimitReader(response.Body, 64<<10)) })
	if err != nil {
		return "", fmt.Errorf("the answer from %s://%s broke off", u.Scheme, u.Host)
	}
	if response.StatusCode/100 == 2 {
		return "", nil
	}
	var said struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &said) // A page has no error.
	if said.Error == "unsupported_token_type" && kind == "access_token" {
		return said.Error, nil
	}
	return "", fmt.Errorf("%s://%s answers HTTP %d %s", u.Scheme, u.Host, response.StatusCode, f.quoted(said.Error))
}

// clientMethod is how the client proves who it is where tokens are revoked, in the words of authenticate.
func (f *Flow) clientMethod(m *serverMetadata) string {
	if c, ok := f.method.(*auth.ClientCredentials); ok && len(c.PrivateKey) > 0 {
		return "private-key-jwt"
	}
	id, secret, _ := f.configuredClient()
	methods := m.RevocationMethods
	if methods == nil {
		methods = m.TokenMethods
	}
	if c := f.entry.Client; id == "" && c != nil {
		secret = c.Secret
		if c.Method != "" {
			methods = []string{c.Method}
		}
	}
	switch {
	case secret == "":
		return "none"
	case len(methods) > 0 && !slices.Contains(methods, "client_secret_basic"):
		return "post"
	}
	return "basic" // RFC 8414, section 2: the default.
}
