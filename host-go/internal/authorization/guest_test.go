package authorization

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// A guest is a core that is taken over: it calls the flow in whatever order, with whatever it likes. Its
// requests are not sent: what is asked is who would get what.
type guest struct {
	t    *testing.T
	flow *Flow
	ask  *asker
}

// An asker is a person who sees what they are shown, and comes back with a code.
type asker struct{ shown []auth.AskRequest }

const redirect = "http://127.0.0.1:1/oauth/callback"

func (*asker) RedirectURL() string { return redirect }

func (a *asker) Ask(_ context.Context, request auth.AskRequest) (string, error) {
	a.shown = append(a.shown, request)
	return redirect + "?" + url.Values{"code": {"code-of-the-person"}, "state": {request.State}}.Encode(), nil
}

const (
	serverURL = "https://server.example/mcp"
	good      = "https://good.example"
	evil      = "https://evil.example"
)

// newGuest makes a guest of a server that names two authorization servers: its own, and that of another.
func newGuest(t *testing.T, method func(*guest) auth.Method, change func(*Config)) *guest {
	t.Helper()
	g := &guest{t: t, ask: &asker{}}
	u, _ := url.Parse(serverURL)
	var m auth.Method = &auth.OAuth{Ask: g.ask}
	if method != nil {
		m = method(g)
	}
	config := Config{Server: "server", URL: u, Method: m, Store: auth.NewMemoryStore()}
	if change != nil {
		change(&config)
	}
	g.flow = New(config)
	t.Cleanup(g.flow.End)
	return g
}

func (g *guest) begin() {
	g.t.Helper()
	if _, err := g.flow.Begin(context.Background(), Challenge{Status: 401}); err != nil {
		g.t.Fatal(err)
	}
}

// request asks for a request, and answers it when it is let out.
func (g *guest) request(method, at, body, answer string) (*http.Request, *egress.Error) {
	return g.requestAs(method, at, body, "post", 200, answer)
}

func (g *guest) requestAs(method, at, body, client string, status int, answer string) (*http.Request, *egress.Error) {
	r := egress.Request{Method: method, URL: at}
	if method == http.MethodPost {
		r.Body = &body
	}
	request, reader, failed := g.flow.Request(context.Background(), r, client)
	if failed != nil {
		return nil, failed
	}
	defer reader.Close()
	_, _, failed = reader.Read(status, http.Header{}, []byte(answer))
	return request, failed
}

// serverMetadataOf is the metadata of an authorization server, as a document.
func serverMetadataOf(issuer string, change ...string) string {
	m := map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
		"registration_endpoint": issuer + "/register", "response_types_supported": []string{"code"},
		"code_challenge_methods_supported": []string{"S256"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		if m[change[i]] = change[i+1]; change[i+1] == "" {
			delete(m, change[i])
		}
	}
	text, _ := json.Marshal(m)
	return string(text)
}

// discover has the host read the metadata of the server, which names these, and theirs.
func (g *guest) discover(servers ...string) {
	g.t.Helper()
	text, _ := json.Marshal(map[string]any{"resource": serverURL, "authorization_servers": servers})
	if _, err := g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", string(text)); err != nil {
		g.t.Fatal(err)
	}
	for _, s := range servers {
		if _, err := g.request("GET", s+"/.well-known/oauth-authorization-server", "", serverMetadataOf(s)); err != nil {
			g.t.Fatal(err)
		}
	}
}

// register makes the host have a client at an authorization server.
func (g *guest) register(issuer, id, secret string) {
	g.t.Helper()
	if _, err := g.request("POST", issuer+"/register", `{}`, fmt.Sprintf(`{"client_id":%q,"client_secret":%q}`, id, secret)); err != nil {
		g.t.Fatal(err)
	}
}

// login is a URL to log in at, with changes: a name without a value takes a parameter away.
func login(issuer, id string, change ...string) string {
	query := url.Values{
		"response_type": {"code"}, "client_id": {id}, "redirect_uri": {redirect}, "code_challenge": {"x"}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		if query.Del(change[i]); change[i+1] != "" {
			query[change[i]] = strings.Split(change[i+1], "|")
		}
	}
	return issuer + "/authorize?" + query.Encode()
}

// TestGuestReachesNobodyElse has the guest ask for what no metadata names, and for what metadata must not.
//
// requirement: authorization.https
func TestGuestReachesNobodyElse(t *testing.T) {
	for _, at := range []string{
		"https://elsewhere.example/", "https://server.example/mcp", "https://server.example/admin",
		"https://evil.example/.well-known/oauth-authorization-server", // not named yet
		"http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "http://localhost/", "https://localhost:8443/",
		"https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://printer.local/", "https://router/", "https://metadata.google.internal/",
		"file:///etc/passwd", "https://user:pass@server.example/.well-known/oauth-protected-resource", "//server.example/", "", "%zz",
		"https://server.example/.well-known/oauth-protected-resource/../../admin", "https://server.example@evil.example/.well-known/oauth-protected-resource",
		"https://server.example/" + strings.Repeat("x", 1<<20),
	} {
		t.Run(fmt.Sprintf("%.60s", at), func(t *testing.T) {
			g := newGuest(t, nil, nil)
			g.begin()
			for _, method := range []string{"GET", "POST", "PUT", "CONNECT", "get"} {
				if request, failed := g.request(method, at, "{}", "{}"); failed == nil {
					t.Errorf("%s goes out to %s", method, request.URL)
				}
			}
		})
	}
	t.Run("by metadata", func(t *testing.T) {
		for _, name := range []string{"http://169.254.169.254", "https://10.0.0.1", "http://localhost:9000", "https://[::1]", "http://elsewhere.example", "https://db.internal"} {
			g := newGuest(t, nil, nil)
			g.begin()
			text, _ := json.Marshal(map[string]any{"authorization_servers": []string{name}})
			if _, err := g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", string(text)); err != nil {
				t.Fatal(err)
			}
			if _, failed := g.request("GET", name+"/.well-known/oauth-authorization-server", "", "{}"); failed == nil || failed.Kind != egress.Refused {
				t.Errorf("%s: %v", name, failed)
			}
		}
	})
	t.Run("by the endpoints in metadata", func(t *testing.T) {
		for _, endpoint := range []string{"http://169.254.169.254/token", "https://10.0.0.1/token", "http://localhost/token", "javascript:alert(1)", "file:///token"} {
			g := newGuest(t, nil, nil)
			g.begin()
			g.discover(good)
			if _, err := g.request("GET", good+"/.well-known/oauth-authorization-server", "", serverMetadataOf(good, "token_endpoint", endpoint, "registration_endpoint", endpoint, "authorization_endpoint", endpoint)); err != nil {
				t.Fatal(err)
			}
			if _, failed := g.request("POST", endpoint, "grant_type=authorization_code&code=secret:code", "{}"); failed == nil {
				t.Errorf("a POST to %s goes out", endpoint)
			}
			if _, failed := g.flow.Ask(context.Background(), endpoint+"?"+strings.SplitN(login(good, "x"), "?", 2)[1]); failed == nil || len(g.ask.shown) > 0 {
				t.Errorf("a person is shown %s", endpoint)
			}
		}
	})
}

// TestGuestWithoutATurn shows that nothing is done without a turn.
func TestGuestWithoutATurn(t *testing.T) {
	g := newGuest(t, nil, nil)
	for range 2 {
		if _, failed := g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", "{}"); failed == nil {
			t.Error("a request goes out")
		}
		if _, failed := g.flow.Ask(context.Background(), login(good, "x")); failed == nil || len(g.ask.shown) > 0 {
			t.Error("a person is asked")
		}
		g.flow.Forget(context.Background(), true)
		g.begin() // And after it.
		g.discover(good)
		g.flow.End()
		g.flow.End()
	}
}

// TestGuestMisplacesSecrets has the guest write the names of secrets where they do not belong.
//
// requirement: authorization.own-tokens
func TestGuestMisplacesSecrets(t *testing.T) {
	const refresh, secret = "the-refresh-token", "the-client-secret"
	person := func(g *guest) auth.Method { return &auth.OAuth{Ask: g.ask} }
	work := func(*guest) auth.Method {
		return &auth.WorkloadIdentity{Issuer: good, Assertion: func(context.Context) (string, error) { return "the-workload-token", nil }}
	}
	firm := func(*guest) auth.Method {
		return &auth.EnterpriseManaged{
			ClientID: "mine", ClientSecret: secret, Issuer: good, IdentityProvider: "https://idp.example", IdentityProviderClientID: "there",
			IDToken: func(context.Context) (string, error) { return "the-id-token", nil },
		}
	}
	const exchange = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=secret:subject_token"
	const bearer = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer"
	for name, c := range map[string]struct {
		method   func(*guest) auth.Method
		at, body string
	}{
		"the refresh token to another issuer":           {person, evil + "/token", "grant_type=refresh_token&refresh_token=secret:refresh_token"},
		"the refresh token in another field":            {person, good + "/token", "grant_type=refresh_token&refresh_token=secret:refresh_token&scope=secret:refresh_token"},
		"the refresh token as the code":                 {person, good + "/token", "grant_type=authorization_code&code=secret:refresh_token"},
		"the refresh token in a field of its own":       {person, good + "/token", "grant_type=authorization_code&code=x&state=secret:refresh_token"},
		"the refresh token twice":                       {person, good + "/token", "grant_type=refresh_token&refresh_token=secret:refresh_token&refresh_token=x"},
		"the access token":                              {person, good + "/token", "grant_type=refresh_token&refresh_token=secret:access_token"},
		"the client's secret":                           {person, good + "/token", "grant_type=authorization_code&code=secret:client_secret"},
		"a code that nobody gave":                       {person, good + "/token", "grant_type=authorization_code&code=secret:code"},
		"a code of the guest's":                         {person, good + "/token", "grant_type=authorization_code&code=mine"},
		"the refresh token to the registration":         {person, good + "/register", `{"client_name":"secret:refresh_token"}`},
		"another grant":                                 {person, good + "/token", "grant_type=password&username=a&password=b"},
		"client credentials of a person's client":       {person, good + "/token", "grant_type=client_credentials"},
		"a token for another resource":                  {person, good + "/token", "grant_type=refresh_token&refresh_token=secret:refresh_token&resource=https://bank.example/"},
		"a token for another path":                      {person, good + "/token", "grant_type=refresh_token&refresh_token=secret:refresh_token&resource=https://server.example/other"},
		"no form":                                       {person, good + "/token", "%zz"},
		"the workload's token to another issuer":        {work, evil + "/token", bearer + "&assertion=secret:assertion"},
		"the workload's token as another":               {work, good + "/token", bearer + "&assertion=secret:subject_token"},
		"the ID token to the server's":                  {firm, good + "/token", bearer + "&assertion=secret:subject_token"},
		"the ID token by exchange to the server's":      {firm, good + "/token", exchange + "&requested_token_type=" + idJAG + "&audience=" + good},
		"the ID token for another kind of token":        {firm, "https://idp.example/token", exchange + "&requested_token_type=urn:ietf:params:oauth:token-type:access_token&audience=" + good},
		"the ID token for another authorization server": {firm, "https://idp.example/token", exchange + "&requested_token_type=" + idJAG + "&audience=https://bank.example"},
		"an assertion that there is not":                {firm, good + "/token", bearer + "&assertion=secret:id_jag"},
		"a client's secret to another issuer":           {firm, evil + "/token", bearer + "&assertion=secret:id_jag"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, c.method, nil)
			g.begin()
			g.discover(good, evil)
			if _, is := g.flow.method.(*auth.EnterpriseManaged); is {
				if _, err := g.request("GET", "https://idp.example/.well-known/oauth-authorization-server", "", serverMetadataOf("https://idp.example")); err != nil {
					t.Fatal(err)
				}
			}
			g.flow.mu.Lock()
			g.flow.entry.Tokens = &tokens{Access: "the-access-token", Refresh: refresh, Issuer: good, Type: "Bearer"}
			g.flow.entry.Client = &client{ID: "mine", Secret: secret, Issuer: good}
			g.flow.mu.Unlock()
			body := c.body
			request, failed := g.request("POST", c.at, body, `{"access_token":"other-token","token_type":"Bearer"}`)
			if failed == nil && !strings.Contains(c.at, "/register") {
				t.Errorf("a request goes out to %s", request.URL)
			}
			if request != nil {
				sent, _ := request.GetBody()
				text := make([]byte, 4096)
				n, _ := sent.Read(text)
				for _, secret := range []string{refresh, secret, "the-access-token", "the-id-token", "the-workload-token"} {
					if strings.Contains(string(text[:n])+fmt.Sprint(request.Header), secret) {
						t.Errorf("%s goes out: %s", secret, text[:n])
					}
				}
			}
		})
	}
}

// TestOneServerIsBoth has the identity provider's token endpoint be the one of the server's authorization server
// too: what the grant says is who is meant, whatever the order in which the host looks at the two.
func TestOneServerIsBoth(t *testing.T) {
	for range 16 { // A map is gone through in another order each time.
		g := newGuest(t, func(*guest) auth.Method {
			return &auth.EnterpriseManaged{
				ClientID: "mine", ClientSecret: "the-client-secret", IdentityProviderTokenURL: good + "/token",
				IDToken: func(context.Context) (string, error) { return "the-id-token", nil },
			}
		}, nil)
		g.begin()
		g.discover(good)
		exchange := "grant_type=" + exchangeGrant + "&subject_token=secret:subject_token&requested_token_type=" + idJAG + "&audience=" + good
		if _, err := g.request("POST", good+"/token", exchange, `{"access_token":"an-assertion","issued_token_type":"`+idJAG+`","token_type":"N_A"}`); err != nil {
			t.Fatalf("the exchange: %v", err)
		}
		request, err := g.request("POST", good+"/token", "grant_type="+bearerGrant+"&assertion=secret:id_jag", `{"access_token":"a-token","token_type":"Bearer"}`)
		if err != nil {
			t.Fatalf("the assertion: %v", err)
		}
		body, _ := request.GetBody()
		text, _ := io.ReadAll(body)
		if form, _ := url.ParseQuery(string(text)); form.Get("assertion") != "an-assertion" {
			t.Fatalf("the request has %s", text)
		}
	}
}

// TestGuestSpeaksForAnotherIssuer shows that metadata speaks only for the issuer that it was looked for under:
// otherwise the refresh token would go wherever a server says that it is the good one.
func TestGuestSpeaksForAnotherIssuer(t *testing.T) {
	g := newGuest(t, nil, nil)
	g.begin()
	g.discover(evil)
	g.flow.mu.Lock()
	g.flow.entry.Tokens = &tokens{Access: "a", Refresh: "the-refresh-token", Issuer: good, Type: "Bearer"}
	g.flow.entry.Client = &client{ID: "mine", Secret: "the-client-secret", Issuer: good}
	g.flow.mu.Unlock()
	for _, issuer := range []string{good, good + "/", "https://GOOD.example"} {
		if _, err := g.request("GET", evil+"/.well-known/oauth-authorization-server", "", serverMetadataOf(issuer, "token_endpoint", evil+"/token")); err != nil {
			t.Fatal(err)
		}
		if _, failed := g.request("POST", evil+"/token", "grant_type=refresh_token&refresh_token=secret:refresh_token", "{}"); failed == nil {
			t.Errorf("as %s it gets the refresh token", issuer)
		}
	}
}

// TestProofKey shows that nobody logs in where the metadata does not say that PKCE is known, unless that is
// what the program wants.
func TestProofKey(t *testing.T) {
	for _, assume := range []bool{false, true} {
		g := newGuest(t, func(g *guest) auth.Method {
			return &auth.OAuth{Ask: g.ask, Common: auth.Common{Rough: auth.Rough{AssumePKCE: assume}}}
		}, nil)
		g.begin()
		g.discover(good)
		if _, err := g.request("GET", good+"/.well-known/oauth-authorization-server", "", serverMetadataOf(good, "code_challenge_methods_supported", "")); err != nil {
			t.Fatal(err)
		}
		g.register(good, "mine", "")
		_, failed := g.flow.Ask(context.Background(), login(good, "mine"))
		if assume && failed != nil || !assume && (failed == nil || !strings.Contains(failed.Message, "AssumePKCE")) {
			t.Errorf("with AssumePKCE %v: %v", assume, failed)
		}
	}
}

// TestGuestForgesALogin has the guest show a person another URL than the SDK would.
func TestGuestForgesALogin(t *testing.T) {
	for name, u := range map[string]string{
		"another endpoint":               strings.Replace(login(good, "mine"), "/authorize", "/elsewhere", 1),
		"another origin":                 login("https://phish.example", "mine"),
		"another scheme":                 strings.Replace(login(good, "mine"), "https", "http", 1),
		"another redirect":               login(good, "mine", "redirect_uri", "https://evil.example/"),
		"two redirects":                  login(good, "mine", "redirect_uri", redirect+"|https://evil.example/"),
		"another client":                 login(good, "theirs"),
		"two clients":                    login(good, "mine", "client_id", "mine|theirs"),
		"another server's client":        login(evil, "mine"),
		"no proof key":                   login(good, "mine", "code_challenge", ""),
		"a plain proof key":              login(good, "mine", "code_challenge_method", "plain"),
		"another response":               login(good, "mine", "response_type", "token"),
		"a request elsewhere":            login(good, "mine", "request_uri", "https://evil.example/request"),
		"a request":                      login(good, "mine", "request", "eyJ"),
		"another mode":                   login(good, "mine", "response_mode", "form_post"),
		"another resource":               login(good, "mine", "resource", "https://bank.example/"),
		"two resources":                  login(good, "mine", "resource", serverURL+"|https://bank.example/"),
		"a user name":                    strings.Replace(login(good, "mine"), "https://", "https://user@", 1),
		"a hint that nobody configured":  login(good, "mine", "login_hint", "boss@example"),
		"a script":                       "javascript:alert(1)//" + login(good, "mine"),
		"nothing":                        "",
		"separators that servers differ": login(good, "mine") + ";redirect_uri=https://evil.example",
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, nil, nil)
			g.begin()
			g.discover(good, evil)
			g.register(good, "mine", "the-client-secret")
			if _, failed := g.flow.Ask(context.Background(), u); failed == nil || len(g.ask.shown) > 0 {
				t.Errorf("a person is shown %v", g.ask.shown)
			}
			// The honest one is let pass, with a state of the host's, and the code stays in the host.
			told, failed := g.flow.Ask(context.Background(), login(good, "mine", "state", "the guest's", "resource", serverURL))
			if failed != nil || strings.Contains(told, "code-of") || strings.Contains(g.ask.shown[0].URL, "guest") {
				t.Errorf("the honest login comes to %s, %v: %v", told, failed, g.ask.shown)
			}
			if _, failed := g.request("POST", evil+"/token", "grant_type=authorization_code&code=secret:code", "{}"); failed == nil {
				t.Error("the code goes to the other server")
			}
		})
	}
}

// oddAsker gives what a test says.
type oddAsker struct {
	asker
	ask func(auth.AskRequest) (string, error)
}

func (a *oddAsker) Ask(_ context.Context, request auth.AskRequest) (string, error) {
	return a.ask(request)
}

// TestOddAnswers has what is not a Browser give what a Browser would not, and one error to all.
func TestOddAnswers(t *testing.T) {
	shared := &auth.RequiredError{Server: "any"}
	for name, c := range map[string]struct {
		answer func(auth.AskRequest) (string, error)
		want   string
	}{
		"two states": {func(r auth.AskRequest) (string, error) {
			return redirect + "?code=code-of-one&state=" + r.State + "&state=x", nil
		}, "state twice"},
		"two codes": {func(r auth.AskRequest) (string, error) {
			return redirect + "?code=code-of-one&code=code-of-two&state=" + r.State, nil
		}, "code twice"},
		"two issuers": {func(r auth.AskRequest) (string, error) {
			return redirect + "?code=code-of-one&state=" + r.State + "&iss=" + good + "&iss=" + evil, nil
		}, "iss twice"},
		"endless": {func(r auth.AskRequest) (string, error) {
			return redirect + "?state=" + r.State + "&code=" + strings.Repeat("x", 1<<20), nil
		}, "more than"},
		"one error": {func(auth.AskRequest) (string, error) { return "", shared }, "nobody to ask"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, func(*guest) auth.Method { return &auth.OAuth{Ask: &oddAsker{ask: c.answer}} }, nil)
			g.begin()
			g.discover(good)
			g.register(good, "mine", "the-client-secret")
			_, failed := g.flow.Ask(context.Background(), login(good, "mine"))
			if failed == nil || !strings.Contains(failed.Message, c.want) || g.flow.turn.code != "" {
				t.Errorf("it is taken: %v", failed)
			}
			var required *auth.RequiredError
			if name == "one error" && (!errors.As(failed, &required) || required.Issuer != good || shared.Issuer != "") {
				t.Errorf("the error is %+v, and that of all %+v", required, shared)
			}
		})
	}
}

// TestDeviceAddress has an authorization server show a person what they should not open.
func TestDeviceAddress(t *testing.T) {
	for at, ok := range map[string]bool{
		good + "/device": true, "http://127.0.0.1:1/device": true,
		"javascript:alert(1)": false, "http://good.example/device": false, "https://bank.example@evil.example/": false, "https:///device": false,
		"/device": false, good + "/\x1b[2J": false, good + "/ bank.example": false, good + "/" + strings.Repeat("x", longestURL): false, good + "/\u202e": false,
	} {
		for _, member := range []string{"verification_uri", "verification_uri_complete"} {
			shown := make(chan auth.DeviceCode, 1)
			g := newGuest(t, func(g *guest) auth.Method {
				return &auth.OAuth{Ask: g.ask, ClientID: "mine", Device: func(_ context.Context, code auth.DeviceCode) { shown <- code }}
			}, nil)
			g.begin()
			g.discover()
			if _, failed := g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", `{"resource":"`+serverURL+`","authorization_servers":["`+good+`"]}`); failed != nil {
				t.Fatal(failed)
			}
			if _, failed := g.request("GET", good+"/.well-known/oauth-authorization-server", "", serverMetadataOf(good, "device_authorization_endpoint", good+"/codes")); failed != nil {
				t.Fatal(failed)
			}
			answer := map[string]any{"device_code": "the-device-code", "user_code": "ABCD", "verification_uri": good + "/device"}
			answer[member] = at
			text, _ := json.Marshal(answer)
			_, failed := g.request("POST", good+"/codes", "client_id=mine", string(text))
			if (failed == nil) != ok {
				t.Errorf("%s %.100q: %v", member, at, failed)
			}
			if !ok && (len(shown) != 0 || g.flow.turn.asked != nil) {
				t.Errorf("%s %.100q is shown", member, at)
			}
			g.flow.End()
		}
	}
}

// TestMetadataStaysOut shows that a server of another machine leads nobody to this one.
func TestMetadataStaysOut(t *testing.T) {
	idp := &auth.EnterpriseManaged{IdentityProvider: "https://idp.internal/tenant"}
	for at, ok := range map[string]bool{"https://idp.internal/token": true, "https://other.internal/token": false, "http://idp.internal/token": false} {
		server, _ := url.Parse("https://server.example/mcp")
		to, _ := url.Parse(at)
		f := New(Config{Server: "s", URL: server, Method: idp, Store: auth.NewMemoryStore()})
		if refused := f.safe(to); (refused == nil) != ok {
			t.Errorf("to %s, where the configuration names an identity provider: %v", at, refused)
		}
	}
	for _, c := range []struct {
		server, at string
		private    bool
		ok         bool
	}{
		{"https://server.example/mcp", "https://127.0.0.1/", false, false},
		{"https://10.0.0.5/mcp", "http://127.0.0.1:6379/", false, false},
		{"https://10.0.0.5/mcp", "http://localhost:6379/", false, false},
		{"https://10.0.0.5/mcp", "https://[::1]/", false, false},
		{"https://build.internal/mcp", "http://127.0.0.1:6379/", false, false},
		{"https://10.0.0.5/mcp", "https://10.0.0.6/", false, true},
		{"https://10.0.0.5/mcp", "http://127.0.0.1:6379/", true, true},
		{"http://localhost:1/mcp", "http://127.0.0.1:2/", false, true},
		{"http://127.0.0.1:1/mcp", "https://10.0.0.6/", false, true},
		{"http://127.0.0.1:1/mcp", "https://good.example/", false, true},
	} {
		server, _ := url.Parse(c.server)
		at, _ := url.Parse(c.at)
		f := New(Config{Server: "s", URL: server, Method: &auth.OAuth{}, Store: auth.NewMemoryStore(), PrivateAddresses: c.private})
		if refused := f.safe(at); (refused == nil) != c.ok {
			t.Errorf("from %s to %s: %v", c.server, c.at, refused)
		}
	}
}

// TestMetadataThatIsNone has pages, and what is no object, in the place of metadata.
func TestMetadataThatIsNone(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		status     int // that the core is told; 0 for an error
	}{
		{"text/html; charset=utf-8", "hello", 404},
		{"application/json", " \n<!doctype html>", 404},
		{"application/json", "", 0},
		{"application/json", `{"issuer":`, 0},
		{"application/json", "[]", 0},
		{"text/plain", serverMetadataOf(good), 200},
	} {
		g := newGuest(t, nil, nil)
		g.begin()
		g.discover()
		if _, failed := g.request("GET", "https://server.example/.well-known/oauth-protected-resource", "", `{"authorization_servers":["`+good+`"]}`); failed != nil {
			t.Fatal(failed)
		}
		_, reader, failed := g.flow.Request(context.Background(), egress.Request{Method: http.MethodGet, URL: good + "/.well-known/oauth-authorization-server"}, "none")
		if failed != nil {
			t.Fatal(failed)
		}
		told, _, failed := reader.Read(200, http.Header{"Content-Type": {c.kind}}, []byte(c.body))
		reader.Close()
		if told.Status != c.status || (failed == nil) != (c.status != 0) || failed != nil && !strings.Contains(failed.Message, "/.well-known/oauth-authorization-server") {
			t.Errorf("%s %q is told as %d: %v", c.kind, c.body, told.Status, failed)
		}
		g.flow.End()
	}
}

// TestManyScopes has a server demand more scopes than an error names, and a guest ask for a login with them.
func TestManyScopes(t *testing.T) {
	many := strings.Repeat("scope-of-many ", 10_000) + strings.Repeat("x", 100_000)
	g := newGuest(t, func(g *guest) auth.Method {
		return &auth.OAuth{Ask: g.ask, Common: auth.Common{Scopes: []string{"read"}}}
	}, nil)
	_, failed := g.flow.Begin(context.Background(), Challenge{Status: 403, Scope: many})
	var refused *auth.ScopeError
	if !errors.As(failed, &refused) || len(refused.Scopes) != mostScopes || len(failed.Message) > longestScopes+500 {
		t.Errorf("it is refused with %d scopes, in %d bytes", len(refused.Scopes), len(failed.Message))
	}
	g = newGuest(t, nil, nil)
	g.begin()
	g.discover(good)
	g.register(good, "mine", "the-client-secret")
	if _, failed := g.flow.Ask(context.Background(), login(good, "mine", "scope", many)); failed == nil || len(g.ask.shown) != 0 {
		t.Errorf("a person is shown a URL without an end: %v", failed)
	}
}

// A store that cannot be compared is taken for the only one of its type.
type mapStore struct {
	auth.Store
	more any
}

func TestUnsavedOfOddStore(t *testing.T) {
	u := &Unsaved{}
	odd := mapStore{auth.NewMemoryStore(), map[string]int{}}
	u.put(odd, "key", []byte("text"), nil, time.Now())
	if text, err := u.over(odd, "key", nil, nil); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	u.drop(odd, "key")
}

// TestGuestIsBounded has the guest, and the server with it, make the flow grow.
func TestGuestIsBounded(t *testing.T) {
	const many = 10_000
	t.Run("authorization servers", func(t *testing.T) {
		g := newGuest(t, nil, nil)
		g.begin()
		var names []string
		for i := range many {
			names = append(names, fmt.Sprintf("https://as%d.example", i))
		}
		text, _ := json.Marshal(map[string]any{"authorization_servers": names})
		if _, err := g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", string(text)); err != nil {
			t.Fatal(err)
		}
		let := 0
		for _, name := range names {
			if _, failed := g.request("GET", name+"/.well-known/oauth-authorization-server", "", serverMetadataOf(name)); failed == nil {
				let++
			}
		}
		if let > mostServers {
			t.Errorf("%d authorization servers are asked", let)
		}
	})
	t.Run("servers named anew", func(t *testing.T) {
		g := newGuest(t, nil, nil)
		g.begin()
		let := 0
		for i := range many {
			name := fmt.Sprintf("https://as%d.example", i)
			text, _ := json.Marshal(map[string]any{"authorization_servers": []string{name}})
			_, _ = g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", string(text))
			if _, failed := g.request("GET", name+"/.well-known/oauth-authorization-server", "", serverMetadataOf(name)); failed == nil {
				let++
			}
		}
		if let > mostServers {
			t.Errorf("%d authorization servers are known", let)
		}
	})
	t.Run("redirects", func(t *testing.T) {
		g := newGuest(t, nil, nil)
		g.begin()
		at, let := "https://server.example/.well-known/oauth-protected-resource/mcp", 0
		for i := range many {
			to := fmt.Sprintf("https://server.example/%d", i)
			_, reader, failed := g.flow.Request(context.Background(), egress.Request{Method: "GET", URL: at}, "none")
			if failed != nil {
				break
			}
			let++
			_, _, _ = reader.Read(302, http.Header{"Location": {to}}, nil)
			reader.Close()
			at = to
		}
		if let > mostServers+1 {
			t.Errorf("%d redirects are followed", let)
		}
		for _, to := range []string{"https://evil.example/", "http://server.example/", "https://server.example:444/", "//evil.example/x", "https://u@server.example/"} {
			g := newGuest(t, nil, nil)
			g.begin()
			_, reader, _ := g.flow.Request(context.Background(), egress.Request{Method: "GET", URL: "https://server.example/.well-known/oauth-protected-resource"}, "none")
			answer, _, _ := reader.Read(302, http.Header{"Location": {to}}, nil)
			reader.Close()
			if _, failed := g.request("GET", to, "", "{}"); failed == nil || len(answer.Header) != 1 {
				t.Errorf("it is followed to %s", to)
			}
		}
	})
	t.Run("logins", func(t *testing.T) {
		g := newGuest(t, nil, nil)
		for range 200 {
			g.begin()
			g.discover(good)
			_, _ = g.request("POST", good+"/register", `{}`, `{"client_id":"mine"}`) // Nor is a client registered that nobody is asked for.
			for range 10 {
				_, _ = g.flow.Ask(context.Background(), login(good, "mine"))
			}
			g.flow.End()
		}
		if n := len(g.ask.shown); n != mostAsks {
			t.Errorf("a person was asked %d times", n)
		}
		if n := len(g.flow.seen); n > mostSeen {
			t.Errorf("%d secrets are remembered", n)
		}
	})
	t.Run("secrets", func(t *testing.T) {
		large := strings.Repeat("x", longestSecret+1)
		for name, answer := range map[string]map[string]any{
			"an access token":  {"access_token": large, "token_type": "Bearer"},
			"a refresh token":  {"access_token": "token-of-bounds", "token_type": "Bearer", "refresh_token": large},
			"an identity":      {"access_token": "token-of-bounds", "token_type": "Bearer", "id_token": large},
			"a header's end":   {"access_token": "token\r\nX-Evil: 1", "token_type": "Bearer"},
			"a NUL in a token": {"access_token": "token\x00of", "token_type": "Bearer"},
		} {
			g := newGuest(t, func(*guest) auth.Method {
				return &auth.ClientCredentials{ClientID: "c", ClientSecret: "the-client-secret"}
			}, nil)
			g.begin()
			g.discover(good)
			text, _ := json.Marshal(answer)
			if _, failed := g.request("POST", good+"/token", credentials, string(text)); failed == nil || len(failed.Message) > 1000 {
				t.Errorf("%s is taken", name)
			}
			if kept, err := g.flow.store.Load(context.Background(), g.flow.key); kept != nil || err != nil || g.flow.entry.Tokens != nil {
				t.Errorf("%s is kept: %v", name, err)
			}
			g.flow.End()
		}
		g := newGuest(t, nil, nil)
		g.begin()
		g.discover(good)
		if _, failed := g.request("POST", good+"/register", "{}", fmt.Sprintf(`{"client_id":"mine","client_secret":%q}`, large)); failed == nil || g.flow.entry.Client != nil {
			t.Error("a large secret of a client is taken")
		}
		for i := range many {
			g.flow.mu.Lock()
			g.flow.remember(fmt.Sprint(i, large[:longestSecret/2]))
			size := 0
			for _, secret := range g.flow.seen {
				size += len(secret)
			}
			last := g.flow.seen[len(g.flow.seen)-1]
			g.flow.mu.Unlock()
			if size > mostSeenBytes || !strings.HasPrefix(last, fmt.Sprint(i)) {
				t.Fatalf("%d bytes of secrets are remembered, and of the last one %.10q", size, last)
			}
		}
	})
	t.Run("nonces", func(t *testing.T) {
		g := newGuest(t, nil, nil)
		for i := range many {
			u, _ := url.Parse(fmt.Sprintf("https://as%d.example", i))
			g.flow.observeNonce(u, http.Header{"Dpop-Nonce": {fmt.Sprint(i)}})
		}
		if n := len(g.flow.nonces); n > 64 {
			t.Errorf("%d nonces are kept", n)
		}
	})
	t.Run("a turn that is not ended", func(t *testing.T) {
		store := auth.NewMemoryStore()
		g := newGuest(t, nil, func(c *Config) { c.Store, c.TurnTime = store, 50*time.Millisecond })
		g.begin()
		other := newGuest(t, nil, func(c *Config) { c.Store = store })
		other.begin() // It comes to its turn.
		if g.flow.Turning() {
			t.Error("two have their turn")
		}
		// Whatever the guest does to its turn, it is over.
		if _, failed := g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", "{}"); failed == nil {
			t.Error("a request goes out after the turn")
		}
	})
}
