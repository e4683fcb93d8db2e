package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
)

// clientOf makes a client on the clock of the authorities.
func clientOf(t testing.TB, a *authorities, options caisson.ClientOptions) *caisson.Client {
	t.Helper()
	c := newClient(t, options)
	c.Configure(func(config *authorization.Config) { config.Now = a.clock.Now })
	return c
}

// guarded is the server of the authorities.
func guarded(a *authorities, method auth.Method) caisson.Server {
	return caisson.Server{Name: "guarded", URL: a.resource.URL + "/mcp", Auth: method}
}

// echoOnce calls the echo tool, for an effect of that name.
func echoOnce(t testing.TB, s *caisson.Session, id string) error {
	t.Helper()
	_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"id": id}})
	return err
}

// codeOf is the code of an error of the package.
func codeOf(err error) caisson.Code {
	var e *caisson.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return caisson.CodeUnknown
}

// TestManyCallsAtTheEndOfAToken has 64 calls under way when the token ends, or is taken back: there is one
// refresh, the token is in the store before the server sees it, and every call has its effect once.
func TestManyCallsAtTheEndOfAToken(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*authorities){
		"ended":   func(a *authorities) { a.clock.advance(time.Hour) },
		"revoked": (*authorities).revoke,
	} {
		for _, path := range []string{"/mcp", "/sse"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				store := auth.NewMemoryStore()
				a := newAuthorities(t, func(a *authorities) {
					a.rotates = true
					a.fault = func(endpoint string, _ http.ResponseWriter, r *http.Request) bool {
						_, given, ok := strings.Cut(r.Header.Get("Authorization"), " ")
						if endpoint != "mcp" || !ok {
							return false
						}
						keys, _ := store.Keys(r.Context())
						entry, _ := store.Load(r.Context(), strings.Join(keys, ""))
						a.mu.Lock()
						defer a.mu.Unlock()
						if _, good := a.access[given]; good && !strings.Contains(string(entry), given) {
							t.Error("a token is used that is not kept")
						}
						return false
					}
				})
				who, events := &person{}, &steps{}
				server := guarded(a, &auth.OAuth{Common: auth.Common{Store: store, OnEvent: events.hear}, Ask: who})
				server.URL = a.resource.URL + path
				if path == "/sse" {
					server.Type = caisson.TransportSSE
				}
				s := connect(t, clientOf(t, a, caisson.ClientOptions{}), server)
				for round := range 3 {
					end(a)
					var all sync.WaitGroup
					for i := range inFlight {
						all.Go(func() {
							if err := echoOnce(t, s, fmt.Sprint(round, "-", i)); err != nil {
								t.Error(err)
							}
						})
					}
					all.Wait()
					if n := a.counted("token:refresh_token"); n != round+1 {
						t.Errorf("%d refreshes in %d rounds", n, round+1)
					}
				}
				var ids []string
				for round := range 3 {
					for i := range inFlight {
						ids = append(ids, fmt.Sprint(round, "-", i))
					}
				}
				a.hadEffect(t, ids...)
				if who.times() != 1 {
					t.Errorf("a person was asked %d times", who.times())
				}
				if want := "discovered registered asked granted"; !strings.HasPrefix(events.kinds(), want) {
					t.Errorf("the steps are %q, want %q first", events.kinds(), want)
				}
			})
		}
	}
}

// A brokenStore does not keep what is saved.
type brokenStore struct {
	auth.Store
	broken atomic.Bool
}

var errFull = errors.New("the disk is full")

func (s *brokenStore) Save(ctx context.Context, key string, entry []byte) error {
	if s.broken.Load() {
		return errFull
	}
	return s.Store.Save(ctx, key, entry)
}

// TestTokenThatIsNotKept has a store keep nothing for a time: a token that was got is used all the same, by all
// sessions of the client, since it may have replaced one that is good for nothing any more; that is said, and the
// store gets the token when it keeps it again.
func TestTokenThatIsNotKept(t *testing.T) {
	t.Parallel()
	a := newAuthorities(t, func(a *authorities) { a.rotates = true })
	store, events, who := &brokenStore{Store: auth.NewMemoryStore()}, &steps{}, &person{}
	said := &safeBuffer{}
	c := clientOf(t, a, caisson.ClientOptions{
		Auth:   &auth.OAuth{Common: auth.Common{Store: store, OnEvent: events.hear}, Ask: who},
		Logger: slog.New(slog.NewTextHandler(said, nil)),
	})
	s := connect(t, c, guarded(a, nil))
	store.broken.Store(true)
	a.clock.advance(time.Hour)
	if err := echoOnce(t, s, "unsaved"); err != nil {
		t.Fatal(err)
	}
	if err := echoOnce(t, connect(t, c, guarded(a, nil)), "other session"); err != nil {
		t.Error(err)
	}
	unsaved := slices.IndexFunc(events.all(), func(e auth.Event) bool { return e.Kind == auth.EventUnsaved })
	if unsaved < 0 || !errors.Is(events.all()[unsaved].Err, errFull) {
		t.Errorf("the steps are %s", events.kinds())
	}
	store.broken.Store(false)
	a.clock.advance(time.Minute) // A store that has failed is left alone for a while.
	if err := echoOnce(t, s, "saved"); err != nil {
		t.Error(err)
	}
	if n := a.counted("token:refresh_token"); n != 1 || who.times() != 1 {
		t.Errorf("%d refreshes, and a person was asked %d times", n, who.times())
	}
	kept := func() bool {
		keys, _ := store.Keys(t.Context())
		entry, _ := store.Load(t.Context(), strings.Join(keys, ""))
		a.mu.Lock()
		defer a.mu.Unlock()
		for token := range a.access {
			text, _ := json.Marshal(token)
			if a.access[token].expiry.After(a.clock.Now()) && strings.Contains(string(entry), string(text)) {
				return true
			}
		}
		return false
	}
	if !eventually(kept) {
		t.Error("the store does not get the token")
	}
	next := connect(t, clientOf(t, a, caisson.ClientOptions{}), guarded(a, &auth.OAuth{Common: auth.Common{Store: store}}))
	if err := echoOnce(t, next, "another process"); err != nil {
		t.Error(err)
	}
	a.hadEffect(t, "unsaved", "other session", "saved", "another process")
	if strings.Contains(string(said.bytes()), mark) || !strings.Contains(string(said.bytes()), errFull.Error()) {
		t.Errorf("the log has %s", string(said.bytes()))
	}
}

// unavailable is a fault of an endpoint for as long as it lasts.
func unavailable(endpoint string, answer func(http.ResponseWriter), lasts *atomic.Bool) func(string, http.ResponseWriter, *http.Request) bool {
	return func(at string, w http.ResponseWriter, _ *http.Request) bool {
		if at != endpoint || !lasts.Load() {
			return false
		}
		answer(w)
		return true
	}
}

// cut breaks a response off.
func cut(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"access_token":`)
	panic(http.ErrAbortHandler)
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<html>sorry</html>")
	}
}

// TestRefreshThatFails shows that a person is asked where a refresh is refused for good, and nobody where the
// authorization server cannot answer: then the call fails, typed, and the next one goes on.
func TestRefreshThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		code   caisson.Code // 0 where a person is asked
		tries  int
	}{
		"refused":     {func(w http.ResponseWriter) { answerJSON(w, 400, map[string]any{"error": "invalid_grant"}) }, 0, 1},
		"unavailable": {status(503), caisson.CodeHTTP, 1},
		"put off":     {status(503, "Retry-After", "0"), caisson.CodeHTTP, 1},
		"busy":        {status(429, "Retry-After", "3600"), caisson.CodeHTTP, 1},
		"failing":     {status(500), caisson.CodeHTTP, 1},
		"cut":         {cut, caisson.CodeTransport, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lasts, who := &atomic.Bool{}, &person{}
			a := newAuthorities(t, func(a *authorities) { a.fault = unavailable("token:refresh_token", c.answer, lasts) })
			s := connect(t, clientOf(t, a, caisson.ClientOptions{Limits: caisson.Limits{RetryBudget: 400 * time.Millisecond}}), guarded(a, &auth.OAuth{Ask: who}))
			a.clock.advance(time.Hour)
			lasts.Store(true)
			err := echoOnce(t, s, "first")
			if n := a.counted("token:refresh_token"); n < c.tries || c.code == 0 && n > c.tries {
				t.Errorf("a refresh was tried %d times, want %d", n, c.tries)
			}
			if c.code == 0 {
				if err != nil || who.times() != 2 {
					t.Errorf("the call gives %v, and a person was asked %d times", err, who.times())
				}
				return
			}
			if codeOf(err) != c.code || who.times() != 1 {
				t.Errorf("the call gives %v with %v, and a person was asked %d times", err, codeOf(err), who.times())
			}
			lasts.Store(false)
			if err := echoOnce(t, s, "second"); err != nil || who.times() != 1 {
				t.Errorf("the next call gives %v, and a person was asked %d times", err, who.times())
			}
			a.hadEffect(t, "second")
		})
	}
}

// TestOneLogin shows that sessions and a group share a login, a refresh and a step up.
func TestOneLogin(t *testing.T) {
	t.Parallel()
	a, who := newAuthorities(t, func(a *authorities) { a.rotates = true }), &person{}
	c := clientOf(t, a, caisson.ClientOptions{Auth: &auth.OAuth{Ask: who}})
	sessions := make([]*caisson.Session, 6)
	each := func(do func(i int) error) {
		t.Helper()
		var all sync.WaitGroup
		for i := range sessions {
			all.Go(func() {
				if err := do(i); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	each(func(i int) (err error) {
		sessions[i], err = c.Connect(testContext(t), caisson.Server{Name: fmt.Sprint("s", i), URL: a.resource.URL + "/mcp"})
		return err
	})
	if who.times() != 1 || a.counted("register") != 1 {
		t.Fatalf("a person was asked %d times, and the client registered %d times", who.times(), a.counted("register"))
	}
	for _, s := range sessions {
		defer s.Close()
	}
	a.clock.advance(time.Hour)
	each(func(i int) error { return echoOnce(t, sessions[i], fmt.Sprint("call", i)) })
	if n := a.counted("token:refresh_token"); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	each(func(i int) error {
		_, err := sessions[i].CallTool(testContext(t), &mcp.CallToolParams{Name: "write", Arguments: map[string]any{"id": fmt.Sprint("write", i)}})
		return err
	})
	if who.times() != 2 {
		t.Errorf("a person was asked %d times, once of them for more", who.times())
	}
	g, err := c.ConnectGroup(testContext(t), caisson.ServerMap{"a": {URL: a.resource.URL + "/mcp"}, "b": {URL: a.resource.URL + "/mcp"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if who.times() != 2 {
		t.Errorf("for a group a person was asked %d times more", who.times()-2)
	}
}

// TestAuthorizationServerChanges shows that nothing of one authorization server goes to the next.
//
// requirement: authorization.registrations-apart
func TestAuthorizationServerChanges(t *testing.T) {
	t.Parallel()
	other := newAuthorities(t, nil)
	moved := &atomic.Bool{}
	a := newAuthorities(t, func(a *authorities) {
		a.editResource = func(about map[string]any) {
			if moved.Load() {
				about["authorization_servers"] = []any{other.issuer.URL}
			}
		}
	})
	other.fault = func(endpoint string, _ http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		a.mu.Lock()
		defer a.mu.Unlock()
		for secret := range a.refresh {
			if strings.Contains(string(body), strings.SplitN(secret, "~", 2)[0]) && strings.Contains(string(body), secret[len(secret)-20:]) {
				t.Errorf("the %s endpoint of the other server gets the refresh token", endpoint)
			}
		}
		for id := range a.clients {
			if strings.Contains(string(body)+r.Header.Get("Authorization"), id) {
				t.Errorf("the %s endpoint of the other server gets the client", endpoint)
			}
		}
		return false
	}
	who := &person{}
	s := connect(t, clientOf(t, a, caisson.ClientOptions{}), guarded(a, &auth.OAuth{Ask: who}))
	moved.Store(true)
	a.revoke()
	// The server takes no token of the other one: what matters is where the client went.
	err := echoOnce(t, s, "moved")
	if codeOf(err) != caisson.CodeAuthorizationRequired {
		t.Errorf("the call gives %v", err)
	}
	if other.counted("register") != 1 || other.counted("token:authorization_code") == 0 || other.counted("token:refresh_token") != 0 {
		t.Errorf("the other server has seen %v", other.counts)
	}
}

// TestConfiguredClientStays shows that a configured client's secret goes to no other issuer than at first.
func TestConfiguredClientStays(t *testing.T) {
	t.Parallel()
	other := newAuthorities(t, nil)
	moved := &atomic.Bool{}
	a := newAuthorities(t, func(a *authorities) {
		a.editResource = func(about map[string]any) {
			if moved.Load() {
				about["authorization_servers"] = []any{other.issuer.URL}
			}
		}
	})
	s := connect(t, clientOf(t, a, caisson.ClientOptions{}), guarded(a, &auth.ClientCredentials{ClientID: "mine", ClientSecret: a.known("mine")}))
	moved.Store(true)
	a.revoke()
	if err := echoOnce(t, s, "moved"); codeOf(err) != caisson.CodeAuthorizationRequired {
		t.Errorf("the call gives %v", err)
	}
	if n := other.counted("token"); n != 0 {
		t.Errorf("the other server's token endpoint was asked %d times", n)
	}
}

// TestUnknownClient shows that a client that the authorization server has forgotten registers anew, once.
func TestUnknownClient(t *testing.T) {
	t.Parallel()
	for name, forgets := range map[string]bool{"once": false, "always": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var unknown atomic.Bool
			who := &person{}
			a := newAuthorities(t, func(a *authorities) {
				a.fault = func(endpoint string, w http.ResponseWriter, _ *http.Request) bool {
					if endpoint != "token" || !unknown.Load() {
						return false
					}
					answerJSON(w, 401, map[string]any{"error": "invalid_client", "error_description": "who?"})
					return true
				}
			})
			s := connect(t, clientOf(t, a, caisson.ClientOptions{}), guarded(a, &auth.OAuth{Ask: who}))
			forget := func() {
				a.mu.Lock()
				defer a.mu.Unlock()
				clear(a.clients)
			}
			forget()
			unknown.Store(forgets)
			a.clock.advance(time.Hour)
			err := echoOnce(t, s, "again")
			if registered := a.counted("register"); registered != 2 {
				t.Errorf("the client registered %d times", registered)
			}
			var refused *auth.RefusedError
			switch {
			case !forgets && (err != nil || who.times() != 2):
				t.Errorf("the call gives %v, and a person was asked %d times", err, who.times())
			case forgets && (codeOf(err) != caisson.CodeAuthorizationRequired || !errors.As(err, &refused) || refused.Code != "invalid_client"):
				t.Errorf("the call gives %v", err)
			}
		})
	}
}

// TestOddTokens has token endpoints say odd things of a token.
func TestOddTokens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		life    any
		kind    string
		refused string
		ends    bool // after an hour
	}{
		"no expiry":       {life: nil},
		"text":            {life: "3600", ends: true},
		"text that is no": {life: "soon"},
		"negative":        {life: -5.0},
		"zero":            {life: 0.0},
		"huge":            {life: 1e300},
		"large":           {life: 1e17},
		"a fraction":      {life: 3599.5, ends: true},
		"an object":       {life: map[string]any{"seconds": 1}},
		"small letters":   {life: 3600, kind: "bearer", ends: true},
		"another type":    {life: 3600, kind: "mac", refused: `the type "mac"`},
		"no type":         {life: 3600, kind: "-", refused: "the type"},
		"unasked proof":   {life: 3600, kind: "DPoP", refused: `the type "DPoP"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthorities(t, func(a *authorities) {
				if a.life = c.life; c.kind != "" {
					a.kind = strings.TrimPrefix(c.kind, "-")
				}
			})
			s, err := clientOf(t, a, caisson.ClientOptions{}).Connect(testContext(t), guarded(a, &auth.OAuth{Ask: &person{}}))
			if c.refused != "" {
				if codeOf(err) != caisson.CodeAuthorizationRequired || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("connect gives %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			a.clock.advance(59*time.Minute + 45*time.Second)
			if err := echoOnce(t, s, "later"); err != nil {
				t.Error(err)
			}
			if n := a.counted("token:refresh_token"); (n == 1) != c.ends {
				t.Errorf("the token was refreshed %d times", n)
			}
		})
	}
}

// TestScopes shows which scopes are asked for.
//
// requirement: authorization.scopes
func TestScopes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wanted []string
		asked  string
		beyond string // refused, when the tool wants more
	}{
		"whatever the server says": {nil, "", ""},
		"fewer":                    {[]string{"read"}, "read", "write"},
		"enough":                   {[]string{"read", "write"}, "read write", ""},
		"and offline":              {[]string{"write", "offline_access"}, "write offline_access", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, who := newAuthorities(t, func(a *authorities) { a.offline = true }), &person{}
			s := connect(t, clientOf(t, a, caisson.ClientOptions{}), guarded(a, &auth.OAuth{Common: auth.Common{Scopes: c.wanted}, Ask: who}))
			if got := strings.Join(who.asked[0].Scopes, " "); got != c.asked {
				t.Errorf("the scopes %q are asked for, want %q", got, c.asked)
			}
			_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "write", Arguments: map[string]any{"id": "w"}})
			var scope *auth.ScopeError
			switch {
			case c.beyond == "" && err != nil:
				t.Error(err)
			case c.beyond != "" && (codeOf(err) != caisson.CodeAuthorizationRequired || !errors.As(err, &scope) || strings.Join(scope.Scopes, " ") != c.beyond):
				t.Errorf("the call gives %v", err)
			}
		})
	}
}

// slowly is a person who logs in when they are let.
func slowly() (who *person, let chan struct{}, asked chan struct{}) {
	let, asked = make(chan struct{}), make(chan struct{}, 64)
	return &person{between: func(_ context.Context, callback string) (string, error) {
		asked <- struct{}{}
		<-let // It does not look at its context.
		return callback, nil
	}}, let, asked
}

// TestLoginTakesItsTime ends what waits for a person, and shows that the time for connecting does not run
// meanwhile.
func TestLoginTakesItsTime(t *testing.T) {
	t.Parallel()
	t.Run("longer than the time for connecting", func(t *testing.T) {
		t.Parallel()
		a := newAuthorities(t, nil)
		who, let, asked := slowly()
		c := clientOf(t, a, caisson.ClientOptions{Limits: caisson.Limits{ConnectTimeout: 2 * time.Second}})
		done := make(chan error, 1)
		go func() {
			s, err := c.Connect(testContext(t), guarded(a, &auth.OAuth{Ask: who}))
			if err == nil {
				_ = s.Close()
			}
			done <- err
		}()
		<-asked
		select {
		case err := <-done:
			t.Fatalf("connect gives %v", err)
		case <-time.After(3 * time.Second):
		}
		close(let)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("the context ends", func(t *testing.T) {
		t.Parallel()
		a := newAuthorities(t, nil)
		who, let, asked := slowly()
		defer close(let)
		ctx, cancel := context.WithCancel(testContext(t))
		go func() { <-asked; cancel() }()
		if _, err := clientOf(t, a, caisson.ClientOptions{}).Connect(ctx, guarded(a, &auth.OAuth{Ask: who})); !errors.Is(err, context.Canceled) {
			t.Errorf("connect gives %v", err)
		}
	})
	t.Run("the session is closed", func(t *testing.T) {
		t.Parallel()
		a := newAuthorities(t, nil)
		quick := &atomic.Bool{}
		who, let, asked := slowly()
		wait := who.between
		who.between = func(ctx context.Context, callback string) (string, error) {
			if quick.CompareAndSwap(false, true) {
				return callback, nil
			}
			return wait(ctx, callback)
		}
		defer close(let)
		c := clientOf(t, a, caisson.ClientOptions{Auth: &auth.OAuth{Ask: who}})
		s := connect(t, c, guarded(a, nil))
		a.mu.Lock()
		clear(a.refresh)
		a.mu.Unlock()
		a.revoke()
		failed := make(chan error, 1)
		go func() { failed <- echoOnce(t, s, "never") }()
		<-asked
		_ = s.Close()
		if err := <-failed; codeOf(err) != caisson.CodeClosed {
			t.Errorf("the call gives %v", err)
		}
		a.hadEffect(t)
		// The turn was given back: another session logs in.
		who.mu.Lock()
		who.between = nil
		who.mu.Unlock()
		if err := echoOnce(t, connect(t, c, guarded(a, nil)), "next"); err != nil {
			t.Error(err)
		}
	})
}

// TestNobodyToAsk shows what a 401 is without a way to authorize, and without anybody to ask: nothing is left behind
// at the authorization server, and the error says what is wanted.
func TestNobodyToAsk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method     auth.Method
		set        func(*authorities)
		discovered bool
	}{
		"nothing configured": {nil, nil, false},
		"nobody":             {&auth.OAuth{}, nil, true},
		"no display":         {&auth.OAuth{Ask: &auth.Browser{NoBrowser: true}}, nil, true},
		"a device that the authorization server has not": {&auth.OAuth{Device: func(context.Context, auth.DeviceCode) {}}, nil, true},
		"a client that is named by a URL": {
			&auth.OAuth{ClientMetadataURL: "https://client.example/metadata.json"}, func(a *authorities) { a.cimd = true }, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthorities(t, func(a *authorities) {
				a.wants = "read write"
				if c.set != nil {
					c.set(a)
				}
			})
			_, err := clientOf(t, a, caisson.ClientOptions{}).Connect(testContext(t), guarded(a, c.method))
			var required *auth.RequiredError
			if codeOf(err) != caisson.CodeAuthorizationRequired || !errors.As(err, &required) {
				t.Fatalf("connect gives %v", err)
			}
			if required.URL != "" || required.Server != "guarded" || strings.Join(required.Scopes, " ") != "read write" {
				t.Errorf("it says %+v", required)
			}
			want := auth.RequiredError{ResourceMetadata: a.resource.URL + "/.well-known/oauth-protected-resource/mcp"}
			if c.discovered {
				want.Issuer, want.Resource = a.issuer.URL, a.resource.URL+"/mcp"
			}
			if required.Issuer != want.Issuer || required.Resource != want.Resource || required.ResourceMetadata != want.ResourceMetadata {
				t.Errorf("it says %+v, want %+v", required, want)
			}
			if text := err.Error(); !strings.Contains(text, "set ") && !strings.Contains(text, "Server.Auth") {
				t.Errorf("the error says no remedy: %v", err)
			}
			if n := a.counted("register") + a.counted("token") + a.counted("device"); n != 0 {
				t.Errorf("the authorization server was asked %d times", n)
			}
		})
	}
}

// A transportOf is a function as an http.RoundTripper.
type transportOf func(*http.Request) (*http.Response, error)

func (f transportOf) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTransportGivesNothing shows that a transport of the program's that gives neither a response nor an error
// fails a session with a login, and ends nothing else.
func TestTransportGivesNothing(t *testing.T) {
	t.Parallel()
	server := caisson.Server{
		URL: "https://server.example/mcp", Auth: &auth.Bearer{Token: "the-token-of-the-program"},
		HTTPTransport: transportOf(func(*http.Request) (*http.Response, error) { return nil, nil }),
	}
	_, err := newClient(t, caisson.ClientOptions{}).Connect(testContext(t), server)
	if codeOf(err) != caisson.CodeTransport || !strings.Contains(err.Error(), "neither a response nor an error") {
		t.Errorf("connect gives %v", err)
	}
}

// TestBearerSource shows that the program is asked for a token once, however many calls there are, and once
// more when the server refuses it.
func TestBearerSource(t *testing.T) {
	t.Parallel()
	a := newAuthorities(t, nil)
	asked := &atomic.Int64{}
	method := bearer(a, true)
	source := method.Source
	method.Source = func(ctx context.Context) (string, error) {
		asked.Add(1)
		return source(ctx)
	}
	s := connect(t, clientOf(t, a, caisson.ClientOptions{}), guarded(a, method))
	for round := range 3 {
		var all sync.WaitGroup
		for i := range inFlight {
			all.Go(func() {
				if err := echoOnce(t, s, fmt.Sprint(round, i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n != int64(round+1) {
			t.Errorf("the program was asked %d times in %d rounds", n, round+1)
		}
		a.revoke()
	}
	wrong := errors.New("no keyring")
	method.Source = func(context.Context) (string, error) { return "", wrong }
	if err := echoOnce(t, s, "last"); codeOf(err) != caisson.CodeAuthorizationRequired || !errors.Is(err, wrong) {
		t.Errorf("without a token the call gives %v", err)
	}
}

// TestRefreshOutlivesItsSession closes a session while its token is refreshed: the token that replaces the
// last one is kept, and the next session has it.
func TestRefreshOutlivesItsSession(t *testing.T) {
	t.Parallel()
	asked, let := make(chan struct{}), make(chan struct{})
	a := newAuthorities(t, func(a *authorities) {
		a.rotates = true
		a.fault = func(endpoint string, _ http.ResponseWriter, _ *http.Request) bool {
			if endpoint == "token:refresh_token" {
				close(asked)
				<-let
			}
			return false
		}
	})
	who := &person{}
	c := clientOf(t, a, caisson.ClientOptions{Auth: &auth.OAuth{Ask: who}})
	s := connect(t, c, guarded(a, nil))
	a.clock.advance(time.Hour)
	failed := make(chan error, 1)
	go func() { failed <- echoOnce(t, s, "never") }()
	<-asked
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = s.Close()
	}()
	if err := <-failed; codeOf(err) != caisson.CodeClosed {
		t.Errorf("the call gives %v", err)
	}
	close(let)
	<-closed
	if err := echoOnce(t, connect(t, c, guarded(a, nil)), "next"); err != nil {
		t.Error(err)
	}
	if n := a.counted("token:refresh_token"); n != 1 || who.times() != 1 {
		t.Errorf("%d refreshes, and a person was asked %d times", n, who.times())
	}
	a.hadEffect(t, "next")
}

// TestSlowProgramHoldsNothingUp has the program take its time to give a token: the session can be closed.
func TestSlowProgramHoldsNothingUp(t *testing.T) {
	t.Parallel()
	let, asked := make(chan struct{}), make(chan struct{}, 1)
	defer close(let)
	slow := func(context.Context) (string, error) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-let // It does not look at its context.
		return "", errors.New("too late")
	}
	for name, method := range map[string]func(a *authorities) auth.Method{
		"bearer":   func(*authorities) auth.Method { return &auth.Bearer{Source: slow} },
		"workload": func(a *authorities) auth.Method { return &auth.WorkloadIdentity{Assertion: slow} },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthorities(t, nil)
			ctx, cancel := context.WithCancel(testContext(t))
			go func() { <-asked; cancel() }()
			c := clientOf(t, a, caisson.ClientOptions{})
			if _, err := c.Connect(ctx, guarded(a, method(a))); !errors.Is(err, context.Canceled) {
				t.Errorf("connect gives %v", err)
			}
			if err := c.Close(); err != nil { // It waits for the session.
				t.Error(err)
			}
		})
	}
}

// TestGoodbyeAsksNobody closes a session whose token is worth nothing any more: no person is asked to log in
// for that.
func TestGoodbyeAsksNobody(t *testing.T) {
	t.Parallel()
	a, who := newAuthorities(t, nil), &person{}
	s := connect(t, clientOf(t, a, caisson.ClientOptions{}), guarded(a, &auth.OAuth{Ask: who}))
	a.mu.Lock()
	clear(a.refresh)
	a.mu.Unlock()
	a.revoke()
	_ = s.Close()
	if who.times() != 1 {
		t.Errorf("a person was asked %d times", who.times())
	}
}
