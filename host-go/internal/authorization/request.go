package authorization

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// What one turn may ask for: far more than a login takes, and than a person does who takes their time to
// enter a code.
const mostRequests, mostPolls = 64, 2048

// Request implements [egress.Authorization]: it makes of a request of the core's one that goes out, and
// gives what reads the answer. The core says neither what a request is for nor where a secret goes: both
// follow from what the host has read.
func (f *Flow) Request(ctx context.Context, r egress.Request, client string) (*http.Request, egress.Reader, *egress.Error) {
	f.mu.Lock()
	defer f.unlock()
	if f.turn == nil {
		return nil, nil, f.noTurn()
	}
	if f.turn.requests++; f.turn.requests > mostRequests {
		f.leave(f.fail(egress.Limit, nil, "one authorization takes more than %d requests: the metadata of the server leads in circles", mostRequests))
		return nil, nil, f.noTurn()
	}
	u, err := url.Parse(r.URL)
	if err != nil || len(r.URL) > longestURL {
		return nil, nil, f.fail(egress.Refused, nil, "the core asked for a URL that is not valid; if the server named it, the server is at fault")
	}
	if refused := f.safe(u); refused != nil {
		return nil, nil, refused
	}
	u.Fragment = ""
	ask := f.newReader(ctx)
	request, failed := f.prepare(ask, u, r, client)
	if failed != nil {
		ask.close()
		return nil, nil, failed
	}
	ask.begin()
	ask.request = request.WithContext(ask.ctx)
	return ask.request, ask, nil
}

// prepare makes the request, and says how its answer is read.
func (f *Flow) prepare(ask *reader, u *url.URL, r egress.Request, client string) (*http.Request, *egress.Error) {
	switch r.Method {
	case http.MethodGet:
		return f.ofMetadata(ask, u, r)
	case http.MethodPost:
		if f.endpointOf(u, tokenEndpoint, false) != nil {
			return f.ofTokens(ask, u, r, client)
		}
		if s := f.endpointOf(u, func(m *serverMetadata) string { return m.DeviceEndpoint }, false); s != nil {
			return f.ofDevice(ask, s, u, r, client)
		}
		if s := f.endpointOf(u, func(m *serverMetadata) string { return m.RegistrationEndpoint }, false); s != nil {
			return f.ofRegistration(ask, s, u, r)
		}
	}
	return nil, f.fail(egress.Refused, nil, "%s %s://%s is not granted: no metadata of the server names it", short(r.Method), u.Scheme, u.Host)
}

func (f *Flow) ofMetadata(ask *reader, u *url.URL, r egress.Request) (*http.Request, *egress.Error) {
	what := f.metadataAt(u)
	if what == "" {
		return nil, f.fail(egress.Refused, nil, "%s://%s is not granted: it is the metadata neither of the server nor of an authorization server that the server names", u.Scheme, u.Host)
	}
	request, err := http.NewRequestWithContext(ask.ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, f.fail(egress.Refused, nil, "the URL of the metadata is not valid")
	}
	request.Header.Set("Accept", "application/json")
	for _, field := range r.Header {
		if strings.EqualFold(field[0], "MCP-Protocol-Version") && egress.ValidField(field[0], field[1]) == nil {
			request.Header.Set(field[0], field[1])
		}
	}
	ask.read = func(a *answer) *egress.Error { return f.readMetadata(ask.turn, a, what, u) }
	return request, nil
}

// largestRegistration is how large the core may describe the client, in bytes.
const largestRegistration = 64 << 10

func (f *Flow) ofRegistration(ask *reader, s *authorizationServer, u *url.URL, r egress.Request) (*http.Request, *egress.Error) {
	// The SDK would register a client where it has none, and where the one that it has is another issuer's.
	if id, _, _ := f.configuredClient(); id != "" {
		if _, _, failed := f.clientAt(s); failed != nil {
			return nil, failed
		}
		why := ""
		if f.said != nil {
			why = ": " + f.said.Error()
		}
		if id == anonymous {
			return nil, f.unauthorized(f.said, "the authorization server %s takes no client without an identifier; set auth.WorkloadIdentity.ClientID%s", short(s.issuer()), why)
		}
		return nil, f.unauthorized(f.said, "the authorization server %s does not take the configured client %s; check its identifier and its secret%s", short(s.issuer()), short(id), why)
	}
	var wants struct {
		Scope string `json:"scope"`
	}
	m, ok := f.method.(*auth.OAuth)
	if !ok || r.Body == nil || len(*r.Body) > largestRegistration || json.Unmarshal([]byte(*r.Body), &wants) != nil {
		return nil, f.fail(egress.Refused, nil, "a client is not registered here")
	}
	if failed := f.reachable(s, m, f.asked(wants.Scope)); failed != nil {
		return nil, failed // A client that nobody logs in with would stay at the authorization server.
	}
	scope, failed := f.wanted(wants.Scope)
	if failed != nil {
		return nil, failed
	}
	metadata := f.clientMetadata(m)
	if scope != "" {
		metadata["scope"] = scope
	}
	text := encode(metadata)
	ask.endpoint, ask.again = "the registration endpoint", func() (*http.Request, *egress.Error) {
		request, err := http.NewRequestWithContext(ask.ctx, http.MethodPost, u.String(), strings.NewReader(text))
		if err != nil {
			return nil, f.fail(egress.Refused, nil, "the registration endpoint is not valid")
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", "application/json")
		return request, nil
	}
	ask.read = func(a *answer) *egress.Error { return f.readRegistration(ask, a, s) }
	return ask.again()
}

func tokenEndpoint(m *serverMetadata) string { return m.TokenEndpoint }

func (f *Flow) ofTokens(ask *reader, u *url.URL, r egress.Request, how string) (*http.Request, *egress.Error) {
	form, refused := f.form(r)
	if refused != nil {
		return nil, refused
	}
	grant := form.Get("grant_type")
	s := f.endpointOf(u, tokenEndpoint, grant == exchangeGrant) // The identity provider exchanges, and no other.
	f.turn.at = s
	if refused := f.fill(ask, s, grant, form); refused != nil {
		return nil, refused
	}
	ask.endpoint, ask.repeats = "the token endpoint", repetitions[grant]
	ask.again = func() (*http.Request, *egress.Error) {
		request, refused := f.post(ask.ctx, s, u, form, how) // An assertion of the client's is good once.
		if refused != nil {
			return nil, refused
		}
		if f.common.DPoP && !s.vouches {
			proof, err := f.prove(http.MethodPost, u, "")
			if err != nil {
				return nil, f.unauthorized(err, "DPoP: %v", err)
			}
			request.Header.Set("DPoP", proof)
		}
		return request, nil
	}
	ask.read = func(a *answer) *egress.Error {
		if s.vouches {
			return f.readAssertion(ask.turn, a, s, form.Get("audience"))
		}
		return f.readTokens(ask, a, s, form.Get("scope"), grant == refreshGrant)
	}
	return ask.again()
}

func (f *Flow) ofDevice(ask *reader, s *authorizationServer, u *url.URL, r egress.Request, how string) (*http.Request, *egress.Error) {
	m, ok := f.method.(*auth.OAuth)
	if !ok || m.Device == nil {
		return nil, f.fail(egress.Refused, nil, "nobody is to be shown a code to enter")
	}
	form, refused := f.form(r)
	if refused != nil {
		return nil, refused
	}
	if !f.mayAsk() {
		return nil, f.tooOften()
	}
	kept := url.Values{}
	for _, field := range []string{"scope", "resource"} {
		if value := form.Get(field); value != "" {
			kept.Set(field, value)
		}
	}
	f.turn.at = s
	kept.Set("scope", f.widened(s, kept.Get("scope")))
	if kept.Get("scope") == "" {
		kept.Del("scope")
	}
	ask.endpoint, ask.again = "the device authorization endpoint", func() (*http.Request, *egress.Error) {
		return f.post(ask.ctx, s, u, kept, how)
	}
	ask.read = func(a *answer) *egress.Error { return f.readDevice(ask.turn, m, a, s) }
	return ask.again()
}

// formFields are the fields of a form that the core may fill in.
var formFields = map[string]bool{
	"grant_type": true, "code": true, "code_verifier": true, "redirect_uri": true, "refresh_token": true,
	"device_code": true, "assertion": true, "subject_token": true, "subject_token_type": true,
	"requested_token_type": true, "audience": true, "scope": true, "resource": true,
}

// form reads the form of a request of the core's, and leaves out what is not the core's to say. It asks for
// no more scopes than are wanted, and for a token for nothing but the server.
func (f *Flow) form(r egress.Request) (url.Values, *egress.Error) {
	if r.Body == nil {
		return nil, f.fail(egress.Refused, nil, "a request for a token has no body")
	}
	form, err := url.ParseQuery(*r.Body)
	if err != nil {
		return nil, f.fail(egress.Refused, nil, "a request for a token is no form")
	}
	for field, values := range form {
		switch {
		case !formFields[field]:
			delete(form, field)
		case len(values) != 1:
			return nil, f.fail(egress.Refused, nil, "a request for a token has the field %s twice", field)
		}
	}
	if refused := f.aim(form); refused != nil {
		return nil, refused
	}
	if form.Get("grant_type") == refreshGrant {
		return form, nil // It gives no more than was granted (RFC 6749, section 6).
	}
	scope, refused := f.wanted(form.Get("scope"))
	if refused != nil {
		return nil, refused
	}
	if form.Del("scope"); scope != "" {
		form.Set("scope", scope)
	}
	return form, nil
}

// wanted are the scopes of a request of the core's, as far as they are to be asked for.
func (f *Flow) wanted(scope string) (string, *egress.Error) {
	scope = f.asked(scope)
	if err := f.permitted(scope); err != nil {
		f.event(auth.Event{Kind: auth.EventRefused, Err: err})
		return "", f.unauthorized(err, "%v", err)
	}
	return scope, nil
}

// The grants that there are.
const (
	codeGrant     = "authorization_code"
	refreshGrant  = "refresh_token"
	clientGrant   = "client_credentials"
	bearerGrant   = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	// deviceGrant is that of a code that a person enters elsewhere (RFC 8628, section 3.4).
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
)

// secretFields are the fields that a grant has its secret in. The core writes a name there.
var secretFields = map[string]string{
	codeGrant: "code", refreshGrant: "refresh_token", deviceGrant: "device_code",
	bearerGrant: "assertion", exchangeGrant: "subject_token", clientGrant: "",
}

// idJAG is the type of an assertion of an identity provider.
const idJAG = "urn:ietf:params:oauth:token-type:id-jag"

// fill puts the secret of a grant into its field. There is none of the core's, and none in another field.
func (f *Flow) fill(ask *reader, s *authorizationServer, grant string, form url.Values) *egress.Error {
	field, known := secretFields[grant]
	if !known {
		return f.fail(egress.Refused, nil, "a token is not asked for by the grant %s", short(grant))
	}
	for other, values := range form {
		if other != field && strings.HasPrefix(values[0], nameOf("")) {
			return f.fail(egress.Refused, nil, "the secret %s does not go there: it is for another field", short(values[0]))
		}
	}
	if field == "" {
		if _, ok := f.method.(*auth.ClientCredentials); !ok {
			return f.fail(egress.Refused, nil, "a token is not asked for by the grant %s", grant)
		}
		return nil
	}
	name, ok := strings.CutPrefix(form.Get(field), nameOf(""))
	if !ok {
		return f.fail(egress.Refused, nil, "the core has a secret of its own for the field %s", field)
	}
	if grant == deviceGrant {
		if failed := f.turn.overdue(f); failed != nil {
			return failed
		}
		f.turn.requests-- // A person may take their time.
		if f.turn.polls++; f.turn.polls > mostPolls {
			return f.fail(egress.Limit, nil, "a token was asked for more than %d times, and nobody has entered the code", mostPolls)
		}
	}
	secret, refused := f.secretFor(ask, s, form, field+"="+name)
	if refused != nil {
		return refused
	}
	form.Set(field, secret)
	return nil
}

// secretFor gives the secret of a name, for a field of a request to an authorization server.
func (f *Flow) secretFor(ask *reader, s *authorizationServer, form url.Values, place string) (string, *egress.Error) {
	t := f.turn
	refuse := func(why string) (string, *egress.Error) {
		return "", f.fail(egress.Refused, nil, "the secret %s does not go there: %s", short(place), why)
	}
	switch {
	case place == "refresh_token=refresh_token" && f.entry.Tokens != nil && f.entry.Tokens.Refresh != "":
		if f.entry.Tokens.Issuer != s.issuer() {
			return refuse("another authorization server gave it")
		}
		return f.entry.Tokens.Refresh, nil
	case place == "code=code" && t.code != "":
		if t.asked != s {
			return refuse("the person was sent to another authorization server")
		}
		return t.code, nil
	case place == "device_code=device_code" && t.device != "":
		if t.asked != s {
			return refuse("another authorization server gave it")
		}
		return t.device, nil
	case place == "assertion=id_jag" && t.assertion != "":
		if s.vouches || !sameIssuer(t.audience, s.issuer()) {
			return refuse("it is for another authorization server")
		}
		return t.assertion, nil
	case place == "assertion=assertion":
		m, ok := f.method.(*auth.WorkloadIdentity)
		if !ok {
			return refuse("there is none")
		}
		if _, _, issuer := f.configuredClient(); issuer != "" && !sameIssuer(issuer, s.issuer()) {
			return refuse("it is for the issuer that auth.WorkloadIdentity.Issuer names, or that got it first")
		}
		return f.given(ask.ctx, "auth.WorkloadIdentity.Assertion", m.Assertion)
	case place == "subject_token=subject_token":
		m, ok := f.method.(*auth.EnterpriseManaged)
		switch {
		case !ok || !s.vouches:
			return refuse("it is for the identity provider")
		case form.Get("requested_token_type") != idJAG:
			return refuse("it is exchanged for nothing but an assertion for the server's authorization server")
		case !f.vouchable(form.Get("audience")):
			return refuse("the assertion would be for an authorization server that the server does not name")
		}
		return f.given(ask.ctx, "auth.EnterpriseManaged.IDToken", m.IDToken)
	}
	return refuse("there is none, or it is for another field")
}

// vouchable reports whether an audience is one of the server's authorization servers.
func (f *Flow) vouchable(audience string) bool {
	for _, s := range f.turn.servers {
		if !s.vouches && sameIssuer(s.issuer(), audience) {
			return true
		}
	}
	return f.candidates()[audience]
}

// given asks the program for a secret. With the lock of f held, but not while the program is asked.
func (f *Flow) given(ctx context.Context, what string, give func(context.Context) (string, error)) (string, *egress.Error) {
	var text string
	var err error
	ctx, cancel := context.WithTimeout(ctx, f.config.AnswerTime)
	defer cancel()
	f.outside(func() { text, err = within(ctx, give) })
	text = strings.TrimSpace(text)
	switch {
	case err != nil:
		return "", f.unauthorized(err, "%s gives nothing: %v", what, err)
	case text == "":
		return "", f.unauthorized(nil, "%s gives an empty text", what)
	case f.turn == nil:
		return "", f.noTurn()
	}
	f.remember(text)
	return text, nil
}

// clientAt is the client at an authorization server.
func (f *Flow) clientAt(s *authorizationServer) (id, secret string, failed *egress.Error) {
	id, secret, issuer := f.configuredClient()
	switch {
	case id == anonymous:
		return "", "", nil
	case id != "":
		if issuer != "" && !sameIssuer(issuer, s.issuer()) {
			return "", "", f.unauthorized(nil, "the client is of the issuer %s, and the server names %s now: its secret does not go there. Register at the new one, or log out", short(issuer), short(s.issuer()))
		}
	case f.entry.Client != nil && f.entry.Client.Issuer == s.issuer():
		id, secret = f.entry.Client.ID, f.entry.Client.Secret
	default:
		if m, ok := f.method.(*auth.OAuth); ok {
			id = m.ClientMetadataURL
		}
		if t := f.entry.Tokens; id == "" && t != nil && t.Issuer == s.issuer() {
			id = t.Client // Of a login with a metadata document that is not configured now.
		}
	}
	if id == "" {
		return "", "", f.unauthorized(nil, "there is no client for the issuer %s", short(s.issuer()))
	}
	return id, secret, nil
}

// post makes a request with a form for an endpoint of an authorization server, and has the client prove who it is.
func (f *Flow) post(ctx context.Context, s *authorizationServer, u *url.URL, form url.Values, how string) (*http.Request, *egress.Error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if refused := f.authenticate(s, form, header, how); refused != nil {
		return nil, refused
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, f.fail(egress.Refused, nil, "an endpoint of %s is not valid", short(s.issuer()))
	}
	request.Header = header
	return request, nil
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
	id, secret, failed := f.clientAt(s)
	if failed != nil || id == "" {
		return failed
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
		f.remember(assertion)
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
