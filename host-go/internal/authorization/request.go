package authorization

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// Request implements [egress.Authorization]: it makes of a request of the core's one that goes out, and
// gives what reads the answer. The core says neither what a request is for nor where a secret goes: both
// follow from what the host has read.
func (f *Flow) Request(ctx context.Context, r egress.Request, client string) (*http.Request, egress.Reader, *egress.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, err := url.Parse(r.URL)
	switch {
	case f.turn == nil:
		return nil, nil, f.fail(egress.Refused, nil, "the core authorizes without a turn")
	case err != nil:
		return nil, nil, f.fail(egress.Refused, nil, "the core asked for a URL that is not valid; if the server named it, the server is at fault")
	}
	if refused := f.safe(u); refused != nil {
		return nil, nil, refused
	}
	u.Fragment = ""
	switch r.Method {
	case http.MethodGet:
		return f.ofMetadata(ctx, u, r)
	case http.MethodPost:
		if s := f.endpointOf(u, func(m *serverMetadata) string { return m.TokenEndpoint }); s != nil {
			return f.ofTokens(ctx, s, u, r, client)
		}
		if s := f.endpointOf(u, func(m *serverMetadata) string { return m.DeviceEndpoint }); s != nil {
			return f.ofDevice(ctx, s, u, r, client)
		}
		if s := f.endpointOf(u, func(m *serverMetadata) string { return m.RegistrationEndpoint }); s != nil {
			return f.ofRegistration(ctx, s, u, r)
		}
	}
	return nil, nil, f.fail(egress.Refused, nil, "%s %s://%s is not granted: no metadata of the server names it", short(r.Method), u.Scheme, u.Host)
}

func (f *Flow) ofMetadata(ctx context.Context, u *url.URL, r egress.Request) (*http.Request, egress.Reader, *egress.Error) {
	what := f.metadataAt(u)
	if what == "" {
		return nil, nil, f.fail(egress.Refused, nil, "%s://%s is not granted: it is the metadata neither of the server nor of an authorization server that the server names", u.Scheme, u.Host)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, f.fail(egress.Refused, nil, "the URL of the metadata is not valid")
	}
	request.Header.Set("Accept", "application/json")
	for _, field := range r.Header {
		if strings.EqualFold(field[0], "MCP-Protocol-Version") && egress.ValidField(field[0], field[1]) == nil {
			request.Header.Set(field[0], field[1])
		}
	}
	return request, &reader{flow: f, request: request, read: func(a *answer) *egress.Error { return f.readMetadata(a, what, u) }}, nil
}

func (f *Flow) ofRegistration(ctx context.Context, s *authorizationServer, u *url.URL, r egress.Request) (*http.Request, egress.Reader, *egress.Error) {
	if _, ok := f.method.(*auth.OAuth); !ok || r.Body == nil || strings.Contains(*r.Body, nameOf("")) {
		return nil, nil, f.fail(egress.Refused, nil, "a client is not registered here")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(*r.Body))
	if err != nil {
		return nil, nil, f.fail(egress.Refused, nil, "the registration endpoint is not valid")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	return request, &reader{flow: f, request: request, read: func(a *answer) *egress.Error { return f.readRegistration(ctx, a, s) }}, nil
}

func (f *Flow) ofTokens(ctx context.Context, s *authorizationServer, u *url.URL, r egress.Request, how string) (*http.Request, egress.Reader, *egress.Error) {
	if r.Body == nil {
		return nil, nil, f.fail(egress.Refused, nil, "a request for a token has no body")
	}
	form, err := url.ParseQuery(*r.Body)
	if err != nil {
		return nil, nil, f.fail(egress.Refused, nil, "a request for a token is no form")
	}
	if refused := f.fill(ctx, s, form); refused != nil {
		return nil, nil, refused
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if refused := f.authenticate(s, form, header, how); refused != nil {
		return nil, nil, refused
	}
	make := func() (*http.Request, *egress.Error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
		if err != nil {
			return nil, f.fail(egress.Refused, nil, "the token endpoint is not valid")
		}
		request.Header = header.Clone()
		if f.common.DPoP && !s.vouches {
			proof, err := f.prove(http.MethodPost, u, "")
			if err != nil {
				return nil, f.unauthorized(err, "DPoP: %v", err)
			}
			request.Header.Set("DPoP", proof)
		}
		return request, nil
	}
	request, failed := make()
	if failed != nil {
		return nil, nil, failed
	}
	refreshes := form.Get("grant_type") == "refresh_token"
	return request, &reader{flow: f, request: request, again: make, read: func(a *answer) *egress.Error {
		if s.vouches {
			return f.readAssertion(a)
		}
		return f.readTokens(ctx, a, s, form.Get("scope"), refreshes)
	}}, nil
}

// deviceGrant is the grant of a code that a person enters elsewhere (RFC 8628, section 3.4).
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

func (f *Flow) ofDevice(ctx context.Context, s *authorizationServer, u *url.URL, r egress.Request, how string) (*http.Request, egress.Reader, *egress.Error) {
	m, ok := f.method.(*auth.OAuth)
	if !ok || m.Device == nil || r.Body == nil || strings.Contains(*r.Body, url.QueryEscape(nameOf(""))) {
		return nil, nil, f.fail(egress.Refused, nil, "nobody is to be shown a code to enter")
	}
	form, err := url.ParseQuery(*r.Body)
	if err != nil {
		return nil, nil, f.fail(egress.Refused, nil, "a request for a code is no form")
	}
	if err := f.permitted(form.Get("scope")); err != nil {
		return nil, nil, f.unauthorized(err, "%v", err)
	}
	form = url.Values{"scope": form["scope"], "resource": form["resource"]}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if refused := f.authenticate(s, form, header, how); refused != nil {
		return nil, nil, refused
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, f.fail(egress.Refused, nil, "the device authorization endpoint is not valid")
	}
	request.Header = header
	return request, &reader{flow: f, request: request, read: func(a *answer) *egress.Error { return f.readDevice(m, a, s) }}, nil
}

// fill puts the secrets into a form, each into its own field and for the endpoint that it is for.
func (f *Flow) fill(ctx context.Context, s *authorizationServer, form url.Values) *egress.Error {
	for _, field := range []string{"client_id", "client_secret", "client_assertion", "client_assertion_type"} {
		form.Del(field) // The host's.
	}
	for field, values := range form {
		if len(values) != 1 {
			return f.fail(egress.Refused, nil, "a request for a token has the field %s twice", short(field))
		}
		name, ok := strings.CutPrefix(values[0], nameOf(""))
		if !ok {
			continue
		}
		secret, refused := f.secretFor(ctx, s, field, name)
		if refused != nil {
			return refused
		}
		form.Set(field, secret)
	}
	return nil
}

// secretFor gives the secret of a name, for a field of a request to an authorization server.
func (f *Flow) secretFor(ctx context.Context, s *authorizationServer, field, name string) (string, *egress.Error) {
	refuse := func(why string) (string, *egress.Error) {
		return "", f.fail(egress.Refused, nil, "the secret %s does not go there: %s", short(name), why)
	}
	switch place := field + "=" + name; {
	case place == "refresh_token=refresh_token" && f.entry.Tokens != nil && f.entry.Tokens.Refresh != "":
		if f.entry.Tokens.Issuer != s.issuer() {
			return refuse("another authorization server gave it")
		}
		return f.entry.Tokens.Refresh, nil
	case place == "code=code" && f.turn.code != "":
		if f.turn.asked != s {
			return refuse("the person was sent to another authorization server")
		}
		code := f.turn.code
		f.turn.seen = append(f.turn.seen, code)
		return code, nil
	case place == "device_code=device_code" && f.turn.device != "":
		if f.turn.asked != s {
			return refuse("another authorization server gave it")
		}
		return f.turn.device, nil
	case place == "assertion=id_jag" && f.turn.assertion != "":
		if s.vouches {
			return refuse("it is for the server's own authorization server")
		}
		return f.turn.assertion, nil
	case place == "assertion=assertion":
		m, ok := f.method.(*auth.WorkloadIdentity)
		if !ok {
			return refuse("there is none")
		}
		if m.Issuer != "" && m.Issuer != s.issuer() {
			return refuse("it is for the issuer that auth.WorkloadIdentity.Issuer names")
		}
		return f.given(ctx, "auth.WorkloadIdentity.Assertion", m.Assertion)
	case place == "subject_token=subject_token":
		m, ok := f.method.(*auth.EnterpriseManaged)
		if !ok || !s.vouches {
			return refuse("it is for the identity provider")
		}
		token, failed := f.given(ctx, "auth.EnterpriseManaged.IDToken", m.IDToken)
		f.turn.subject = token
		return token, failed
	}
	return refuse("there is none, or it is for another field")
}

// given asks the program for a secret.
func (f *Flow) given(ctx context.Context, what string, give func(context.Context) (string, error)) (string, *egress.Error) {
	text, err := give(ctx)
	text = strings.TrimSpace(text)
	switch {
	case err != nil:
		return "", f.unauthorized(err, "%s gives nothing: %v", what, err)
	case text == "":
		return "", f.unauthorized(nil, "%s gives an empty text", what)
	}
	f.turn.seen = append(f.turn.seen, text)
	return text, nil
}

// authenticate has the client prove to a token endpoint who it is.
func (f *Flow) authenticate(s *authorizationServer, form url.Values, header http.Header, how string) *egress.Error {
	if m, ok := f.method.(*auth.EnterpriseManaged); ok && s.vouches {
		form.Set("client_id", m.IdentityProviderClientID)
		if m.IdentityProviderClientSecret != "" {
			form.Set("client_secret", m.IdentityProviderClientSecret)
		}
		return nil
	}
	id, secret, issuer := f.configuredClient()
	switch {
	case id == anonymous:
		return nil
	case id != "":
		if issuer == "" {
			issuer = f.entry.Bound
		}
		if issuer != "" && !sameIssuer(issuer, s.issuer()) {
			return f.unauthorized(nil, "the client is of the issuer %s, and the server names %s now: its secret does not go there. Register at the new one, or log out", short(issuer), short(s.issuer()))
		}
	case f.entry.Client != nil && f.entry.Client.Issuer == s.issuer():
		id, secret = f.entry.Client.ID, f.entry.Client.Secret
	default:
		if m, ok := f.method.(*auth.OAuth); ok {
			id = m.ClientMetadataURL
		}
	}
	if id == "" {
		return f.unauthorized(nil, "there is no client for the issuer %s", short(s.issuer()))
	}
	switch how {
	case "basic":
		header.Set("Authorization", "Basic "+basic(id, secret))
	case "post":
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	case "private-key-jwt":
		m, ok := f.method.(*auth.ClientCredentials)
		if !ok || len(m.PrivateKey) == 0 {
			return f.fail(egress.Refused, nil, "there is no key to sign with")
		}
		assertion, err := f.assert(m, s.issuer())
		if err != nil {
			return f.unauthorized(err, "auth.ClientCredentials.PrivateKey: %v", err)
		}
		form.Set("client_assertion", assertion)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		f.turn.seen = append(f.turn.seen, assertion)
	default:
		form.Set("client_id", id)
	}
	return nil
}

// sameIssuer compares as the SDK does: with and without a slash at the end.
func sameIssuer(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }

// short cuts what a server says to what belongs into a message.
func short(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%.300s…", text)
}
