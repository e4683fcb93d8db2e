package authorization

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// told tells of a request and its answer. With the lock of f held.
func (f *Flow) told(request *http.Request, status int) {
	u := url.URL{Scheme: request.URL.Scheme, Host: request.URL.Host, Path: request.URL.Path}
	f.event(auth.Event{Kind: auth.EventRequest, Method: request.Method, URL: f.quoted(u.String()), Status: status})
}

// readMetadata reads a document that says where things are. It goes to the core as it is.
func (f *Flow) readMetadata(t *turn, a *answer, what string, at *url.URL) *egress.Error {
	if a.status/100 == 3 {
		to, err := at.Parse(a.header.Get("Location"))
		if err == nil && sameOrigin(at, to) && len(to.String()) <= longestURL && len(t.redirected) < mostServers {
			t.redirected[to.String()] = what
			a.moved = f.hidden(to.String())
		}
		return nil
	}
	name, isServer := strings.CutPrefix(what, ofServer)
	switch {
	case a.status/100 != 2:
	case isPage(a):
		a.status = http.StatusNotFound // Who answers every path with one page has no metadata there.
	case json.Unmarshal(a.body, &map[string]any{}) != nil:
		return f.unauthorized(nil, "what is at %s is no metadata: it is not a JSON object; the server, or its authorization server, is at fault", f.quoted(at.EscapedPath()))
	}
	if a.status/100 != 2 {
		if isServer { // Without metadata, its endpoints are the defaults.
			_, failed := f.serverNamed(t, name)
			return failed
		}
		return nil
	}
	a.told = f.hidden(strings.ToValidUTF8(string(a.body), "\uFFFD"))
	if !isServer {
		m := &resourceMetadata{}
		if json.Unmarshal(a.body, m) == nil {
			t.resource = m
			f.entry.ResourceMetadata, f.entry.ResourceMetadataURL = small(a.body), at.String()
		}
		return nil
	}
	m, err := decodeServerMetadata(a.body)
	if err != nil || !m.speaksFor(name) {
		return nil // The core says what is wrong with it.
	}
	known, failed := f.serverNamed(t, name)
	if failed != nil {
		return failed
	}
	known.metadata, known.document, t.at = m, a.body, known
	if !known.vouches {
		f.event(auth.Event{Kind: auth.EventDiscovered, Issuer: f.quoted(m.Issuer)})
	}
	return nil
}

// isPage reports whether an answer is a page for a person.
func isPage(a *answer) bool {
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/html") || bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<"))
}

// serverNamed is the authorization server of a turn by its name.
func (f *Flow) serverNamed(t *turn, name string) (*authorizationServer, *egress.Error) {
	known := t.servers[name]
	if known == nil {
		if len(t.servers) >= mostServers {
			return nil, f.fail(egress.Limit, nil, "the server names more than %d authorization servers", mostServers)
		}
		known = &authorizationServer{name: name}
		t.servers[name] = known
	}
	return known, nil
}

// registered are the members of a registration that the core has a use for, beside the secret.
var registered = []string{
	"client_id", "client_id_issued_at", "client_secret_expires_at", "redirect_uris", "grant_types", "response_types",
	"token_endpoint_auth_method", "client_name", "scope", "application_type",
}

// longestSecret is how long a secret of an authorization server's may be, in bytes: servers take no more than some ten
// kB in a request's header. longestMethod is how long the name of a way to authenticate may be.
const longestSecret, longestMethod = 64 << 10, 64

// secretsOf takes secrets out of what an authorization server said, and remembers them: each place is followed by the
// name of the member.
func (f *Flow) secretsOf(s *authorizationServer, said map[string]any, places ...any) *egress.Error {
	for ; len(places) > 0; places = places[2:] {
		name := places[1].(string)
		secret, _ := said[name].(string)
		if len(secret) > longestSecret {
			return f.fail(egress.Limit, nil, "the %s that %s gives has more than %d bytes", name, short(s.issuer()), longestSecret)
		}
		f.remember(secret)
		*places[0].(*string) = secret
	}
	return nil
}

// longestID is how long the identifier of a client may be, in bytes.
const longestID = 2 << 10

// readRegistration keeps a client that was registered (RFC 7591, section 3.2.1).
func (f *Flow) readRegistration(ask *reader, a *answer, s *authorizationServer) *egress.Error {
	var said map[string]any
	err := json.Unmarshal(a.body, &said)
	if a.status/100 != 2 {
		a.told = f.refusalIn(said, a)
		return nil
	}
	id, _ := said["client_id"].(string)
	if err != nil || id == "" || len(id) > longestID {
		return f.unauthorized(err, "the answer of the registration endpoint of %s is not JSON with a client_id", short(s.issuer()))
	}
	c := &client{ID: id, Issuer: s.issuer(), Redirect: f.redirect()}
	if failed := f.secretsOf(s, said, &c.Secret, "client_secret", new(string), "registration_access_token"); failed != nil {
		return failed
	}
	if c.Method, _ = said["token_endpoint_auth_method"].(string); len(c.Method) > longestMethod {
		c.Method = ""
	}
	if expiry, ok := said["client_secret_expires_at"].(float64); ok && expiry > 0 && expiry < math.MaxInt32*1000 {
		c.SecretExpiry = time.Unix(int64(expiry), 0)
	}
	next := f.entry
	next.Client, next.Tokens = c, nil
	f.save(ask.ctx, ask.turn, next)
	told := f.part(said, registered...)
	told["client_id"] = id // As it is: a URL that a person is shown has it.
	if c.Secret != "" {
		told["client_secret"] = nameOf("client_secret")
	}
	a.told = encode(told)
	f.event(auth.Event{Kind: auth.EventRegistered, Issuer: c.Issuer, ClientID: f.quoted(c.ID)})
	return nil
}

// part gives some members of an object, without secrets. With the lock of f held.
func (f *Flow) part(said map[string]any, names ...string) map[string]any {
	veil := f.current()
	var hide func(any) any
	hide = func(value any) any {
		switch v := value.(type) {
		case string:
			return veil.Hide(v)
		case []any:
			for i := range v {
				v[i] = hide(v[i])
			}
		case map[string]any:
			return nil // None of them has any.
		}
		return value
	}
	some := map[string]any{}
	for _, name := range names {
		if value, ok := said[name]; ok {
			some[name] = hide(value)
		}
	}
	return some
}

// readDevice shows a person the code that they are to enter elsewhere (RFC 8628, section 3.2).
func (f *Flow) readDevice(t *turn, m *auth.OAuth, a *answer, s *authorizationServer) *egress.Error {
	var said map[string]any
	err := json.Unmarshal(a.body, &said)
	if a.status/100 != 2 {
		a.told = f.refusalIn(said, a)
		return nil
	}
	code := auth.DeviceCode{Server: f.config.Server}
	if failed := f.secretsOf(s, said, &t.device, "device_code"); failed != nil {
		return failed
	}
	code.UserCode, _ = said["user_code"].(string)
	code.URL, _ = said["verification_uri"].(string)
	code.CompleteURL, _ = said["verification_uri_complete"].(string)
	if err != nil || t.device == "" || code.UserCode == "" || code.URL == "" {
		return f.unauthorized(err, "the answer of the device authorization endpoint of %s is not JSON with a code", short(s.issuer()))
	}
	if !presentable(code.URL) || code.CompleteURL != "" && !presentable(code.CompleteURL) {
		return f.unauthorized(nil, "the device authorization endpoint of %s names an address that nobody should open: it is not https, or has a user name or an odd character in it", short(s.issuer()))
	}
	t.asked, t.polls = s, 0
	code.UserCode = short(code.UserCode)
	life := time.Duration(min(max(seconds(said["expires_in"]), 1), longestCode)) * time.Second
	code.Expiry = f.config.Now().Add(life)
	t.deviceEnd = code.Expiry
	t.until = t.until.Add(life) // A person takes their time.
	f.event(auth.Event{Kind: auth.EventAsked, Issuer: s.issuer()})
	go m.Device(t.ctx, code)
	a.told = encode(map[string]any{
		"device_code": nameOf("device_code"), "interval": seconds(said["interval"]), "expires_in": int64(life / time.Second),
	})
	return nil
}

// presentable reports whether a person can be shown a URL of an authorization server's, to open it: it looks like what
// it is.
func presentable(text string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\`", r) }
	u, err := url.Parse(text)
	return err == nil && len(text) <= longestURL && !strings.ContainsFunc(text, odd) && u.Hostname() != "" && u.User == nil &&
		(u.Scheme == "https" || u.Scheme == "http" && egress.Loopback(u))
}

// longestCode is how many seconds a code to enter elsewhere is good for at most.
const longestCode = 3600

// readAssertion keeps what the identity provider says of the user (RFC 8693, section 2.2).
func (f *Flow) readAssertion(t *turn, a *answer, s *authorizationServer, audience string) *egress.Error {
	said, failed := f.granted(a, "the identity provider")
	if failed != nil || said == nil {
		return failed
	}
	if failed := f.secretsOf(s, said, &t.assertion, "access_token"); failed != nil {
		return failed
	}
	t.audience = audience
	told := f.part(said, "issued_token_type", "token_type", "expires_in", "scope")
	told["access_token"] = nameOf("id_jag")
	a.told = encode(told)
	return nil
}

// readTokens keeps a token (RFC 6749, section 5.1). It is kept before it is used: an authorization server
// that rotates refresh tokens takes the last one for stolen when it comes again.
func (f *Flow) readTokens(ask *reader, a *answer, s *authorizationServer, asked string, refreshes bool) *egress.Error {
	said, failed := f.granted(a, "the token endpoint of "+short(s.issuer()))
	if failed != nil || said == nil {
		return failed
	}
	t := &tokens{Issuer: s.issuer(), Issued: f.config.Now(), Scope: asked}
	t.Type, _ = said["token_type"].(string)
	if failed := f.secretsOf(s, said, new(string), "id_token", &t.Access, "access_token", &t.Refresh, "refresh_token"); failed != nil {
		return failed
	}
	switch {
	case egress.ValidField("Authorization", t.Access) != nil: // Each request would fail, and none would ask for another.
		return f.unauthorized(nil, "the token endpoint of %s gives a token with a line break or another character that no header has", short(s.issuer()))
	case strings.EqualFold(t.Type, "Bearer"):
	case strings.EqualFold(t.Type, "DPoP") && f.common.DPoP:
	default:
		return f.unauthorized(nil, "the token endpoint of %s gives a token of the type %q, which is not known here", short(s.issuer()), f.quoted(t.Type))
	}
	if old := f.entry.Tokens; old != nil {
		f.remember(old.Access, old.Refresh)
		if refreshes && t.Refresh == "" {
			t.Refresh = old.Refresh
		}
		if refreshes && t.Scope == "" {
			t.Scope = old.Scope
		}
	}
	if scope, ok := said["scope"].(string); ok && scope != "" {
		t.Scope = f.hidden(strings.ToValidUTF8(scope, "\uFFFD"))
		t.Scope = t.Scope[:min(len(t.Scope), longestScope)]
	}
	if seconds := seconds(said["expires_in"]); seconds > 0 {
		t.Expiry = t.Issued.Add(time.Duration(min(seconds, longestLife)) * time.Second)
	}
	if id, _, failed := f.clientAt(s); failed == nil {
		t.Client = id
	}
	next := f.entry
	next.Tokens = t
	if id, _, _ := f.configuredClient(); id != "" {
		next.Bound = s.issuer()
	}
	if t.Scope != "" {
		next.Granted = &granted{t.Issuer, t.Scope}
	}
	next.AuthorizationServer, next.ServerMetadata = s.name, small(s.document)
	f.save(ask.ctx, ask.turn, next)
	told := map[string]any{"access_token": nameOf("access_token"), "token_type": t.Type}
	if t.Refresh != "" {
		told["refresh_token"] = nameOf("refresh_token")
	}
	if t.Scope != "" {
		told["scope"] = t.Scope
	}
	a.told = encode(told)
	f.stale = false
	kind := auth.EventGranted
	if refreshes {
		kind = auth.EventRefreshed
	}
	f.event(auth.Event{Kind: kind, Issuer: t.Issuer, Scopes: scopes(t.Scope), Expiry: t.Expiry})
	return nil
}

// longestKept is how long a document may be, in bytes, to be kept with a token: a longer one is read anew.
const longestKept = 64 << 10

func small(document json.RawMessage) json.RawMessage {
	if len(document) > longestKept {
		return nil
	}
	return document
}

// longestScope is how long the text of the granted scopes may be, in bytes.
const longestScope = 8 << 10

// longestLife is how many seconds a token is taken to live at most: a hundred years.
const longestLife = 100 * 365 * 86400

// seconds reads a number of seconds, which some servers write as a text.
func seconds(value any) int64 {
	switch v := value.(type) {
	case float64:
		if v > 0 && v < math.MaxInt64 {
			return int64(v)
		}
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err == nil {
			return n
		}
	}
	return 0
}

// granted reads what gives a token. Nil without an error is a refusal, which the core is told.
func (f *Flow) granted(a *answer, who string) (map[string]any, *egress.Error) {
	var said map[string]any
	err := json.Unmarshal(a.body, &said)
	if code, refused := said["error"].(string); a.status/100 != 2 || refused {
		if code != "" && code != "authorization_pending" && code != "slow_down" {
			description, _ := said["error_description"].(string)
			refusal := &auth.RefusedError{Server: f.config.Server, Code: f.quoted(code), Description: f.quoted(description)}
			f.said = refusal
			f.event(auth.Event{Kind: auth.EventRefused, Err: refusal})
		}
		if a.status/100 == 2 {
			a.status = http.StatusBadRequest
		}
		a.told = f.refusalIn(said, a)
		return nil, nil
	}
	if token, _ := said["access_token"].(string); err != nil || token == "" {
		return nil, f.unauthorized(nil, "the answer of %s is not JSON with an access_token", who)
	}
	return said, nil
}

// refusalIn is what the core is told of a refusal: what RFC 6749, section 5.2, has, and no page.
func (f *Flow) refusalIn(said map[string]any, a *answer) string {
	told := map[string]any{}
	for _, name := range []string{"error", "error_description", "error_uri"} {
		if text, ok := said[name].(string); ok {
			told[name] = f.quoted(text)
		}
	}
	if told["error"] == nil {
		f.stale = true // It may not be there any more.
		kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
		told["error"] = "server_error"
		told["error_description"] = fmt.Sprintf("HTTP %d with %s", a.status, f.quoted(kind))
	}
	return encode(told)
}
