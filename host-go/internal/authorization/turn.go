package authorization

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// A turn is one authorization, from begin to end: no other session and no other process authorizes for the
// same server, client and user meanwhile.
type turn struct {
	unlock func()
	held   int             // by what the turn must last for; see hold
	ctx    context.Context // ends with the session
	// late ends the turn; until has when, and person how many people are being asked: then it is not.
	late   *time.Timer
	until  time.Time
	person int
	// requests and polls are how many there were.
	requests, polls int

	resource    *resourceMetadata // of the server, once it was read
	resourceURL string            // where it was read
	// servers are the authorization servers that there may be, by the issuer as it was named.
	servers map[string]*authorizationServer
	// redirected are the URLs that metadata was moved to, and where it was looked for.
	redirected map[string]string
	// asked is the server that the person was sent to; the code goes to no other.
	asked *authorizationServer

	code      string // the authorization code
	device    string // the device code
	assertion string // of the identity provider, for the server's authorization server
	audience  string // the issuer that it is for
}

// hold has the turn last until drop, also when it is ended meanwhile. With the lock of the flow held.
func (t *turn) hold() { t.held++ }

func (t *turn) drop() {
	if t.held--; t.held == 0 {
		t.unlock()
	}
}

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
	AuthorizeParams   url.Values        `json:"authorizeParams,omitempty"`
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

// A Challenge is what the server said when it did not take a request; see challenge in
// wit/authorization.wit.
type Challenge struct {
	Status       int
	Scope, Error string
}

// Turning reports whether the session has its turn.
func (f *Flow) Turning() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.turn != nil
}

// Begin waits for the turn, and gives what the core has to know: a JSON object. After an error there is no
// turn.
func (f *Flow) Begin(ctx context.Context, c Challenge) (string, *egress.Error) {
	if m, ok := f.method.(*auth.Bearer); ok {
		return f.again(ctx, m)
	}
	unlock, err := f.store.Lock(ctx, f.key)
	if err != nil {
		return "", f.unauthorized(err, "the turn to authorize did not come: %v", err)
	}
	f.mu.Lock()
	defer f.unlock()
	if err := f.load(ctx, true); err != nil {
		unlock()
		return "", f.unauthorized(err, "the store of credentials: %v", err)
	}
	t := &turn{unlock: unlock, ctx: ctx, servers: map[string]*authorizationServer{}, redirected: map[string]string{}}
	t.hold()
	t.until = time.Now().Add(f.config.TurnTime)
	t.late = time.AfterFunc(f.config.TurnTime, func() { f.expire(t) })
	f.turn, f.said = t, nil
	if f.served(c) {
		return encode(knowledge{Granted: true}), nil
	}
	if err := f.permitted(c.Scope); err != nil {
		f.leave()
		f.event(auth.Event{Kind: auth.EventRefused, Err: err})
		return "", f.unauthorized(err, "%v; auth.Common.Scopes has what may be asked for", err)
	}
	if c.Status == 403 {
		f.event(auth.Event{Kind: auth.EventSteppedUp, Scopes: scopes(c.Scope)})
	}
	return encode(f.knowledge(c)), nil
}

// expire ends a turn that has had its time.
func (f *Flow) expire(t *turn) {
	f.mu.Lock()
	defer f.unlock()
	if f.turn != t || t.person > 0 {
		return
	}
	if left := time.Until(t.until); left > 0 {
		t.late.Reset(left)
		return
	}
	f.leave()
}

// again asks the program for another token than the one that the server has refused.
func (f *Flow) again(ctx context.Context, m *auth.Bearer) (string, *egress.Error) {
	f.mu.Lock()
	defer f.unlock()
	if err := f.bear(ctx, m); err != nil {
		return "", err
	}
	if f.bearer == f.refused {
		return "", f.unauthorized(&auth.RequiredError{Server: f.config.Server}, "the server refuses the token that auth.Bearer has: give another one")
	}
	return encode(knowledge{Granted: true}), nil
}

// served reports whether another session has a token by now that the server has not refused, for want of
// these scopes or at all.
func (f *Flow) served(c Challenge) bool {
	t := f.entry.Tokens
	if t == nil || t.Access == f.refused || t.over(f.config.Now()) {
		return false
	}
	return c.Status != 403 || c.Scope != "" && t.has(c.Scope)
}

// mostScopes is how many scopes an event and an error name.
const mostScopes = 64

// scopes takes a list of scopes apart.
func scopes(text string) []string {
	all := strings.Fields(short(text))
	return all[:min(len(all), mostScopes)]
}

// permitted finds scopes that are not to be asked for.
func (f *Flow) permitted(scope string) error {
	if len(f.common.Scopes) == 0 {
		return nil
	}
	var beyond []string
	for _, s := range strings.Fields(scope) {
		if !contains(f.common.Scopes, s) {
			beyond = append(beyond, s)
		}
	}
	if len(beyond) == 0 {
		return nil
	}
	return &auth.ScopeError{Server: f.config.Server, Scopes: beyond}
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
	k.AuthorizeParams = m.AuthorizeParams
	grants := []string{"authorization_code", "refresh_token"}
	if k.Device {
		grants = append(grants, deviceGrant)
	}
	name := m.ClientName
	if name == "" {
		name = f.config.ClientName
	}
	k.ClientMetadata = map[string]any{
		"client_name":                name,
		"redirect_uris":              []string{k.RedirectURL},
		"grant_types":                grants,
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "none",
		"application_type":           "native",
	}
	if m.AuthURL != "" {
		k.Discovery = f.configured(m.Issuer, m.AuthURL, m.TokenURL)
	}
}

// noRedirect is where a browser would come back to, where nobody can be asked: the URL to log in at is
// worth showing all the same.
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
		if issuer == "" {
			issuer = f.entry.Bound
		}
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

// configuredClient is the client that the program has named, and the issuer that it belongs to.
func (f *Flow) configuredClient() (id, secret, issuer string) {
	switch m := f.method.(type) {
	case *auth.OAuth:
		return m.ClientID, m.ClientSecret, m.Issuer
	case *auth.ClientCredentials:
		return m.ClientID, m.ClientSecret, m.Issuer
	case *auth.EnterpriseManaged:
		return m.ClientID, m.ClientSecret, m.Issuer
	case *auth.WorkloadIdentity:
		return orAnonymous(m.ClientID), "", m.Issuer
	}
	return "", "", ""
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
	if k.Discovery == nil && local && e.ServerMetadata != nil && c.Status != 403 {
		metadata, err := decodeServerMetadata(e.ServerMetadata)
		if err != nil {
			return
		}
		f.turn.servers[e.AuthorizationServer] = &authorizationServer{name: e.AuthorizationServer, metadata: metadata, document: e.ServerMetadata}
		k.Discovery = &discovery{e.AuthorizationServer, e.ServerMetadata, e.ResourceMetadata, e.ResourceMetadataURL}
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

// End ends the turn.
func (f *Flow) End() {
	f.mu.Lock()
	defer f.unlock()
	f.leave()
}

// leave ends the turn. With the lock of f held.
func (f *Flow) leave() {
	if f.turn != nil {
		f.turn.late.Stop()
		f.turn.drop()
		f.turn = nil
	}
}

// Forget forgets the client or the tokens.
func (f *Flow) Forget(ctx context.Context, client bool) *egress.Error {
	f.mu.Lock()
	defer f.unlock()
	next := f.entry
	next.Tokens = nil
	if client {
		next.Client, next.Bound = nil, ""
	}
	if f.turn == nil || next.Tokens == f.entry.Tokens && next.Client == f.entry.Client && next.Bound == f.entry.Bound {
		return nil
	}
	if t := f.entry.Tokens; t != nil {
		f.remember(t.Access, t.Refresh)
	}
	if c := f.entry.Client; c != nil {
		f.remember(c.Secret)
	}
	if err := f.save(ctx, f.turn, next); err != nil {
		return f.unauthorized(err, "the store of credentials: %v", err)
	}
	return nil
}

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
	if server.metadata != nil && !contains(server.metadata.ChallengeMethods, "S256") && !f.common.Rough.AssumePKCE {
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
	if len(f.common.Scopes) == 0 || contains(f.common.Scopes, offline) {
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
			if !consent && !contains(own[name], value) && !contains(configured[name], value) {
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
