package authorization

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// Ask has a person log in, and gives what the core is told of what comes back: a JSON object.
func (f *Flow) Ask(ctx context.Context, text string) (string, *egress.Error) {
	m, ok := f.method.(*auth.OAuth)
	if !ok {
		return "", f.unauthorized(nil, "nobody is to be asked here")
	}
	f.mu.Lock()
	defer f.unlock()
	t := f.turn
	request, failed := f.request(m, text)
	if failed != nil {
		return "", failed
	}
	if m.Ask == nil {
		required := &auth.RequiredError{Server: f.config.Server, URL: request.URL, Scopes: request.Scopes}
		f.event(auth.Event{Kind: auth.EventRefused, Err: required})
		return "", f.unauthorized(required, "the server wants authorization, and there is nobody to ask: set auth.OAuth.Ask, or log in beforehand")
	}
	if !f.mayAsk() {
		return "", f.tooOften()
	}
	f.event(auth.Event{Kind: auth.EventAsked, Issuer: request.Issuer, Scopes: request.Scopes})
	// A person takes their time, which is not the turn's.
	t.person++
	began := time.Now()
	var callback string
	var err error
	f.outside(func() {
		callback, err = within(ctx, func(ctx context.Context) (string, error) { return m.Ask.Ask(ctx, *request) })
	})
	t.until = t.until.Add(time.Since(began))
	if t.person--; t.person == 0 {
		t.late.Reset(time.Until(t.until))
	}
	switch {
	case err != nil:
		f.event(auth.Event{Kind: auth.EventRefused, Err: err})
		return "", f.unauthorized(err, "%v", err)
	case f.turn != t:
		return "", f.unauthorized(nil, "the turn to authorize is over")
	}
	return f.came(callback, request.State)
}

// mayAsk reports whether a person may be asked once more.
func (f *Flow) mayAsk() bool { return f.asks.AllowN(f.config.Now(), 1) }

func (f *Flow) tooOften() *egress.Error {
	return f.unauthorized(f.said, "a person was asked to log in %d times in a row, and is asked once more each %v: the server takes no token, or the login leads nowhere", mostAsks, askInterval)
}

// request checks the URL that the core wants to show, and gives it a state of the host's. With the lock of f
// held.
func (f *Flow) request(m *auth.OAuth, text string) (*auth.AskRequest, *egress.Error) {
	refuse := func(why string) (*auth.AskRequest, *egress.Error) {
		return nil, f.fail(egress.Refused, nil, "the URL to log in at %s", why)
	}
	u, err := url.Parse(text)
	if err != nil || f.turn == nil {
		return refuse("is not valid")
	}
	if refused := f.safe(u); refused != nil {
		return nil, refused
	}
	endpoint := func(s *serverMetadata) string { return s.AuthorizationEndpoint }
	server := f.endpointOf(u, endpoint)
	if server == nil {
		return refuse("is not the authorization endpoint in the metadata of the server")
	}
	id, _, failed := f.clientAt(server)
	if failed != nil {
		return nil, failed
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return refuse("is not valid")
	}
	once := func(name string) string {
		if len(query[name]) != 1 {
			return ""
		}
		return query[name][0]
	}
	switch {
	case once("redirect_uri") != f.redirect():
		return refuse("would send the browser elsewhere")
	case once("client_id") != id:
		return refuse("is another client's")
	case once("code_challenge_method") != "S256" || once("code_challenge") == "":
		return refuse("has no proof key (PKCE)")
	case once("response_type") != "code":
		return refuse("does not ask for a code")
	case len(query["scope"]) > 1 || len(query["resource"]) > 1:
		return refuse("has a parameter twice")
	}
	if refused := f.aimed(query.Get("resource")); refused != nil {
		return nil, refused
	}
	own, _ := url.Parse(endpoint(server.endpoints()))
	if name := beyond(query, own.Query(), m.AuthorizeParams); name != "" {
		return refuse("has the parameter " + short(name) + ", which is not the client's")
	}
	// Specification, basic/authorization, "Authorization Code Protection".
	if server.metadata != nil && !slices.Contains(server.metadata.ChallengeMethods, "S256") && !f.common.Rough.AssumePKCE {
		return nil, f.unauthorized(nil, "the metadata of %s does not say that it knows PKCE (code_challenge_methods_supported has no S256), and nobody should log in without; auth.Rough.AssumePKCE goes on all the same", short(server.issuer()))
	}
	scope := f.asked(query.Get("scope"))
	if err := f.permitted(scope); err != nil {
		return nil, f.unauthorized(err, "%v", err)
	}
	if query.Del("scope"); scope != "" {
		query.Set("scope", scope)
	}
	state := rand.Text()
	f.remember(state)
	query.Set("state", state)
	u.RawQuery, u.Fragment = query.Encode(), ""
	f.turn.asked = server
	return &auth.AskRequest{Server: f.config.Server, URL: u.String(), State: state, Issuer: server.issuer(), Scopes: strings.Fields(scope)}, nil
}

// asked are the scopes of a request without offline_access, which the SDK adds where a server has it, unless
// it is to be asked for.
func (f *Flow) asked(scope string) string {
	const offline = "offline_access"
	if len(f.common.Scopes) == 0 || slices.Contains(f.common.Scopes, offline) {
		return scope
	}
	return strings.Join(slices.DeleteFunc(strings.Fields(scope), func(s string) bool { return s == offline }), " ")
}

// loginParams are the parameters of a login, beside those of the endpoint's own and the configured ones.
var loginParams = map[string]bool{
	"response_type": true, "client_id": true, "code_challenge": true, "code_challenge_method": true,
	"redirect_uri": true, "scope": true, "resource": true, "state": true,
}

// beyond finds a parameter that is neither a login's nor the endpoint's own nor configured: one such as
// request_uri would stand above all others.
func beyond(query, own, configured url.Values) string {
	for name, values := range query {
		if loginParams[name] {
			continue
		}
		for _, value := range values {
			consent := name == "prompt" && value == "consent" // The SDK's, with offline_access.
			if !consent && !slices.Contains(own[name], value) && !slices.Contains(configured[name], value) {
				return name
			}
		}
	}
	return ""
}

// aimed refuses a token for something else than the server (RFC 8707): another server of the same
// authorization server would take it.
func (f *Flow) aimed(resource string) *egress.Error {
	if resource == "" || resource == f.common.Resource {
		return nil
	}
	u, err := url.Parse(resource)
	server := f.config.URL
	if err == nil && sameOrigin(u, server) {
		path, at := strings.TrimSuffix(pathOf(u), "/")+"/", strings.TrimSuffix(pathOf(server), "/")+"/"
		if strings.HasPrefix(at, path) {
			return nil
		}
	}
	return f.fail(egress.Refused, nil, "a token for %s is not asked for: it is not the server", short(resource))
}

// came reads what the browser came back with. With the lock of f held.
func (f *Flow) came(callback, state string) (string, *egress.Error) {
	u, err := url.Parse(callback)
	if err != nil {
		return "", f.unauthorized(nil, "what came back from the browser is not a URL")
	}
	query := u.Query()
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(state)) != 1 {
		return "", f.unauthorized(nil, "what came back from the browser is of another login: its state is wrong")
	}
	code := query.Get("code")
	f.remember(code)
	told := map[string]string{}
	// Where the issuer is only guessed, there is nothing to compare it with.
	if iss, ok := query["iss"]; ok && !f.turn.asked.guessed && f.turn.asked.metadata != nil {
		if told["iss"] = f.quoted(iss[0]); iss[0] != f.turn.asked.issuer() {
			f.event(auth.Event{Kind: auth.EventRefused, Issuer: told["iss"]})
			return "", f.unauthorized(nil, "what came back from the browser is of the issuer %s, and the login was at %s", told["iss"], short(f.turn.asked.issuer()))
		}
	}
	if code != "" {
		f.turn.code = code
		told["code"] = nameOf("code")
		return encode(told), nil
	}
	refused := &auth.RefusedError{Server: f.config.Server, Code: f.quoted(query.Get("error")), Description: f.quoted(query.Get("error_description"))}
	if refused.Code == "" {
		return "", f.unauthorized(errors.New("no code"), "what came back from the browser has neither a code nor an error")
	}
	f.said = refused
	f.event(auth.Event{Kind: auth.EventRefused, Err: refused})
	told["error"], told["error_description"] = refused.Code, refused.Description
	return encode(told), nil
}
