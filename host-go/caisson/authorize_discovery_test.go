package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// A layout is a server, which is its own authorization server, with documents at their paths. BASE in them is
// where it is.
type layout struct {
	*httptest.Server
	documents map[string]string
	challenge string

	mu    sync.Mutex
	asked []string
}

func newLayout(t *testing.T, challenge string, documents map[string]string) *layout {
	t.Helper()
	l := &layout{documents: documents, challenge: challenge}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

// ServeHTTP implements [http.Handler].
func (l *layout) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/mcp" {
		w.Header().Set("WWW-Authenticate", strings.ReplaceAll(l.challenge, "BASE", l.URL))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	l.mu.Lock()
	l.asked = append(l.asked, r.Method+" "+r.URL.Path)
	l.mu.Unlock()
	if r.Method == http.MethodPost {
		answerJSON(w, http.StatusCreated, map[string]any{"client_id": "registered", "redirect_uris": []string{}})
		return
	}
	document, ok := l.documents[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, strings.ReplaceAll(document, "BASE", l.URL))
}

const (
	ofResource = `{"resource":"BASE/mcp","authorization_servers":["BASE/tenant"]}`
	ofIssuer   = `{"issuer":"BASE/tenant","authorization_endpoint":"BASE/tenant/login","token_endpoint":"BASE/tenant/token",` +
		`"registration_endpoint":"BASE/tenant/register","response_types_supported":["code"],"code_challenge_methods_supported":["S256"]}`
)

// TestDiscovery shows where a server's authorization is looked for, and in which order.
//
// requirement: authorization.server-metadata, authorization.protected-resource-metadata
// requirement: authorization.www-authenticate, authorization.resource-metadata-url
// requirement: authorization.well-known-order, authorization.metadata-issuer
func TestDiscovery(t *testing.T) {
	t.Parallel()
	const resource, authority = "GET /.well-known/oauth-protected-resource", "GET /.well-known/oauth-authorization-server"
	for name, c := range map[string]struct {
		challenge string
		documents map[string]string
		asked     []string
		login     string // where a person could log in; "" where nobody is to
	}{
		"the challenge says where": {
			`Bearer resource_metadata="BASE/about"`,
			map[string]string{"/about": ofResource, "/.well-known/oauth-authorization-server/tenant": ofIssuer},
			[]string{"GET /about", authority + "/tenant", "POST /tenant/register"},
			"/tenant/login",
		},
		"at the path": {
			"",
			map[string]string{"/.well-known/oauth-protected-resource/mcp": ofResource, "/.well-known/oauth-authorization-server/tenant": ofIssuer},
			[]string{resource + "/mcp", authority + "/tenant", "POST /tenant/register"},
			"/tenant/login",
		},
		"at the root": {
			"Bearer",
			map[string]string{"/.well-known/oauth-protected-resource": strings.Replace(ofResource, "BASE/mcp", "BASE", 1), "/.well-known/oauth-authorization-server/tenant": ofIssuer},
			[]string{resource + "/mcp", resource, authority + "/tenant", "POST /tenant/register"},
			"/tenant/login",
		},
		"as OpenID, inserted": {
			"",
			map[string]string{"/.well-known/oauth-protected-resource/mcp": ofResource, "/.well-known/openid-configuration/tenant": asOpenID},
			[]string{resource + "/mcp", authority + "/tenant", "GET /.well-known/openid-configuration/tenant", "POST /tenant/register"},
			"/tenant/login",
		},
		"as OpenID, appended": {
			"",
			map[string]string{"/.well-known/oauth-protected-resource/mcp": ofResource, "/tenant/.well-known/openid-configuration": asOpenID},
			[]string{resource + "/mcp", authority + "/tenant", "GET /.well-known/openid-configuration/tenant", "GET /tenant/.well-known/openid-configuration", "POST /tenant/register"},
			"/tenant/login",
		},
		"only the authorization server's": {
			"",
			map[string]string{"/.well-known/oauth-authorization-server": strings.ReplaceAll(strings.Replace(ofIssuer, "BASE/tenant", "BASE/", 1), "/tenant", "")},
			[]string{resource + "/mcp", resource, authority, "POST /register"},
			"/login",
		},
		"nothing": {
			"", nil,
			[]string{resource + "/mcp", resource, authority, "GET /.well-known/openid-configuration", "POST /register"},
			"/authorize",
		},
		"another issuer's": {
			"",
			map[string]string{"/.well-known/oauth-protected-resource/mcp": ofResource, "/.well-known/oauth-authorization-server/tenant": strings.Replace(ofIssuer, "BASE/tenant", "BASE/other", 1)},
			[]string{resource + "/mcp", authority + "/tenant"},
			"",
		},
		"another resource's": {
			"",
			map[string]string{"/.well-known/oauth-protected-resource/mcp": strings.Replace(ofResource, "BASE/mcp", "https://bank.example/mcp", 1), "/.well-known/oauth-authorization-server/tenant": ofIssuer},
			[]string{resource + "/mcp", authority + "/tenant"},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLayout(t, c.challenge, c.documents)
			client := newClient(t, caisson.ClientOptions{})
			who := &looker{}
			_, err := client.Connect(testContext(t), caisson.Server{URL: l.URL + "/mcp", Auth: &auth.OAuth{Ask: who}, ProtocolVersions: []string{"2025-11-25"}})
			if codeOf(err) != caisson.CodeAuthorizationRequired {
				t.Fatalf("connect gives %v", err)
			}
			if !slices.Equal(l.asked, c.asked) {
				t.Errorf("it asks\n%q, want\n%q", l.asked, c.asked)
			}
			if c.login == "" && who.shown != "" || c.login != "" && !strings.HasPrefix(who.shown, l.URL+c.login+"?") {
				t.Errorf("a person could log in at %q", who.shown)
			}
		})
	}
}

// A looker looks at the URL to log in at, and goes away. It implements [auth.Asker].
type looker struct{ shown string }

func (*looker) RedirectURL() string { return (*person)(nil).RedirectURL() }

func (l *looker) Ask(_ context.Context, request auth.AskRequest) (string, error) {
	l.shown = request.URL
	return "", errors.New("not now")
}

var asOpenID = strings.Replace(ofIssuer, `{`, `{"jwks_uri":"BASE/keys","subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"],`, 1)

// TestRegistration shows what a client says of itself, and what becomes of a refusal.
//
// requirement: authorization.client-id, authorization.application-type, authorization.redirect-uris
// requirement: authorization.registration-refused, authorization.registration-bound
func TestRegistration(t *testing.T) {
	t.Parallel()
	var said struct {
		Type      string   `json:"application_type"`
		Redirects []string `json:"redirect_uris"`
		Grants    []string `json:"grant_types"`
		Name      string   `json:"client_name"`
	}
	a := newAuthorities(t, func(a *authorities) {
		a.fault = func(endpoint string, _ http.ResponseWriter, r *http.Request) bool {
			if endpoint == "register" {
				text, _ := io.ReadAll(r.Body)
				_ = json.Unmarshal(text, &said)
				r.Body = io.NopCloser(strings.NewReader(string(text)))
			}
			return false
		}
	})
	who := &person{}
	s, err := clientOf(t, a, caisson.ClientOptions{}).Connect(testContext(t), guarded(a, &auth.OAuth{Ask: who, ClientName: "the program"}))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if said.Type != "native" || said.Name != "the program" || !slices.Equal(said.Redirects, []string{who.RedirectURL()}) ||
		!slices.Equal(said.Grants, []string{"authorization_code", "refresh_token"}) {
		t.Errorf("it says %+v", said)
	}

	refused := newAuthorities(t, func(a *authorities) {
		a.fault = func(endpoint string, w http.ResponseWriter, _ *http.Request) bool {
			if endpoint == "register" {
				answerJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_redirect_uri", "error_description": "not here"})
			}
			return endpoint == "register"
		}
	})
	_, err = clientOf(t, refused, caisson.ClientOptions{}).Connect(testContext(t), guarded(refused, &auth.OAuth{Ask: who}))
	if codeOf(err) != caisson.CodeAuthorizationRequired || !strings.Contains(err.Error(), "invalid_redirect_uri") {
		t.Errorf("a refused registration gives %v", err)
	}
}

// TestIssuerOfAnswer shows that an answer speaks for the issuer that the person was sent to, letter by letter.
//
// requirement: authorization.issuer-recorded, authorization.issuer-checked, authorization.issuer-errors
func TestIssuerOfAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(a *authorities, query url.Values)
		good   bool
	}{
		"the right one":              {func(a *authorities, q url.Values) { q.Set("iss", a.issuer.URL) }, true},
		"with a slash":               {func(a *authorities, q url.Values) { q.Set("iss", a.issuer.URL+"/") }, false},
		"another one":                {func(_ *authorities, q url.Values) { q.Set("iss", "https://evil.example") }, false},
		"none":                       {func(*authorities, url.Values) {}, false},
		"an error of another one":    {func(_ *authorities, q url.Values) { refuseLogin(q); q.Set("iss", "https://evil.example") }, false},
		"an error of the right one":  {func(a *authorities, q url.Values) { refuseLogin(q); q.Set("iss", a.issuer.URL) }, false},
		"an error without an issuer": {func(_ *authorities, q url.Values) { refuseLogin(q) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthorities(t, func(a *authorities) {
				a.edit = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true }
			})
			who := &person{between: func(_ context.Context, callback string) (string, error) {
				u, err := url.Parse(callback)
				query := u.Query()
				c.change(a, query)
				u.RawQuery = query.Encode()
				return u.String(), err
			}}
			s, err := clientOf(t, a, caisson.ClientOptions{}).Connect(testContext(t), guarded(a, &auth.OAuth{Ask: who}))
			if err == nil {
				_ = s.Close()
			}
			if (err == nil) != c.good {
				t.Errorf("connect gives %v", err)
			}
			shown := err != nil && strings.Contains(err.Error(), "visit evil")
			if shown != (name == "an error of the right one") {
				t.Errorf("the error is %v", err)
			}
			if asked := a.counted("token") > 0; asked != c.good {
				t.Errorf("the token endpoint was asked: %v", asked)
			}
		})
	}
}

func refuseLogin(query url.Values) {
	query.Del("code")
	query.Set("error", "access_denied")
	query.Set("error_description", "visit evil")
}

// TestWhereThingsGo shows that a login and a token say for which server they are, and that the token goes
// into the header of each request and nowhere else.
//
// requirement: authorization.resource-indicator, authorization.header, authorization.pkce
// requirement: authorization.pkce-verified, authorization.oauth-2.1
func TestWhereThingsGo(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var forms []url.Values
	wrong := 0
	a := newAuthorities(t, func(a *authorities) {
		a.fault = func(endpoint string, _ http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case endpoint == "token":
				_ = r.ParseForm()
				forms = append(forms, r.PostForm)
			case endpoint == "mcp" && (r.URL.RawQuery != "" || len(forms) > 0 && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ")):
				wrong++
			}
			return false
		}
	})
	who := &person{}
	s, err := clientOf(t, a, caisson.ClientOptions{}).Connect(testContext(t), guarded(a, &auth.OAuth{Ask: who}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ListTools(testContext(t), nil); err != nil {
		t.Error(err)
	}
	_ = s.Close()
	login, err := url.Parse(who.asked[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	query, resource := login.Query(), a.resource.URL+"/mcp"
	if query.Get("resource") != resource || query.Get("code_challenge_method") != "S256" || query.Get("code_challenge") == "" || query.Get("state") == "" {
		t.Errorf("the login is %v", query)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(forms) != 1 || forms[0].Get("resource") != resource || forms[0].Get("code_verifier") == "" {
		t.Errorf("the tokens are asked for by %v", forms)
	}
	if wrong > 0 {
		t.Errorf("%d requests have the token elsewhere", wrong)
	}
}
