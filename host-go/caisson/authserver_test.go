package caisson_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// mark is in each secret that an authorities makes, so that all of them are found by it.
const mark = "zqXjkVbW9yHdTq"

// mint makes a secret.
func mint(kind string) string { return mark + "-" + kind + "~+/" + rand.Text() }

// authorities are a server that wants authorization, its authorization server, and an identity provider. What
// is not set is as the specification has it.
type authorities struct {
	resource, issuer *httptest.Server
	clock            *clock

	// How they are; set them before the first request.
	rotates bool   // a refresh token is good for once
	dpop    bool   // tokens are bound to a key, and proofs need a nonce
	life    any    // expires_in
	kind    string // token_type
	echoes  bool   // errors quote the request
	offline bool   // there is the scope offline_access
	device  bool   // a code can be entered elsewhere
	cimd    bool   // clients may be named by a URL
	wants   string // the scopes in the challenge
	// unrefreshed gives no refresh tokens.
	unrefreshed bool
	// fault answers in the place of an endpoint, and reports whether it has: "metadata", "resource",
	// "register", "token", "token:" and a grant, "mcp".
	fault func(endpoint string, w http.ResponseWriter, r *http.Request) bool
	// edit changes the metadata of the authorization server, editResource that of the server.
	edit, editResource func(map[string]any)

	mu      sync.Mutex
	clients map[string]string // secrets by identifier
	codes   map[string]url.Values
	access  map[string]token
	refresh map[string]string // scopes by token
	vouched map[string]bool   // assertions that are taken
	counts  map[string]int
	effects map[string]int // of calls, by their argument
	nonce   string
}

type token struct {
	scope  string
	expiry time.Time
}

// A clock is what the test says.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newAuthorities(t testing.TB, set func(*authorities)) *authorities {
	t.Helper()
	a := &authorities{
		clock: newClock(), life: 3600, kind: "Bearer",
		clients: map[string]string{}, codes: map[string]url.Values{}, access: map[string]token{}, refresh: map[string]string{},
		vouched: map[string]bool{}, counts: map[string]int{}, effects: map[string]int{}, nonce: rand.Text(),
	}
	if set != nil {
		set(a)
	}
	a.issuer = httptest.NewServer(a.endpoints())
	t.Cleanup(a.issuer.Close)
	server := mcp.NewServer(&mcp.Implementation{Name: "guarded", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "echo"}, func(_ context.Context, _ *mcp.CallToolRequest, in map[string]any) (*mcp.CallToolResult, any, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if id, ok := in["id"].(string); ok {
			a.effects[id]++
		}
		return nil, in, nil
	})
	get := func(*http.Request) *mcp.Server { return server }
	mux := http.NewServeMux()
	mux.Handle("/mcp", a.guard(mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{JSONResponse: true})))
	mux.Handle("/sse", a.guard(mcp.NewSSEHandler(get, nil)))
	for _, path := range []string{"", "/mcp", "/sse"} {
		mux.HandleFunc("GET /.well-known/oauth-protected-resource"+path, a.endpoint("resource", func(w http.ResponseWriter, _ *http.Request) {
			about := map[string]any{"resource": a.resource.URL + path, "authorization_servers": []any{a.issuer.URL}}
			if a.editResource != nil {
				a.editResource(about)
			}
			answerJSON(w, http.StatusOK, about)
		}))
	}
	a.resource = httptest.NewServer(mux)
	t.Cleanup(a.resource.Close)
	return a
}

// count counts a request, and says how many of its kind there were.
func (a *authorities) count(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[what]++
	return a.counts[what]
}

func (a *authorities) counted(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts[what]
}

// revoke makes all access tokens worthless.
func (a *authorities) revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.access)
}

// endpoint is an endpoint that counts, and may have a fault.
func (a *authorities) endpoint(name string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.count(name)
		if a.fault != nil && a.fault(name, w, r) {
			return
		}
		h(w, r)
	}
}

func (a *authorities) endpoints() http.Handler {
	mux := http.NewServeMux()
	about := func(path string) http.HandlerFunc {
		return a.endpoint("metadata", func(w http.ResponseWriter, _ *http.Request) {
			base := a.issuer.URL + path
			says := map[string]any{
				"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
				"registration_endpoint": base + "/register", "response_types_supported": []string{"code"},
				"code_challenge_methods_supported":      []string{"S256"},
				"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post", "none", "private_key_jwt"},
				"client_id_metadata_document_supported": a.cimd,
			}
			if a.device {
				says["device_authorization_endpoint"] = base + "/device"
			}
			if a.offline {
				says["scopes_supported"] = []string{"offline_access"}
			}
			if a.edit != nil {
				a.edit(says)
			}
			answerJSON(w, http.StatusOK, says)
		})
	}
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", about(""))
	mux.HandleFunc("GET /.well-known/oauth-authorization-server/idp", about("/idp"))
	mux.HandleFunc("GET /authorize", a.endpoint("authorize", a.authorize))
	mux.HandleFunc("POST /register", a.endpoint("register", a.register))
	mux.HandleFunc("POST /device", a.endpoint("device", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		code := mint("device")
		a.mu.Lock()
		a.codes[code] = r.Form
		a.mu.Unlock()
		answerJSON(w, http.StatusOK, map[string]any{
			"device_code": code, "user_code": "ABCD-EFGH", "verification_uri": "https://as.example/device", "expires_in": 600, "interval": 5,
		})
	}))
	mux.HandleFunc("POST /token", a.endpoint("token", a.token))
	mux.HandleFunc("POST /idp/token", a.endpoint("idp", a.exchange))
	return mux
}

// authorize is what a person's browser gets who agrees to everything.
func (a *authorities) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	code := mint("code")
	a.mu.Lock()
	a.codes[code] = query
	a.mu.Unlock()
	to, _ := url.Parse(query.Get("redirect_uri"))
	to.RawQuery = url.Values{"code": {code}, "state": {query.Get("state")}}.Encode()
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusFound)
}

func (a *authorities) register(w http.ResponseWriter, r *http.Request) {
	var client map[string]any
	if err := json.NewDecoder(r.Body).Decode(&client); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_client_metadata"})
		return
	}
	id, secret := "client-"+rand.Text(), mint("registered")
	a.mu.Lock()
	a.clients[id] = secret
	a.mu.Unlock()
	client["client_id"], client["client_secret"], client["client_secret_expires_at"] = id, secret, 0
	client["registration_access_token"], client["note"] = mint("management"), secret
	client["token_endpoint_auth_method"] = "client_secret_basic"
	answerJSON(w, http.StatusCreated, client)
}

// refuse is an error of the token endpoint, which may quote the request in whatever way.
func (a *authorities) refuse(w http.ResponseWriter, r *http.Request, code string) {
	says := map[string]any{"error": code, "error_description": "no"}
	if a.echoes {
		said := echo(r)
		says["error"], says["error_description"], says["error_uri"] = code, said, said
		says["more"] = said
		w.Header().Set("Retry-After", r.Form.Get("code")+"0")
		w.Header().Set("Location", "/?"+r.Form.Encode())
		w.Header().Set("WWW-Authenticate", `Basic realm="`+strings.ReplaceAll(said, `"`, "'")+`"`)
	}
	answerJSON(w, http.StatusBadRequest, says)
}

// echo quotes the secrets of a request.
func echo(r *http.Request) string {
	_ = r.ParseForm()
	authorization := r.Header.Get("Authorization")
	_, secret, _ := strings.Cut(authorization, " ")
	form, _ := json.Marshal(r.Form)
	said := []string{
		authorization, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(authorization)),
		base64.RawURLEncoding.EncodeToString([]byte("x" + secret)), r.Form.Encode(), string(form),
	}
	if id, secret, ok := r.BasicAuth(); ok {
		said = append(said, id, secret, base64.StdEncoding.EncodeToString([]byte(secret)))
	}
	return strings.Join(said, " ")
}

func (a *authorities) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	grant := r.Form.Get("grant_type")
	a.count("token:" + grant)
	if a.fault != nil && a.fault("token:"+grant, w, r) {
		return
	}
	if a.dpop && !a.proved(w, r, http.StatusBadRequest) {
		return
	}
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.Form.Get("client_id"), r.Form.Get("client_secret")
	}
	a.mu.Lock()
	want, known := a.clients[id]
	a.mu.Unlock()
	signed := strings.Count(r.Form.Get("client_assertion"), ".") == 2
	if !signed && (!known || want != secret) {
		a.refuse(w, r, "invalid_client")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	scope := r.Form.Get("scope")
	switch grant {
	case "authorization_code":
		login, ok := a.codes[r.Form.Get("code")]
		delete(a.codes, r.Form.Get("code"))
		sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
		if !ok || login.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || login.Get("client_id") != id {
			a.refuse(w, r, "invalid_grant")
			return
		}
		scope = login.Get("scope")
	case "refresh_token":
		was, ok := a.refresh[r.Form.Get("refresh_token")]
		if !ok {
			a.refuse(w, r, "invalid_grant")
			return
		}
		if scope = was; a.rotates {
			delete(a.refresh, r.Form.Get("refresh_token"))
		}
	case "client_credentials":
	case "urn:ietf:params:oauth:grant-type:device_code":
		login, ok := a.codes[r.Form.Get("device_code")]
		if !ok {
			a.refuse(w, r, "expired_token")
			return
		}
		scope = login.Get("scope")
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		if !a.vouched[r.Form.Get("assertion")] {
			a.refuse(w, r, "invalid_grant")
			return
		}
	default:
		a.refuse(w, r, "unsupported_grant_type")
		return
	}
	gives := map[string]any{"access_token": mint("access"), "token_type": a.kind, "id_token": mint("id"), "scope": scope}
	if a.dpop {
		gives["token_type"] = "DPoP"
	}
	expiry := a.clock.Now().Add(100 * 365 * 24 * time.Hour)
	if a.life != nil {
		gives["expires_in"] = a.life
		if seconds, ok := a.life.(int); ok {
			expiry = a.clock.Now().Add(time.Duration(seconds) * time.Second)
		}
	}
	a.access[gives["access_token"].(string)] = token{scope, expiry}
	if !a.unrefreshed && grant == "authorization_code" || strings.HasSuffix(grant, "device_code") || grant == "refresh_token" && a.rotates {
		refresh := mint("refresh")
		a.refresh[refresh] = scope
		gives["refresh_token"] = refresh
	}
	answerJSON(w, http.StatusOK, gives)
}

// exchange is the token endpoint of the identity provider.
func (a *authorities) exchange(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.vouched[r.Form.Get("subject_token")] {
		a.refuse(w, r, "invalid_grant")
		return
	}
	jag := mint("jag")
	a.vouched[jag] = true
	answerJSON(w, http.StatusOK, map[string]any{
		"access_token": jag, "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag", "token_type": "N_A", "expires_in": 300,
	})
}

// proved wants a proof with the nonce.
func (a *authorities) proved(w http.ResponseWriter, r *http.Request, status int) bool {
	proof := r.Header.Get("DPoP")
	parts := strings.Split(proof, ".")
	claims := map[string]any{}
	if len(parts) == 3 {
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(text, &claims)
	}
	if claims["nonce"] == a.nonce && claims["htm"] == r.Method {
		return true
	}
	w.Header().Set("DPoP-Nonce", a.nonce)
	w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
	answerJSON(w, status, map[string]any{"error": "use_dpop_nonce"})
	return false
}

// guard lets nobody pass without a token. A call of the tool "write" needs the scope of that name; "fail",
// "forbidden" and "away" are refused in further ways.
func (a *authorities) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost { // Streams begin when they may.
			a.count("mcp")
		}
		if a.fault != nil && a.fault("mcp", w, r) {
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		_, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		a.mu.Lock()
		has, ok := a.access[given]
		a.mu.Unlock()
		challenge := func(status int, params string) {
			where := fmt.Sprintf(`Bearer resource_metadata="%s/.well-known/oauth-protected-resource%s"`, a.resource.URL, r.URL.Path)
			said := "unauthorized"
			if a.echoes {
				said = echo(r)
				params += `, error_description="` + strings.ReplaceAll(said, `"`, "'") + `"`
			}
			w.Header().Set("WWW-Authenticate", where+params)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, said)
		}
		if !ok || a.clock.Now().After(has.expiry) {
			a.count("refused")
			params := ""
			if a.wants != "" {
				params = `, scope="` + a.wants + `"`
			}
			challenge(http.StatusUnauthorized, params)
			return
		}
		if a.dpop && !a.proved(w, r, http.StatusUnauthorized) {
			return
		}
		var request struct {
			ID     any `json:"id"`
			Method string
			Params struct{ Name string }
		}
		_ = json.Unmarshal(body, &request)
		if request.Method == "tools/call" {
			switch request.Params.Name {
			case "write":
				if !slices.Contains(strings.Fields(has.scope), "write") {
					challenge(http.StatusForbidden, `, error="insufficient_scope", scope="write"`)
					return
				}
				body = bytes.Replace(body, []byte(`"write"`), []byte(`"echo"`), 1)
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
				r.Header.Set("Mcp-Name", "echo")
			case "fail":
				w.Header().Set("Mcp-Note", echo(r))
				http.Error(w, echo(r), http.StatusInternalServerError)
				return
			case "rpc":
				answerJSON(w, http.StatusBadRequest, map[string]any{
					"jsonrpc": "2.0", "id": request.ID, "error": map[string]any{"code": -32001, "message": echo(r), "data": echo(r)},
				})
				return
			case "away":
				http.Redirect(w, r, "https://elsewhere.example/?"+url.QueryEscape(echo(r)), http.StatusTemporaryRedirect)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// known makes a client known to the authorization server, with a secret of its own.
func (a *authorities) known(id string) (secret string) {
	secret = mint("configured")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clients[id] = secret
	return secret
}

// vouch makes an assertion that is taken.
func (a *authorities) vouch(kind string) func(context.Context) (string, error) {
	assertion := mint(kind)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.vouched[assertion] = true
	return func(context.Context) (string, error) { return assertion, nil }
}

// A person logs in wherever they are sent. It implements [auth.Asker].
type person struct {
	// between may change where the browser comes back to.
	between func(ctx context.Context, callback string) (string, error)
	mu      sync.Mutex
	asked   []auth.AskRequest
}

// RedirectURL implements [auth.Asker].
func (*person) RedirectURL() string { return "http://127.0.0.1:3334/oauth/callback" }

// times is how often the person was asked.
func (p *person) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// Ask implements [auth.Asker].
func (p *person) Ask(ctx context.Context, request auth.AskRequest) (string, error) {
	p.mu.Lock()
	p.asked = append(p.asked, request)
	p.mu.Unlock()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get, err := http.NewRequestWithContext(ctx, http.MethodGet, request.URL, nil)
	if err != nil {
		return "", err
	}
	response, err := browser.Do(get)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	callback := response.Header.Get("Location")
	if p.between != nil {
		return p.between(ctx, callback)
	}
	return callback, nil
}

// steps collects events. It is safe for concurrent use.
type steps struct {
	mu     sync.Mutex
	events []auth.Event
}

func (h *steps) hear(e auth.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *steps) all() []auth.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events)
}

// kinds are the kinds of the events, without the requests.
func (h *steps) kinds() string {
	var all []string
	for _, e := range h.all() {
		if e.Kind != auth.EventRequest {
			all = append(all, string(e.Kind))
		}
	}
	return strings.Join(all, " ")
}

// hadEffect finds calls that did not have exactly one effect.
func (a *authorities) hadEffect(t *testing.T, ids ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		if a.effects[id] != 1 {
			t.Errorf("the call %s had %d effects", id, a.effects[id])
		}
	}
	if extra := len(a.effects) - len(ids); extra > 0 {
		t.Errorf("there are effects of %d calls more: %v", extra, slices.Collect(maps.Keys(a.effects)))
	}
}

// source gives a token of its own until it is worthless, and then another one.
func (a *authorities) source(give func() string) func(context.Context) (string, error) {
	last := ""
	return func(context.Context) (string, error) {
		a.mu.Lock()
		_, good := a.access[last]
		a.mu.Unlock()
		if !good {
			last = give()
		}
		return last, nil
	}
}
