package authorization

import (
	"context"
	"net/http"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// Ready implements [egress.Authorization]: it finds a token that is at its end before the server does.
func (f *Flow) Ready(ctx context.Context) (bool, *egress.Error) {
	f.mu.Lock()
	defer f.unlock()
	if m, ok := f.method.(*auth.Bearer); ok {
		if f.bearer != "" {
			return true, nil
		}
		return true, f.bear(ctx, m)
	}
	if !f.loaded {
		if err := f.load(ctx, false); err != nil {
			return false, f.unauthorized(err, "the store of credentials: %v", err)
		}
	}
	f.keepLater()
	t := f.entry.Tokens
	return t == nil || !t.over(f.config.Now()) || !f.renewable(), nil
}

// bear sees to a token of the program's that the server has not refused: however many need one, the program
// is asked once. With the lock of f held, but not while the program is asked.
func (f *Flow) bear(ctx context.Context, m *auth.Bearer) *egress.Error {
	if m.Source == nil {
		f.bearer = m.Token
		return nil
	}
	if f.bearer != "" && f.bearer != f.refused {
		return nil
	}
	var err error
	f.outside(func() {
		select {
		case f.bearing <- struct{}{}:
		case <-ctx.Done():
			err = ctx.Err()
		}
	})
	if err != nil {
		return f.unauthorized(err, "auth.Bearer.Source gives no token: %v", err)
	}
	defer func() { <-f.bearing }()
	if f.bearer != "" && f.bearer != f.refused {
		return nil
	}
	var token string
	f.outside(func() { token, err = within(ctx, m.Source) })
	token = strings.TrimSpace(token)
	switch {
	case err != nil:
		return f.unauthorized(err, "auth.Bearer.Source gives no token: %v", err)
	case token == "":
		return f.unauthorized(nil, "auth.Bearer.Source gives an empty token")
	}
	f.remember(f.bearer)
	f.bearer = token
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
	f.observeNonce(req.URL, response.Header)
	said := strings.Join(response.Header.Values("WWW-Authenticate"), ", ")
	switch {
	case response.StatusCode == http.StatusUnauthorized:
	case response.StatusCode == http.StatusForbidden && strings.Contains(said, "insufficient_scope"):
	default:
		return false
	}
	if strings.Contains(said, "use_dpop_nonce") && req.Header.Get("DPoP") != "" {
		return wantsNonce(req, response.Header) // The token itself is not refused.
	}
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		f.refused = token
	}
	if at := Parameter(said, "resource_metadata"); at != "" && len(at) <= longestURL {
		f.challenge = at
	}
	return false
}

// Required is what a challenge says of the authorization that a server wants.
func Required(challenge string) *auth.RequiredError {
	required := &auth.RequiredError{Scopes: scopes(Parameter(challenge, "scope"))}
	if at := Parameter(challenge, "resource_metadata"); len(at) <= longestURL {
		required.ResourceMetadata = short(at)
	}
	return required
}

// longestURL is how long a URL of a server's may be, in bytes.
const longestURL = 8 << 10

// Parameter finds a parameter of a challenge (RFC 9110, section 11.6.1), as the SDK does.
func Parameter(challenge, name string) string {
	_, rest, ok := strings.Cut(challenge, name+`="`)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
