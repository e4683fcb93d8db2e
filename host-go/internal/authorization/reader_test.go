package authorization

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// outcomes are what may become of a request that has no answer that counts.
var outcomes = map[string]struct {
	kind   egress.Kind // where status is 0
	status int
	header http.Header
}{
	"no connection":     {kind: egress.Connect},
	"broken":            {kind: egress.Transport},
	"too large":         {kind: egress.Limit},
	"put off, 503":      {status: 503, header: http.Header{"Retry-After": {"0"}}},
	"put off, 429":      {status: 429, header: http.Header{"Retry-After": {"0"}}},
	"put off for long":  {status: 503, header: http.Header{"Retry-After": {"3600"}}},
	"unavailable":       {status: 503},
	"a gateway's":       {status: 504},
	"a gateway's later": {status: 502, header: http.Header{"Retry-After": {"0"}}},
	"failing":           {status: 500},
}

// send sends a request of the guest's until it goes out no more: what it sent, and what came of it.
func (g *guest) send(at, body string, come func(n int) (egress.Kind, int, http.Header, string)) (sent int, failed *egress.Error) {
	g.t.Helper()
	request, reader, failed := g.flow.Request(context.Background(), egress.Request{Method: http.MethodPost, URL: at, Body: &body}, "none")
	if failed != nil {
		g.t.Fatal(failed)
	}
	defer reader.Close()
	for request != nil && failed == nil {
		sent++
		kind, status, header, answer := come(sent)
		if status == 0 {
			request, failed = reader.Failed(&egress.Error{Kind: kind, Message: "POST https://good.example: no", Err: errors.New("no")})
		} else {
			_, request, failed = reader.Read(status, header, []byte(answer))
		}
	}
	return sent, failed
}

// TestWhatGoesOutOnce shows which requests go out once more, and after what: nothing that is good for one use, but
// where nothing was sent. What comes in the end is typed, and names the endpoint.
func TestWhatGoesOutOnce(t *testing.T) {
	secret := func(context.Context) (string, error) { return "the-secret-text", nil }
	const device = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=secret%3Adevice_code"
	const exchange = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=secret%3Asubject_token&requested_token_type=" + idJAG + "&audience=" + good
	only := []string{"no connection"}
	putOff := append([]string{"put off, 503", "put off, 429"}, only...)
	for name, c := range map[string]struct {
		method auth.Method // nil is a person's
		at     string
		body   string
		again  []string
	}{
		"a code":              {nil, "/token", "grant_type=authorization_code&code=secret%3Acode", only},
		"a refresh token":     {nil, "/token", refreshForm, only},
		"a registration":      {nil, "/register", `{}`, only},
		"a code to enter":     {nil, "/device", "", only},
		"whether it is there": {nil, "/token", device, append([]string{"broken", "unavailable", "a gateway's", "a gateway's later", "failing"}, putOff...)},
		"an assertion":        {&auth.WorkloadIdentity{Assertion: secret}, "/token", assertionForm, only},
		"client credentials":  {&auth.ClientCredentials{ClientID: "mine", ClientSecret: "the-client-secret"}, "/token", credentials, putOff},
		"a token exchange": {&auth.EnterpriseManaged{
			ClientID: "mine", IDToken: secret, IdentityProvider: "https://idp.example", IdentityProviderClientID: "there",
		}, "idp", exchange, putOff},
	} {
		for what, outcome := range outcomes {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				var events []auth.Event
				g := newGuest(t, func(g *guest) auth.Method {
					if c.method != nil {
						return c.method
					}
					return &auth.OAuth{Ask: g.ask, Device: func(context.Context, auth.DeviceCode) {}, Common: auth.Common{OnEvent: func(e auth.Event) { events = append(events, e) }}}
				}, func(config *Config) { config.RetryBudget = 500 * time.Millisecond })
				g.seed(entry{
					Client: &client{ID: "mine", Issuer: good, Redirect: redirect},
					Tokens: &tokens{Access: "the-access-token", Refresh: "the-refresh-token", Type: "Bearer", Issuer: good, Expiry: time.Now().Add(-time.Hour)},
				})
				g.begin()
				g.discover(good)
				if _, err := g.request("GET", good+"/.well-known/oauth-authorization-server", "", serverMetadataOf(good, "device_authorization_endpoint", good+"/device")); err != nil {
					t.Fatal(err)
				}
				at := good + c.at
				switch {
				case c.at == "idp":
					at = "https://idp.example/token"
					if _, err := g.request("GET", "https://idp.example/.well-known/oauth-authorization-server", "", serverMetadataOf("https://idp.example")); err != nil {
						t.Fatal(err)
					}
				case c.body == device:
					if _, err := g.request("POST", good+"/device", "", `{"device_code":"the-device-code","user_code":"A","verification_uri":"https://good.example/","expires_in":600}`); err != nil {
						t.Fatal(err)
					}
				case strings.Contains(c.body, "secret%3Acode"):
					if _, err := g.flow.Ask(context.Background(), login(good, "mine")); err != nil {
						t.Fatal(err)
					}
				}
				sent, failed := g.send(at, c.body, func(int) (egress.Kind, int, http.Header, string) {
					return outcome.kind, outcome.status, outcome.header, `{"error":"temporarily_unavailable"}`
				})
				again := false
				for _, one := range c.again {
					again = again || one == what
				}
				if (sent > 1) != again || sent > 4 {
					t.Errorf("it goes out %d times", sent)
				}
				var away *auth.UnavailableError
				switch {
				case failed == nil:
					t.Error("it comes to something")
				case failed.Kind == egress.Unauthorized:
					t.Errorf("a person could log in: %v", failed)
				case outcome.kind != egress.Limit && (!errors.As(failed, &away) || away.URL != at || away.Status != outcome.status):
					t.Errorf("it comes to %v", failed)
				case outcome.status != 0 && !strings.Contains(failed.Message, fmt.Sprint("HTTP ", outcome.status, ": temporarily_unavailable")):
					t.Errorf("it comes to %v", failed)
				}
				if c.method == nil && outcome.kind != egress.Limit {
					if last := events[len(events)-1]; last.Kind != auth.EventRefused || !errors.Is(last.Err, error(away)) || last.Issuer != good {
						t.Errorf("the last step is %+v", last)
					}
				}
				text, _ := g.flow.store.Load(context.Background(), g.flow.key)
				if c.method == nil && !strings.Contains(string(text), "the-refresh-token") {
					t.Errorf("the store has %s", text)
				}
			})
		}
	}
}

// TestAgainIsAnswered shows that a request that goes out once more counts as the first one would.
func TestAgainIsAnswered(t *testing.T) {
	g := newGuest(t, nil, func(c *Config) { c.RetryBudget = time.Minute })
	g.seed(entry{
		Client: &client{ID: "mine", Issuer: good, Redirect: redirect},
		Tokens: &tokens{Access: "a", Refresh: "the-refresh-token", Type: "Bearer", Issuer: good},
	})
	g.begin()
	g.discover(good)
	sent, failed := g.send(good+"/token", refreshForm, func(n int) (egress.Kind, int, http.Header, string) {
		if n < 3 {
			return egress.Connect, 0, nil, ""
		}
		return 0, 200, nil, `{"access_token":"another-token","token_type":"Bearer"}`
	})
	if sent != 3 || failed != nil || g.flow.entry.Tokens.Access != "another-token" {
		t.Errorf("after %d it comes to %v", sent, failed)
	}
}

// TestEndOfATurn shows that the core hears why a turn has ended, with what helps.
func TestEndOfATurn(t *testing.T) {
	ask := func(g *guest) *egress.Error {
		_, failed := g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", "{}")
		if failed == nil {
			t.Fatal("a request goes out after the turn")
		}
		if again := g.flow.NoTurn(); again == nil || again.Message != failed.Message {
			t.Errorf("the same turn ended because of %v and %v", failed, again)
		}
		return failed
	}
	t.Run("time", func(t *testing.T) {
		g := newGuest(t, nil, func(c *Config) { c.TurnTime = 10 * time.Millisecond })
		g.begin()
		for g.flow.Turning() {
			time.Sleep(time.Millisecond)
		}
		if failed := ask(g); failed.Kind != egress.Unauthorized || !strings.Contains(failed.Message, "longer than 10ms") || !strings.Contains(failed.Message, "try again") {
			t.Errorf("it ended because of %v", failed)
		}
	})
	t.Run("requests", func(t *testing.T) {
		g := newGuest(t, nil, nil)
		g.begin()
		for g.flow.Turning() {
			_, _ = g.request("GET", "https://server.example/.well-known/oauth-protected-resource/mcp", "", "{}")
		}
		if failed := ask(g); failed.Kind != egress.Limit || !strings.Contains(failed.Message, "requests") {
			t.Errorf("it ended because of %v", failed)
		}
	})
	t.Run("a code to enter", func(t *testing.T) {
		now := time.Now()
		g := newGuest(t, func(*guest) auth.Method { return &auth.OAuth{Device: func(context.Context, auth.DeviceCode) {}} }, func(c *Config) { c.Now = func() time.Time { return now } })
		g.begin()
		g.discover(good)
		if _, err := g.request("GET", good+"/.well-known/oauth-authorization-server", "", serverMetadataOf(good, "device_authorization_endpoint", good+"/device")); err != nil {
			t.Fatal(err)
		}
		g.register(good, "mine", "")
		if _, err := g.request("POST", good+"/device", "", `{"device_code":"the-device-code","user_code":"A","verification_uri":"https://good.example/","expires_in":600}`); err != nil {
			t.Fatal(err)
		}
		form := "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=secret%3Adevice_code"
		if _, failed := g.requestAs("POST", good+"/token", form, "none", 400, `{"error":"authorization_pending"}`); failed != nil {
			t.Fatal(failed)
		}
		now = now.Add(10 * time.Minute)
		_, failed := g.request("POST", good+"/token", form, "{}")
		var refused *auth.RefusedError
		if failed == nil || failed.Kind != egress.Unauthorized || !errors.As(failed, &refused) || refused.Code != "expired_token" || !strings.Contains(failed.Message, "log in again") {
			t.Errorf("after the end of the code it comes to %v", failed)
		}
	})
}

// TestGuestDescribesTheClient has the guest register another client than the host's, and name what is added to a
// login: neither is the guest's to say.
func TestGuestDescribesTheClient(t *testing.T) {
	g := newGuest(t, func(g *guest) auth.Method {
		return &auth.OAuth{Ask: g.ask, ClientName: "Mine", AuthorizeParams: map[string][]string{"audience": {"the-secret-audience"}}}
	}, nil)
	told, failed := g.flow.Begin(context.Background(), Challenge{Status: 401})
	if failed != nil || strings.Contains(told, "the-secret-audience") {
		t.Errorf("the guest is told %s, %v", told, failed)
	}
	g.discover(good)
	body := `{"redirect_uris":["https://evil.example/"],"client_name":"Bank","jwks_uri":"https://evil.example/","grant_types":["password"],"scope":"read"}`
	r := egress.Request{Method: http.MethodPost, URL: good + "/register", Body: &body}
	request, reader, failed := g.flow.Request(context.Background(), r, "none")
	if failed != nil {
		t.Fatal(failed)
	}
	if _, _, failed := reader.Read(201, http.Header{}, []byte(`{"client_id":"mine"}`)); failed != nil {
		t.Fatal(failed)
	}
	reader.Close()
	var sent struct {
		Redirects []string `json:"redirect_uris"`
		Name      string   `json:"client_name"`
		Grants    []string `json:"grant_types"`
		Scope     string   `json:"scope"`
	}
	text := bodyOf(t, request)
	if err := json.Unmarshal([]byte(text), &sent); err != nil || strings.Contains(text, "evil") || sent.Name != "Mine" || sent.Scope != "read" || len(sent.Redirects) != 1 || sent.Redirects[0] != redirect || sent.Grants[0] != codeGrant {
		t.Errorf("registered is %s", text)
	}
	if _, failed := g.flow.Ask(context.Background(), login(good, "mine", "audience", "bank")); failed == nil {
		t.Error("the guest adds a parameter")
	}
	if _, failed := g.flow.Ask(context.Background(), login(good, "mine")); failed != nil || !strings.Contains(g.ask.shown[0].URL, "audience=the-secret-audience") {
		t.Errorf("a person is shown %v, %v", g.ask.shown, failed)
	}
}

// TestGuestLeavesTheResourceOut has the guest ask for a token without saying for what, which other servers of the
// authorization server would take too: the host says it, unless the server is one that refuses that.
func TestGuestLeavesTheResourceOut(t *testing.T) {
	for name, c := range map[string]struct {
		common      auth.Common
		given, want string
	}{
		"left out":      {auth.Common{}, "", serverURL},
		"given":         {auth.Common{}, serverURL, serverURL},
		"the origin's":  {auth.Common{}, "https://server.example/", "https://server.example/"},
		"configured":    {auth.Common{Resource: "urn:other"}, "", "urn:other"},
		"not that":      {auth.Common{Resource: "urn:other"}, serverURL, "urn:other"},
		"refused":       {auth.Common{Rough: auth.Rough{NoResource: true}}, "", ""},
		"refused given": {auth.Common{Rough: auth.Rough{NoResource: true}}, serverURL, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, func(g *guest) auth.Method { return &auth.OAuth{Ask: g.ask, Common: c.common} }, nil)
			g.begin()
			g.discover(good)
			g.register(good, "mine", "")
			if _, failed := g.flow.Ask(context.Background(), login(good, "mine", "resource", c.given)); failed != nil || g.ask.shown[0].Resource != c.want {
				t.Errorf("a person is shown %+v, %v", g.ask.shown, failed)
			}
			form := "grant_type=authorization_code&code=secret%3Acode"
			if c.given != "" {
				form += "&resource=" + c.given
			}
			request, reader, failed := g.flow.Request(context.Background(), egress.Request{Method: http.MethodPost, URL: good + "/token", Body: &form}, "none")
			if failed != nil {
				t.Fatal(failed)
			}
			reader.Close()
			if err := request.ParseForm(); err != nil || request.PostForm.Get("resource") != c.want {
				t.Errorf("sent is %v, %v", request.PostForm, err)
			}
		})
	}
}

// TestScopesOfAStepUp shows that a login asks for what the issuer has granted before, and another issuer for
// nothing of it.
func TestScopesOfAStepUp(t *testing.T) {
	for issuer, want := range map[string]string{good: "read admin write", evil: "read"} {
		g := newGuest(t, nil, nil)
		g.seed(entry{Granted: &granted{good, "admin write read"}})
		g.begin()
		g.discover(issuer)
		g.register(issuer, "mine", "")
		if _, failed := g.flow.Ask(context.Background(), login(issuer, "mine", "scope", "read")); failed != nil || strings.Join(g.ask.shown[0].Scopes, " ") != want {
			t.Errorf("at %s a person is asked for %v, %v", issuer, g.ask.shown, failed)
		}
	}
}

// TestEndedTokenIsNotGiven shows that a token that has ended is given to nobody, and one that is about to end only
// where there is no later one.
func TestEndedTokenIsNotGiven(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		left             time.Duration
		fresh, otherwise bool
	}{
		"good": {time.Hour, true, true}, "about to end": {time.Second, false, true}, "ended": {0, false, false}, "long ago": {-time.Hour, false, false},
	} {
		g := newGuest(t, nil, func(c *Config) { c.Now = func() time.Time { return now } })
		g.seed(entry{Tokens: &tokens{Access: "a", Type: "Bearer", Issuer: good, Issued: now.Add(-time.Hour), Expiry: now.Add(c.left)}})
		for late, want := range map[bool]bool{false: c.fresh, true: c.otherwise} {
			if token, err := g.flow.Token(context.Background(), late); err != nil || (token != nil) != want {
				t.Errorf("%s, late %v: %v", name, late, err)
			}
		}
	}
}

// FuzzRetryAfter reads what a server may say of when to come again: it is no time in the past, and no longer one than
// counts.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "7", "1.5", "-1", "1e300", "NaN", "Inf", "0x10", "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "soon"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		wait, asked := retryAfter(http.Header{"Retry-After": {value}})
		if wait < 0 || wait > 2*longestPause || asked != (strings.TrimSpace(value) != "") {
			t.Errorf("%q: %v, %v", value, wait, asked)
		}
	})
}
