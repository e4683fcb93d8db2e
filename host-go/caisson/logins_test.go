package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authserver"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// A visitor is a person who logs in at once.
type visitor struct{ asked *int }

func (visitor) RedirectURL() string { return "http://127.0.0.1:3334/oauth/callback" }

func (v visitor) Ask(ctx context.Context, request auth.AskRequest) (string, error) {
	*v.asked++
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, request.URL, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(r)
	if err != nil {
		return "", err
	}
	response.Body.Close()
	return response.Header.Get("Location"), nil
}

func TestLogins(t *testing.T) {
	s := authserver.New(demoserver.Handler(false, true))
	t.Cleanup(s.Close)
	asked := 0
	store := auth.NewMemoryStore()
	withAsker := func(ask auth.Asker) *caisson.Client {
		t.Helper()
		return newClient(t, caisson.ClientOptions{Auth: &auth.OAuth{Common: auth.Common{Store: store}, Ask: ask}})
	}
	client := withAsker(visitor{&asked})
	server := caisson.Server{Name: "web", URL: s.URL() + "?not=this"}
	ctx := t.Context()

	if status, err := client.AuthStatus(ctx, server); err != nil || status != nil {
		t.Errorf("before the login: %+v, %v", status, err)
	}
	if out, err := client.Logout(ctx, server); err != nil || out != nil {
		t.Errorf("a logout without a login: %+v, %v", out, err)
	}
	var required *auth.RequiredError
	if _, err := withAsker(nil).AccessToken(ctx, server); !errors.Is(err, caisson.CodeAuthorizationRequired) || !errors.As(err, &required) {
		t.Errorf("with nobody to ask: %v", err)
	}
	token, err := client.AccessToken(ctx, server)
	if err != nil || token.Type != "Bearer" || asked != 1 || !slices.Equal(token.Scopes, []string{"read", "write"}) {
		t.Fatalf("the token is of the type %q, for %q, after asking %d times: %v", token.Type, token.Scopes, asked, err)
	}
	for _, shown := range []string{fmt.Sprint(*token), fmt.Sprintf("%v %+v %#v %s", token, *token, *token, token)} {
		if leaks, _ := s.Leaks(shown); len(leaks) > 0 {
			t.Errorf("a token shows itself: %s", shown)
		}
	}
	again, err := withAsker(nil).AccessToken(ctx, server)
	if err != nil || again.Value != token.Value {
		t.Errorf("another client gets another token: %v", err)
	}

	status, err := client.AuthStatus(ctx, server)
	if err != nil || status == nil {
		t.Fatalf("%+v, %v", status, err)
	}
	if status.Issuer != s.Issuer() || status.Server != s.URL() || status.Name != "web" || status.Method != "oauth" || status.ClientID != "client-registered" ||
		!status.Registered || !status.Refreshable || !status.Revocable || status.Expired || time.Until(status.Expiry) < 50*time.Minute {
		t.Errorf("the status is %+v", status)
	}
	all, err := client.AuthStatuses(ctx)
	if err != nil || len(all) != 1 || all[0].ClientID != status.ClientID {
		t.Errorf("all are %+v, %v", all, err)
	}
	if leaks, looked := s.Leaks(fmt.Sprintf("%+v %+v", status, all)); len(leaks) > 0 || looked == 0 {
		t.Errorf("of %d secrets the status has %q", looked, leaks)
	}

	// What something else keeps in the store is not a login.
	if err := store.Save(ctx, s.URL()+" settings", []byte("x")); err != nil {
		t.Fatal(err)
	}
	out, err := client.Logout(ctx, server)
	if err != nil || out == nil || out.Err != nil || !slices.Equal(out.Revoked, []string{"refresh_token", "access_token"}) {
		t.Errorf("the logout is %+v, %v", out, err)
	}
	if !slices.Equal(s.Revoked(), []string{"refresh_token", "access_token"}) {
		t.Errorf("revoked is %v", s.Revoked())
	}
	if all, err := client.AuthStatuses(ctx); err != nil || len(all) != 0 {
		t.Errorf("after the logout: %+v, %v", all, err)
	}
	if keys, err := store.Keys(ctx); err != nil || len(keys) != 1 {
		t.Errorf("the store has %q, %v", keys, err)
	}
}

// A token that has ended is refreshed where nobody can be asked, by the client that was registered for it.
func TestAccessTokenIsRefreshed(t *testing.T) {
	s := authserver.New(demoserver.Handler(false, true))
	t.Cleanup(s.Close)
	asked := 0
	store := auth.NewMemoryStore()
	token := func(ask auth.Asker) (*auth.Token, error) {
		client := newClient(t, caisson.ClientOptions{Auth: &auth.OAuth{Common: auth.Common{Store: store}, Ask: ask}})
		return client.AccessToken(t.Context(), caisson.Server{URL: s.URL()})
	}
	first, err := token(visitor{&asked})
	if err != nil {
		t.Fatal(err)
	}
	expireInStore(t, store)
	second, err := token(nil)
	if err != nil || second.Value == first.Value {
		t.Errorf("it is not refreshed: %v", err)
	}
	if s.Count("/register") != 1 || asked != 1 {
		t.Errorf("registered %d times, and asked %d times", s.Count("/register"), asked)
	}
}

// expireInStore has the tokens of a store end an hour ago.
func expireInStore(t *testing.T, store auth.Store) {
	t.Helper()
	keys, err := store.Keys(t.Context())
	if err != nil || len(keys) == 0 {
		t.Fatal(keys, err)
	}
	for _, key := range keys {
		text, err := store.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		var entry map[string]any
		if err := json.Unmarshal(text, &entry); err != nil {
			t.Fatal(err)
		}
		entry["tokens"].(map[string]any)["expiry"] = time.Now().Add(-time.Hour)
		if text, err = json.Marshal(entry); err == nil {
			err = store.Save(t.Context(), key, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A server without metadata has its endpoints at the default places (2025-03-26, "Fallbacks for Servers without
// Metadata Discovery").
func TestLoginWithoutMetadata(t *testing.T) {
	s := authserver.New(demoserver.Handler(false, true))
	t.Cleanup(s.Close)
	s.NoMetadata = true
	asked := 0
	client := newClient(t, caisson.ClientOptions{Auth: &auth.OAuth{Ask: visitor{&asked}}})
	server := caisson.Server{URL: s.URL()}
	if _, err := client.AccessToken(t.Context(), server); err != nil || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	if out, err := client.Logout(t.Context(), server); err != nil || out == nil || out.Err != nil || out.Revoked != nil || out.Revocable {
		t.Errorf("%+v, %v", out, err)
	}
}

// A server that asks for nothing gives no token.
func TestAccessTokenUnasked(t *testing.T) {
	server := httptest.NewServer(demoserver.Handler(false, true))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	asked := 0
	client := newClient(t, caisson.ClientOptions{Auth: &auth.OAuth{Ask: visitor{&asked}}})
	if _, err := client.AccessToken(t.Context(), caisson.Server{URL: server.URL}); !errors.Is(err, caisson.CodeAuthorizationRequired) || asked != 0 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// The entry of another client, and of a server that is away, is removed too.
func TestLogoutOfAll(t *testing.T) {
	s := authserver.New(demoserver.Handler(false, true))
	t.Cleanup(s.Close)
	s.ClientID, s.ClientSecret = "mine", s.NewSecret("client-secret")
	store := auth.NewMemoryStore()
	asked := 0
	login := func(method auth.Method) *caisson.Client {
		t.Helper()
		client := newClient(t, caisson.ClientOptions{Auth: method})
		if _, err := client.AccessToken(t.Context(), caisson.Server{URL: s.URL()}); err != nil {
			t.Fatal(err)
		}
		return client
	}
	common := auth.Common{Store: store}
	login(&auth.OAuth{Common: common, ClientID: "mine", ClientSecret: s.ClientSecret, Ask: visitor{&asked}})
	common.Principal = "other"
	client := login(&auth.ClientCredentials{Common: common, ClientID: "mine", ClientSecret: s.ClientSecret})
	all, err := client.AuthStatuses(t.Context())
	if err != nil || len(all) != 2 || all[0].Method != "client-credentials" || all[0].Principal != "other" || !all[0].Refreshable || all[1].ClientID != "mine" {
		t.Fatalf("the store has %+v, %v", all, err)
	}
	out, err := client.LogoutAll(t.Context(), caisson.Server{URL: s.URL()})
	if err != nil || len(out) != 2 || out[0].Err != nil || out[1].Err != nil {
		t.Fatalf("%+v, %v", out, err)
	}
	if got := s.Revoked(); !slices.Equal(got, []string{"access_token", "refresh_token", "access_token"}) {
		t.Errorf("revoked is %v", got)
	}

	login(&auth.OAuth{Common: common, ClientID: "mine", ClientSecret: s.ClientSecret, Ask: visitor{&asked}})
	s.Close()
	out, err = client.LogoutAll(t.Context(), caisson.Server{URL: s.URL()})
	if err != nil || len(out) != 1 || out[0].Err == nil || len(out[0].Revoked) != 0 {
		t.Errorf("without a server: %+v, %v", out, err)
	}
	if leaks, _ := s.Leaks(fmt.Sprint(out[0].Err)); len(leaks) > 0 {
		t.Errorf("the error has %q in it", leaks)
	}
	if all, err := client.AuthStatuses(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("the store has %+v, %v", all, err)
	}
}

// A logout is of the server's own way to authorize, client and user, and of no other at its address.
func TestLogoutOfOne(t *testing.T) {
	s := authserver.New(demoserver.Handler(false, true))
	t.Cleanup(s.Close)
	asked := 0
	store := auth.NewMemoryStore()
	client := newClient(t, caisson.ClientOptions{})
	as := func(principal string) caisson.Server {
		return caisson.Server{URL: s.URL(), Auth: &auth.OAuth{Common: auth.Common{Store: store, Principal: principal}, Ask: visitor{&asked}}}
	}
	for _, who := range []string{"", "bob", "eve"} {
		if _, err := client.AccessToken(t.Context(), as(who)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := client.Logout(t.Context(), as("bob")); err != nil || out == nil || out.Principal != "bob" || len(out.Revoked) != 2 {
		t.Errorf("the logout is %+v, %v", out, err)
	}
	for who, in := range map[string]bool{"": true, "bob": false, "eve": true} {
		if status, err := client.AuthStatus(t.Context(), as(who)); err != nil || (status != nil) != in {
			t.Errorf("afterwards %q has %+v, %v", who, status, err)
		}
	}
	if out, err := client.LogoutAll(t.Context(), as("bob")); err != nil || len(out) != 2 {
		t.Errorf("all are %+v, %v", out, err)
	}
}

// What has no login says so.
func TestLoginsOfOthers(t *testing.T) {
	client := newClient(t, caisson.ClientOptions{})
	for name, server := range map[string]caisson.Server{
		"no way":   {URL: "https://mcp.example.com/"},
		"a header": {URL: "https://mcp.example.com/", Headers: http.Header{"authorization": {"x"}}},
		"command":  {Command: "x"},
		"nothing":  {},
	} {
		for step, call := range map[string]func() error{
			"auth status": func() error { _, err := client.AuthStatus(t.Context(), server); return err },
			"auth token":  func() error { _, err := client.AccessToken(t.Context(), server); return err },
			"auth logout": func() error { _, err := client.Logout(t.Context(), server); return err },
		} {
			var typed *caisson.Error
			if err := call(); !errors.As(err, &typed) || typed.Code != caisson.CodeInvalidArgument || typed.Step != step {
				t.Errorf("%s, %s: %v", name, step, err)
			}
		}
	}
	bearer := caisson.Server{URL: "https://mcp.example.com/", Auth: &auth.Bearer{Token: "mine"}}
	if token, err := client.AccessToken(t.Context(), bearer); err != nil || token.Value != "mine" {
		t.Errorf("%v, %v", token, err)
	}
	if _, err := new(caisson.Client).AuthStatuses(t.Context()); !errors.Is(err, caisson.CodeInvalidArgument) {
		t.Errorf("the zero client: %v", err)
	}
}

// Closing a session begins no login, and registers no client, whatever is there no more.
func TestCloseAfterLogout(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/mcp", "/sse"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			a, who := newAuthorities(t, nil), &person{}
			c := clientOf(t, a, caisson.ClientOptions{Auth: &auth.OAuth{Ask: who}})
			server := caisson.Server{URL: a.resource.URL + path}
			if path == "/sse" {
				server.Type = caisson.TransportSSE
			}
			s := connect(t, c, server)
			if _, err := c.Logout(t.Context(), server); err != nil {
				t.Fatal(err)
			}
			a.revoke()
			before := a.counted("register") + a.counted("metadata")
			_ = s.Close()
			if n := a.counted("register") + a.counted("metadata") - before; n != 0 || who.times() != 1 {
				t.Errorf("the authorization server was asked %d times, and a person %d times", n, who.times())
			}
			if status, err := c.AuthStatus(t.Context(), server); err != nil || status != nil {
				t.Errorf("after the logout: %+v, %v", status, err)
			}
		})
	}
}

// A program that gives no token is at fault, and no store is.
func TestTokenOfNoSource(t *testing.T) {
	t.Parallel()
	gone := errors.New("the command is gone")
	server := caisson.Server{URL: "https://mcp.example.com/", Auth: &auth.Bearer{Source: func(context.Context) (string, error) { return "", gone }}}
	_, err := newClient(t, caisson.ClientOptions{}).AccessToken(t.Context(), server)
	if codeOf(err) != caisson.CodeAuthorizationRequired || !errors.Is(err, gone) || strings.Contains(err.Error(), "store") || !strings.Contains(err.Error(), "auth.Bearer.Source") {
		t.Errorf("the error is %v", err)
	}
}

// A token that has ended is given to nobody, also where the server takes whoever connects.
func TestAccessTokenEnded(t *testing.T) {
	t.Parallel()
	a := newAuthorities(t, func(a *authorities) { a.unrefreshed = true })
	store := auth.NewMemoryStore()
	c := clientOf(t, a, caisson.ClientOptions{Auth: &auth.OAuth{Ask: &person{}, Common: auth.Common{Store: store}}})
	server := guarded(a, nil)
	token, err := c.AccessToken(testContext(t), server)
	if err != nil {
		t.Fatal(err)
	}
	a.clock.advance(2 * time.Hour)
	a.mu.Lock()
	for value, has := range a.access { // It takes the token all the same.
		has.expiry = a.clock.Now().Add(time.Hour)
		a.access[value] = has
	}
	a.mu.Unlock()
	if again, err := c.AccessToken(testContext(t), server); codeOf(err) != caisson.CodeAuthorizationRequired || !strings.Contains(err.Error(), "log in anew") {
		t.Errorf("a token is given that has ended: %v, %v", again != nil && again.Value == token.Value, err)
	}
}
