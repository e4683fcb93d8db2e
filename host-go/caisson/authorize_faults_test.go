package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
)

// faults are what an endpoint may answer instead of what it should.
func faults() map[string]func(http.ResponseWriter, *http.Request) {
	plain := func(answer func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { answer(w) }
	}
	return map[string]func(http.ResponseWriter, *http.Request){
		"silent": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // So that the end of the connection is noticed.
			<-r.Context().Done()
		},
		"trickling": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
		"cut":    plain(cut),
		"html":   plain(func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>hello</html>") }),
		"empty":  plain(func(w http.ResponseWriter) { w.WriteHeader(200) }),
		"null":   plain(func(w http.ResponseWriter) { answerJSON(w, 200, nil) }),
		"a list": plain(func(w http.ResponseWriter) { answerJSON(w, 200, []any{1}) }),
		"odd members": plain(func(w http.ResponseWriter) {
			answerJSON(w, 200, map[string]any{"access_token": 1, "client_id": []any{}, "issuer": false, "authorization_servers": "x"})
		}),
		"500":                  plain(status(500)),
		"503":                  plain(status(503, "Retry-After", "1")),
		"429":                  plain(status(429, "Retry-After", "3600")),
		"redirected elsewhere": plain(status(302, "Location", "https://elsewhere.example/")),
		"redirected in circles": func(w http.ResponseWriter, r *http.Request) {
			status(307, "Location", r.URL.Path)(w)
		},
		"huge": plain(func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			for range 100 {
				if _, err := io.WriteString(w, `{"access_token":"`+strings.Repeat("x", 1<<20)+`"}`); err != nil {
					return
				}
			}
		}),
	}
}

// withoutMetadata are the faults of metadata that say only that it is not there now: the endpoints are the
// defaults then.
var withoutMetadata = []string{"html", "429", "redirected elsewhere", "redirected in circles"}

// TestFaultyEndpoints has each endpoint answer each fault while a session is opened: connecting fails, soon
// and with a typed error, and the store has no token; and when the fault is over, connecting works.
func TestFaultyEndpoints(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"resource", "metadata", "register", "token", "idp"} {
		for name, answer := range faults() {
			t.Run(endpoint+" "+name, func(t *testing.T) {
				t.Parallel()
				lasts, store := &atomic.Bool{}, auth.NewMemoryStore()
				lasts.Store(true)
				a := newAuthorities(t, func(a *authorities) {
					a.fault = func(at string, w http.ResponseWriter, r *http.Request) bool {
						if at != endpoint || !lasts.Load() {
							return false
						}
						answer(w, r)
						return true
					}
				})
				var method auth.Method = &auth.OAuth{Common: auth.Common{Store: store}, Ask: &person{}}
				if endpoint == "idp" {
					method = enterprise(a, auth.Common{Store: store})
				}
				c := newClient(t, caisson.ClientOptions{Limits: caisson.Limits{RetryBudget: 300 * time.Millisecond}})
				c.Configure(func(config *authorization.Config) { config.Now, config.AnswerTime = a.clock.Now, 300*time.Millisecond })
				s, err := c.Connect(testContext(t), guarded(a, method))
				defaults := endpoint == "metadata" && slices.Contains(withoutMetadata, name)
				if err == nil {
					_ = s.Close()
				}
				if (err == nil) != defaults {
					t.Fatalf("connect gives %v", err)
				}
				if defaults {
					return
				}
				var typed *caisson.Error
				if !errors.As(err, &typed) || typed.Code == caisson.CodeUnknown || typed.Code == caisson.CodeInternal || typed.Code == caisson.CodeTimeout {
					t.Errorf("connect gives %v", err)
				}
				if strings.Contains(err.Error(), "xxxxxxxx") || strings.Contains(err.Error(), "<html") || len(err.Error()) > 2000 {
					t.Errorf("the error quotes a page: %.300s", err)
				}
				keys, _ := store.Keys(t.Context())
				for _, key := range keys {
					text, _ := store.Load(t.Context(), key)
					var entry struct{ Tokens any }
					if err := json.Unmarshal(text, &entry); err != nil || entry.Tokens != nil {
						t.Errorf("the store has %s: %v", text, err)
					}
				}
				lasts.Store(false)
				if s, err = c.Connect(testContext(t), guarded(a, method)); err != nil {
					t.Fatalf("without the fault connect gives %v", err)
				}
				_ = s.Close()
			})
		}
	}
}

// TestFaultyCallbacks has the browser come back with something else than a code.
func TestFaultyCallbacks(t *testing.T) {
	t.Parallel()
	closed := errors.New("the tab was closed")
	for name, c := range map[string]struct {
		between func(u *url.URL, query url.Values) error
		says    string
	}{
		"a wrong state": {func(_ *url.URL, q url.Values) error { q.Set("state", "another"); return nil }, "of another login"},
		"no state":      {func(_ *url.URL, q url.Values) error { q.Del("state"); return nil }, "of another login"},
		"nothing":       {func(_ *url.URL, q url.Values) error { clear(q); return nil }, "of another login"},
		"no code":       {func(_ *url.URL, q url.Values) error { q.Del("code"); return nil }, "neither a code nor an error"},
		"an error": {func(_ *url.URL, q url.Values) error {
			q.Del("code")
			q.Set("error", "access_denied")
			q.Set("error_description", "not you "+q.Get("state"))
			return nil
		}, "access_denied"},
		"another issuer":     {func(_ *url.URL, q url.Values) error { q.Set("iss", "https://evil.example"); return nil }, "https://evil.example"},
		"another code":       {func(_ *url.URL, q url.Values) error { q.Set("code", mint("forged")); return nil }, ""},
		"the person is away": {func(*url.URL, url.Values) error { return closed }, closed.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, state := newAuthorities(t, func(a *authorities) { a.echoes = true }), ""
			who := &person{between: func(_ context.Context, callback string) (string, error) {
				u, err := url.Parse(callback)
				if err != nil {
					return "", err
				}
				query := u.Query()
				state = query.Get("state")
				err = c.between(u, query)
				u.RawQuery = query.Encode()
				return u.String(), err
			}}
			client := clientOf(t, a, caisson.ClientOptions{})
			method := &auth.OAuth{Common: auth.Common{Store: auth.NewMemoryStore()}, Ask: who}
			_, err := client.Connect(testContext(t), guarded(a, method))
			if codeOf(err) != caisson.CodeAuthorizationRequired || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("connect gives %v", err)
			}
			if strings.Contains(fmt.Sprint(err), state) || strings.Contains(fmt.Sprint(err), mark) {
				t.Errorf("the error has a secret: %v", err)
			}
			if c.says == closed.Error() && !errors.Is(err, closed) {
				t.Errorf("the cause is not %v: %v", closed, err)
			}
			if n := a.counted("token:authorization_code"); (n > 0) != (c.says == "") {
				t.Errorf("the token endpoint was asked %d times", n)
			}
			who.between = nil
			s, err := client.Connect(testContext(t), guarded(a, method))
			if err != nil {
				t.Fatalf("the next login gives %v", err)
			}
			_ = s.Close()
		})
	}
}

// TestTokenEndpointIsAway has the token endpoint be unavailable, whatever is asked for: it is asked once, the error
// names it and is not one that somebody could log in because of, and the program hears of it.
func TestTokenEndpointIsAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method func(*authorities, auth.Common) auth.Method
		answer func(http.ResponseWriter)
		code   caisson.Code
		status int
	}{
		"a code":          {func(_ *authorities, c auth.Common) auth.Method { return &auth.OAuth{Common: c, Ask: &person{}} }, status(503), caisson.CodeHTTP, 503},
		"a code, cut off": {func(_ *authorities, c auth.Common) auth.Method { return &auth.OAuth{Common: c, Ask: &person{}} }, cut, caisson.CodeTransport, 0},
		"client credentials": {func(a *authorities, c auth.Common) auth.Method {
			return &auth.ClientCredentials{Common: c, ClientID: "mine", ClientSecret: a.known("mine")}
		}, status(500), caisson.CodeHTTP, 500},
		"an assertion": {func(a *authorities, c auth.Common) auth.Method { return enterprise(a, c) }, status(429, "Retry-After", "1"), caisson.CodeHTTP, 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lasts, events := &atomic.Bool{}, &steps{}
			lasts.Store(true)
			a := newAuthorities(t, func(a *authorities) { a.fault = unavailable("token", c.answer, lasts) })
			client := clientOf(t, a, caisson.ClientOptions{})
			server := guarded(a, c.method(a, auth.Common{OnEvent: events.hear}))
			_, err := client.Connect(testContext(t), server)
			var typed *caisson.Error
			var away *auth.UnavailableError
			if !errors.As(err, &typed) || typed.Code != c.code || typed.HTTPStatus != c.status || !strings.Contains(typed.Message, "the token endpoint") {
				t.Errorf("connect gives %v", err)
			}
			if !errors.As(err, &away) || away.URL != a.issuer.URL+"/token" || away.Status != c.status || away.Server != "guarded" {
				t.Errorf("the cause is %+v", away)
			}
			if n := a.counted("token"); n != 1 {
				t.Errorf("the token endpoint was asked %d times", n)
			}
			all := events.all()
			if last := all[len(all)-1]; last.Kind != auth.EventRefused || !errors.As(last.Err, &away) || last.Issuer != a.issuer.URL || last.ClientID == "" {
				t.Errorf("the last step is %+v", last)
			}
			lasts.Store(false)
			if err := echoOnce(t, connect(t, client, server), "later"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWrongClientSecret shows that the error has the authorization server's own word.
func TestWrongClientSecret(t *testing.T) {
	t.Parallel()
	a := newAuthorities(t, nil)
	a.known("mine")
	for name, method := range map[string]auth.Method{
		"person":  &auth.OAuth{ClientID: "mine", ClientSecret: "wrong-secret", Ask: &person{}},
		"program": &auth.ClientCredentials{ClientID: "mine", ClientSecret: "wrong-secret"},
	} {
		_, err := clientOf(t, a, caisson.ClientOptions{}).Connect(testContext(t), guarded(a, method))
		var refused *auth.RefusedError
		if codeOf(err) != caisson.CodeAuthorizationRequired || !errors.As(err, &refused) || refused.Code != "invalid_client" || !strings.Contains(err.Error(), "invalid_client: no") {
			t.Errorf("%s: connect gives %v", name, err)
		}
	}
}
