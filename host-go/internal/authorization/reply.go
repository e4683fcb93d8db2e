package authorization

import (
	"context"
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

// answer is what came, and what the core is told of it.
type answer struct {
	status int
	header http.Header
	body   []byte
	told   string // the body that the core gets
}

// A reader reads the answer to one request. It implements [egress.Reader].
type reader struct {
	flow    *Flow
	request *http.Request
	again   func() (*http.Request, *egress.Error) // makes the request anew, for a nonce; nil for never
	read    func(*answer) *egress.Error
	retried bool
}

// Read implements [egress.Reader].
func (r *reader) Read(status int, header http.Header, body []byte) (egress.Answer, *http.Request, *egress.Error) {
	f := r.flow
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told(r.request, status)
	fresh := f.observeNonce(r.request.URL, header)
	if r.again != nil && !r.retried && fresh && status == http.StatusBadRequest && strings.Contains(string(body), "use_dpop_nonce") {
		r.retried = true
		request, failed := r.again()
		return egress.Answer{}, request, failed
	}
	if f.turn == nil {
		return egress.Answer{}, nil, f.fail(egress.Refused, nil, "the turn to authorize is over")
	}
	a := &answer{status: status, header: header, body: body}
	if failed := r.read(a); failed != nil {
		return egress.Answer{}, nil, failed
	}
	told := [][2]string{{"content-type", "application/json"}}
	for _, name := range []string{"Retry-After", "Location"} {
		if value := header.Get(name); value != "" && (name != "Location" || status/100 == 3) {
			told = append(told, [2]string{strings.ToLower(name), strings.ToValidUTF8(value, "\uFFFD")})
		}
	}
	return egress.Answer{Status: a.status, Header: told, Body: a.told}, nil, nil
}

// Failed implements [egress.Reader].
func (r *reader) Failed() { r.flow.told(r.request, 0) }

// told tells of a request and its answer.
func (f *Flow) told(request *http.Request, status int) {
	u := url.URL{Scheme: request.URL.Scheme, Host: request.URL.Host, Path: request.URL.Path}
	f.event(auth.Event{Kind: auth.EventRequest, Method: request.Method, URL: u.String(), Status: status})
}

// readMetadata reads a document that says where things are. It goes to the core as it is.
func (f *Flow) readMetadata(a *answer, what string, at *url.URL) *egress.Error {
	if a.status/100 == 3 {
		if to, err := at.Parse(a.header.Get("Location")); err == nil && sameOrigin(at, to) && len(f.turn.redirected) < mostServers {
			f.turn.redirected[to.String()] = what
		}
		return nil
	}
	if a.status/100 != 2 {
		return nil
	}
	a.told = strings.ToValidUTF8(string(a.body), "\uFFFD")
	name, isServer := strings.CutPrefix(what, ofServer)
	if !isServer {
		m := &resourceMetadata{}
		if json.Unmarshal(a.body, m) == nil {
			f.turn.resource, f.turn.resourceURL = m, at.String()
			f.entry.ResourceMetadata, f.entry.ResourceMetadataURL = a.body, at.String()
		}
		return nil
	}
	m, err := decodeServerMetadata(a.body)
	if err != nil {
		return nil // The core says what is wrong with it.
	}
	known := f.turn.servers[name]
	if known == nil {
		known = &authorizationServer{name: name}
		f.turn.servers[name] = known
	}
	known.metadata, known.document = m, a.body
	if !known.vouches {
		f.event(auth.Event{Kind: auth.EventDiscovered, Issuer: m.Issuer})
	}
	return nil
}

// readRegistration keeps a client that was registered (RFC 7591, section 3.2.1).
func (f *Flow) readRegistration(ctx context.Context, a *answer, s *authorizationServer) *egress.Error {
	var said map[string]any
	err := json.Unmarshal(a.body, &said)
	if a.status/100 != 2 {
		a.told = refusalIn(said, a)
		return nil
	}
	id, _ := said["client_id"].(string)
	if err != nil || id == "" {
		return f.unauthorized(err, "the answer of the registration endpoint of %s is not JSON with a client_id", short(s.issuer()))
	}
	c := &client{ID: id, Issuer: s.issuer(), Redirect: f.redirect()}
	c.Secret, _ = said["client_secret"].(string)
	c.Method, _ = said["token_endpoint_auth_method"].(string)
	if expiry, ok := said["client_secret_expires_at"].(float64); ok && expiry > 0 {
		c.SecretExpiry = time.Unix(int64(expiry), 0)
	}
	f.entry.Client, f.entry.Tokens = c, nil
	if err := f.save(ctx); err != nil {
		return f.unauthorized(err, "the store of credentials: %v", err)
	}
	delete(said, "registration_access_token")
	delete(said, "registration_client_uri")
	if c.Secret != "" {
		said["client_secret"] = nameOf("client_secret")
	}
	a.told = encode(said)
	f.event(auth.Event{Kind: auth.EventRegistered, Issuer: c.Issuer, ClientID: c.ID})
	return nil
}

// readDevice shows a person the code that they are to enter elsewhere (RFC 8628, section 3.2).
func (f *Flow) readDevice(m *auth.OAuth, a *answer, s *authorizationServer) *egress.Error {
	var said map[string]any
	err := json.Unmarshal(a.body, &said)
	if a.status/100 != 2 {
		a.told = refusalIn(said, a)
		return nil
	}
	code := auth.DeviceCode{Server: f.config.Server}
	f.turn.device, _ = said["device_code"].(string)
	code.UserCode, _ = said["user_code"].(string)
	code.URL, _ = said["verification_uri"].(string)
	code.CompleteURL, _ = said["verification_uri_complete"].(string)
	if err != nil || f.turn.device == "" || code.UserCode == "" || code.URL == "" {
		return f.unauthorized(err, "the answer of the device authorization endpoint of %s is not JSON with a code", short(s.issuer()))
	}
	f.turn.asked = s
	code.UserCode = short(code.UserCode)
	code.Expiry = f.config.Now().Add(time.Duration(min(max(seconds(said["expires_in"]), 1), longestCode)) * time.Second)
	f.event(auth.Event{Kind: auth.EventAsked, Issuer: s.issuer()})
	go m.Device(f.turn.ctx, code)
	a.told = encode(map[string]any{"device_code": nameOf("device_code"), "interval": seconds(said["interval"])})
	return nil
}

// longestCode is how many seconds a code to enter elsewhere is good for at most.
const longestCode = 3600

// readAssertion keeps what the identity provider says of the user (RFC 8693, section 2.2).
func (f *Flow) readAssertion(a *answer) *egress.Error {
	said, failed := f.granted(a, "the identity provider")
	if failed != nil || said == nil {
		return failed
	}
	f.turn.assertion, _ = said["access_token"].(string)
	told := map[string]any{"access_token": nameOf("id_jag")}
	for _, name := range []string{"issued_token_type", "token_type", "expires_in", "scope"} {
		if value, ok := said[name]; ok {
			told[name] = value
		}
	}
	a.told = encode(told)
	return nil
}

// readTokens keeps a token (RFC 6749, section 5.1). It is kept before it is used: an authorization server
// that rotates refresh tokens takes the last one for stolen when it comes again.
func (f *Flow) readTokens(ctx context.Context, a *answer, s *authorizationServer, asked string, refreshes bool) *egress.Error {
	said, failed := f.granted(a, "the token endpoint of "+short(s.issuer()))
	if failed != nil || said == nil {
		return failed
	}
	t := &tokens{Issuer: s.issuer(), Issued: f.config.Now(), Scope: asked}
	t.Access, _ = said["access_token"].(string)
	t.Type, _ = said["token_type"].(string)
	t.Refresh, _ = said["refresh_token"].(string)
	switch {
	case strings.EqualFold(t.Type, "Bearer"):
	case strings.EqualFold(t.Type, "DPoP") && f.common.DPoP:
	default:
		return f.unauthorized(nil, "the token endpoint of %s gives a token of the type %q, which is not known here", short(s.issuer()), short(t.Type))
	}
	if old := f.entry.Tokens; refreshes && old != nil {
		if t.Refresh == "" {
			t.Refresh = old.Refresh
		}
		if t.Scope == "" {
			t.Scope = old.Scope
		}
	}
	if scope, ok := said["scope"].(string); ok && scope != "" {
		t.Scope = scope
	}
	if seconds := seconds(said["expires_in"]); seconds > 0 {
		t.Expiry = t.Issued.Add(time.Duration(min(seconds, longestLife)) * time.Second)
	}
	f.entry.Tokens = t
	if id, _, _ := f.configuredClient(); id != "" {
		f.entry.Bound = s.issuer()
	}
	f.entry.AuthorizationServer, f.entry.ServerMetadata = s.name, s.document
	if err := f.save(ctx); err != nil {
		return f.unauthorized(err, "the store of credentials: %v", err)
	}
	told := map[string]any{"access_token": nameOf("access_token"), "token_type": t.Type}
	if t.Refresh != "" {
		told["refresh_token"] = nameOf("refresh_token")
	}
	if t.Scope != "" {
		told["scope"] = t.Scope
	}
	a.told = encode(told)
	kind := auth.EventGranted
	if refreshes {
		kind = auth.EventRefreshed
	}
	f.event(auth.Event{Kind: kind, Issuer: t.Issuer, Scopes: strings.Fields(t.Scope), Expiry: t.Expiry})
	return nil
}

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
		description, _ := said["error_description"].(string)
		if code != "" {
			refusal := &auth.RefusedError{Server: f.config.Server, Code: short(f.hidden(code)), Description: short(f.hidden(description))}
			f.said = refusal
			f.event(auth.Event{Kind: auth.EventRefused, Err: refusal})
		}
		if a.status/100 == 2 {
			a.status = http.StatusBadRequest
		}
		a.told = f.hidden(refusalIn(said, a))
		return nil, nil
	}
	if token, _ := said["access_token"].(string); err != nil || token == "" {
		return nil, f.unauthorized(nil, "the answer of %s is not JSON with an access_token", who)
	}
	return said, nil
}

// hidden is Hide with the lock of f held.
func (f *Flow) hidden(text string) string {
	for _, secret := range f.secrets() {
		if len(secret) >= shortest {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// refusalIn is what the core is told of a refusal: what RFC 6749, section 5.2, has, and no page.
func refusalIn(said map[string]any, a *answer) string {
	told := map[string]any{}
	for _, name := range []string{"error", "error_description", "error_uri"} {
		if text, ok := said[name].(string); ok {
			told[name] = short(text)
		}
	}
	if told["error"] == nil {
		kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
		told["error"] = "server_error"
		told["error_description"] = fmt.Sprintf("HTTP %d with %s", a.status, short(kind))
	}
	return encode(told)
}
