package authorization

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
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
	if t == nil {
		return "", f.noTurn()
	}
	request, failed := f.request(m, text)
	if failed != nil {
		return "", failed
	}
	if why := f.nobody(m); why != nil {
		return "", f.required(request.Issuer, request.Scopes, why)
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
		if required, ok := err.(*auth.RequiredError); ok && required != nil { // Of an Asker that has found that nobody can be asked.
			more := *required // It may be one for all logins.
			more.Issuer, more.Resource = cmp.Or(more.Issuer, request.Issuer), cmp.Or(more.Resource, request.Resource)
			err = &more
		}
		f.event(auth.Event{Kind: auth.EventRefused, Err: err})
		return "", f.unauthorized(err, "%v", err)
	case f.turn != t:
		return "", f.noTurn()
	}
	return f.came(ctx, callback, request.State)
}

var (
	errNoAsk    = errors.New("auth.OAuth.Ask is not set")
	errNoDevice = errors.New("the authorization server has no codes for another device, and auth.OAuth.Ask is not set")
)

// nobody says why no person can be shown a URL to log in at; nil where one can.
func (f *Flow) nobody(m *auth.OAuth) error {
	switch {
	case m.Ask == nil && m.Device != nil: // Who asks this has looked for the endpoint.
		return errNoDevice
	case m.Ask == nil:
		return errNoAsk
	}
	if asker, ok := m.Ask.(interface{ CanAsk() error }); ok {
		return asker.CanAsk()
	}
	return nil
}

// reachable refuses what leaves something behind at an authorization server, where nobody can be asked to log
// in there.
func (f *Flow) reachable(s *authorizationServer, m *auth.OAuth, scope string) *egress.Error {
	device := m.Device != nil && s.endpoints().DeviceEndpoint != ""
	if why := f.nobody(m); why != nil && !device {
		return f.required(s.issuer(), strings.Fields(scope), why)
	}
	if f.asks.TokensAt(f.config.Now()) < 1 {
		return f.tooOften()
	}
	return nil
}

// required is the error where nobody can be asked. It has no URL to log in at: what would come back would find
// nobody.
func (f *Flow) required(issuer string, scopes []string, why error) *egress.Error {
	required := &auth.RequiredError{Server: f.config.Server, Issuer: f.quoted(issuer), Scopes: scopes, Resource: f.resource(), ResourceMetadata: short(f.challenge), Err: why}
	if len(scopes) == 0 {
		required.Scopes = f.turn.scopes
	}
	f.event(auth.Event{Kind: auth.EventRefused, Issuer: required.Issuer, Scopes: required.Scopes, Err: required})
	set := "auth.OAuth.Ask"
	if m, ok := f.method.(*auth.OAuth); ok {
		if _, ok := m.Ask.(*auth.Browser); ok {
			set = "auth.Browser.Notice or auth.OAuth.Device"
		}
	}
	return f.unauthorized(required, "the server wants authorization, and there is nobody to ask (%v): set %s, or log in beforehand", why, set)
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
	if err != nil || len(text) > longestURL {
		return refuse(fmt.Sprintf("is not valid, or has more than %d bytes", longestURL))
	}
	if refused := f.safe(u); refused != nil {
		return nil, refused
	}
	endpoint := func(s *serverMetadata) string { return s.AuthorizationEndpoint }
	server := f.endpointOf(u, endpoint, false)
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
	if refused := f.aim(query); refused != nil {
		return nil, refused
	}
	own, _ := url.Parse(endpoint(server.endpoints()))
	if name := beyond(query, own.Query()); name != "" {
		return refuse("has the parameter " + short(name) + ", which is not the client's")
	}
	// Specification, basic/authorization, "Authorization Code Protection".
	if server.metadata != nil && !slices.Contains(server.metadata.ChallengeMethods, "S256") && !f.common.Rough.AssumePKCE {
		return nil, f.unauthorized(nil, "the metadata of %s does not say that it knows PKCE (code_challenge_methods_supported has no S256), and nobody should log in without; auth.Rough.AssumePKCE goes on all the same", short(server.issuer()))
	}
	f.turn.at = server
	scope, refused := f.wanted(query.Get("scope"))
	if refused != nil {
		return nil, refused
	}
	scope = f.widened(server, scope)
	if query.Del("scope"); scope != "" {
		query.Set("scope", scope)
	}
	maps.Copy(query, m.AuthorizeParams) // The core does not know them: one may be a secret.
	state := rand.Text()
	f.remember(state)
	query.Set("state", state)
	u.RawQuery, u.Fragment = query.Encode(), ""
	f.turn.asked = server
	return &auth.AskRequest{
		Server: f.config.Server, URL: u.String(), State: state, Issuer: server.issuer(), Scopes: strings.Fields(scope),
		Resource: query.Get("resource"),
	}, nil
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

// widened are the scopes of a request with those that the same authorization server has granted before: who logs
// in anew does not lose what a step up has got.
func (f *Flow) widened(s *authorizationServer, scope string) string {
	g := f.entry.Granted
	if g == nil || g.Issuer != s.issuer() {
		return scope
	}
	all := strings.Fields(scope)
	for _, one := range strings.Fields(g.Scope) {
		if !slices.Contains(all, one) && f.permitted(one) == nil {
			all = append(all, one)
		}
	}
	return strings.Join(all, " ")
}

// loginParams are the parameters of a login, beside those of the endpoint's own.
var loginParams = map[string]bool{
	"response_type": true, "client_id": true, "code_challenge": true, "code_challenge_method": true,
	"redirect_uri": true, "scope": true, "resource": true, "state": true,
}

// beyond finds a parameter that is neither a login's nor the endpoint's own: one such as request_uri would stand
// above all others.
func beyond(query, own url.Values) string {
	for name, values := range query {
		if loginParams[name] {
			continue
		}
		for _, value := range values {
			consent := name == "prompt" && value == "consent" // The SDK's, with offline_access.
			if !consent && !slices.Contains(own[name], value) {
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

// resource is what a token is asked for, as RFC 8707 has it: "" where nothing says so.
func (f *Flow) resource() string {
	switch {
	case f.common.Rough.NoResource:
		return ""
	case f.common.Resource != "":
		return f.common.Resource
	case f.turn != nil && f.turn.resource != nil:
		if of := f.turn.resource.Resource; of != "" && f.aimed(of) == nil {
			return of
		}
		return egress.GuestURL(f.config.URL)
	}
	return ""
}

// aim sees to the resource of a request of the core's. One without would get a token that is good for other
// servers too.
func (f *Flow) aim(fields url.Values) *egress.Error {
	if f.common.Rough.NoResource {
		fields.Del("resource")
		return nil
	}
	given := fields.Get("resource")
	if refused := f.aimed(given); refused != nil {
		return refused
	}
	if resource := f.resource(); resource != "" && (given == "" || f.common.Resource != "") {
		fields.Set("resource", resource)
	}
	return nil
}

// longestCallback is how long what comes back from a browser may be, in bytes.
const longestCallback = 16 << 10

// came reads what the browser came back with. With the lock of f held.
func (f *Flow) came(ctx context.Context, callback, state string) (string, *egress.Error) {
	u, err := url.Parse(callback)
	if err != nil || len(callback) > longestCallback {
		return "", f.unauthorized(nil, "what came back from the browser is not a URL, or has more than %d bytes", longestCallback)
	}
	query := u.Query()
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(query[name]) > 1 { // RFC 6749, section 3.1. Who reads the one may not have checked the other.
			return "", f.unauthorized(nil, "what came back from the browser has the parameter %s twice", name)
		}
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(state)) != 1 {
		return "", f.unauthorized(nil, "what came back from the browser is of another login: its state is wrong")
	}
	code := query.Get("code")
	f.remember(code)
	told := map[string]string{}
	// Where the issuer is only guessed, there is nothing to compare it with. Who speaks for another one is not quoted.
	if at := f.turn.asked; !at.guessed && at.metadata != nil && (query.Has("iss") || at.metadata.SaysIssuer == true) {
		if iss := query.Get("iss"); iss != at.issuer() {
			other := cmp.Or(f.quoted(iss), "nobody")
			f.event(auth.Event{Kind: auth.EventRefused, Issuer: f.quoted(iss)})
			return "", f.unauthorized(nil, "what came back from the browser is of the issuer %s, and the login was at %s (RFC 9207)", other, short(at.issuer()))
		}
		told["iss"] = at.issuer() // The core compares it once more.
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
	if refused.Code == "invalid_scope" && f.entry.Granted != nil { // One of them is there no more.
		next := f.entry
		next.Granted = nil
		f.save(ctx, f.turn, next)
	}
	told["error"], told["error_description"] = refused.Code, refused.Description
	return encode(told), nil
}
