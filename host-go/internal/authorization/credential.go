package authorization

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// Ready implements [egress.Authorization]: it finds a token that is at its end before the server does.
func (f *Flow) Ready(ctx context.Context) (bool, *egress.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m, ok := f.method.(*auth.Bearer); ok {
		if f.bearer == "" {
			return true, f.bear(ctx, m)
		}
		return true, nil
	}
	if !f.loaded {
		if err := f.load(ctx); err != nil {
			return false, f.unauthorized(err, "the store of credentials: %v", err)
		}
	}
	t := f.entry.Tokens
	return t == nil || !t.over(f.config.Now()) || !f.renewable(), nil
}

// bear takes a token of the program's. With the lock of f held.
func (f *Flow) bear(ctx context.Context, m *auth.Bearer) *egress.Error {
	if m.Source == nil {
		f.bearer = m.Token
		return nil
	}
	token, err := m.Source(ctx)
	switch {
	case err != nil:
		return f.unauthorized(err, "auth.Bearer.Source gives no token: %v", err)
	case strings.TrimSpace(token) == "":
		return f.unauthorized(nil, "auth.Bearer.Source gives an empty token")
	}
	f.bearer = strings.TrimSpace(token)
	return nil
}

// renewable reports whether a token can be had without a person. With the lock of f held.
func (f *Flow) renewable() bool {
	if _, person := f.method.(*auth.OAuth); person {
		return f.entry.Tokens.Refresh != ""
	}
	return true
}

// Apply implements [egress.Authorization]: it puts the token into a request for the server.
func (f *Flow) Apply(req *http.Request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+f.bearer)
		return nil
	}
	t := f.entry.Tokens
	if t == nil {
		return nil
	}
	if !strings.EqualFold(t.Type, "DPoP") {
		req.Header.Set("Authorization", "Bearer "+t.Access)
		return nil
	}
	proof, err := f.prove(req.Method, req.URL, t.Access)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "DPoP "+t.Access)
	req.Header.Set("DPoP", proof)
	return nil
}

// Observe implements [egress.Authorization]: it hears what the server says of a token, and reports whether
// the request is to be sent again at once, because only a nonce was missing.
func (f *Flow) Observe(req *http.Request, response *http.Response) (again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh := f.observeNonce(req.URL, response.Header)
	if response.StatusCode != http.StatusUnauthorized {
		return false
	}
	said := strings.Join(response.Header.Values("WWW-Authenticate"), ", ")
	if fresh && strings.Contains(said, "use_dpop_nonce") && req.Header.Get("DPoP") != "" {
		return true
	}
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		f.refused = token
	}
	f.challenge = parameter(said, "resource_metadata")
	return false
}

// parameter finds a parameter of a challenge (RFC 9110, section 11.6.1), as the SDK does.
func parameter(challenge, name string) string {
	_, rest, ok := strings.Cut(challenge, name+`="`)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// Hide replaces the secrets of the flow in a text.
func (f *Flow) Hide(text string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, secret := range f.secrets() {
		if len(secret) < shortest {
			continue
		}
		text = strings.ReplaceAll(text, secret, "***")
		if escaped := url.QueryEscape(secret); escaped != secret {
			text = strings.ReplaceAll(text, escaped, "***")
		}
	}
	return text
}

// shortest is the length below which a text is no secret: it would hide words of every message.
const shortest = 8

// secrets are all that the flow knows. With the lock of f held.
func (f *Flow) secrets() []string {
	all := []string{f.bearer, f.refused}
	if t := f.entry.Tokens; t != nil {
		all = append(all, t.Access, t.Refresh)
	}
	if c := f.entry.Client; c != nil {
		all = append(all, c.Secret)
	}
	switch m := f.method.(type) {
	case *auth.OAuth:
		all = append(all, m.ClientSecret)
	case *auth.ClientCredentials:
		all = append(all, m.ClientSecret)
	case *auth.EnterpriseManaged:
		all = append(all, m.ClientSecret, m.IdentityProviderClientSecret)
	}
	if t := f.turn; t != nil {
		all = append(all, t.code, t.device, t.assertion, t.subject)
		all = append(all, t.seen...)
	}
	return all
}
