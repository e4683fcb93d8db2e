package caisson_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
)

// A flow is a way to authorize, at authorities of its own.
type flow struct {
	name string
	set  func(*authorities)
	make func(t *testing.T, a *authorities, common auth.Common, p *person) auth.Method
}

// flows are all ways to authorize.
func flows() []flow {
	each := []flow{
		{name: "registered client", make: func(_ *testing.T, a *authorities, c auth.Common, p *person) auth.Method {
			return &auth.OAuth{Common: c, ClientID: "mine", ClientSecret: a.known("mine"), Ask: p}
		}},
		{name: "dynamic registration", make: func(_ *testing.T, _ *authorities, c auth.Common, p *person) auth.Method {
			return &auth.OAuth{Common: c, Ask: p, AuthorizeParams: url.Values{"audience": {mint("parameter")}}}
		}},
		{
			name: "client metadata document",
			set: func(a *authorities) {
				a.cimd = true
				a.clients["https://client.example/metadata.json"] = ""
			},
			make: func(_ *testing.T, _ *authorities, c auth.Common, p *person) auth.Method {
				return &auth.OAuth{Common: c, ClientMetadataURL: "https://client.example/metadata.json", Ask: p}
			},
		},
		{
			name: "a code entered elsewhere", set: func(a *authorities) { a.device = true },
			make: func(_ *testing.T, _ *authorities, c auth.Common, p *person) auth.Method {
				return &auth.OAuth{Common: c, Ask: p, Device: func(context.Context, auth.DeviceCode) {}}
			},
		},
		{name: "client credentials by secret", make: func(_ *testing.T, a *authorities, c auth.Common, _ *person) auth.Method {
			return &auth.ClientCredentials{Common: c, ClientID: "mine", ClientSecret: a.known("mine")}
		}},
		{name: "client credentials by key", make: func(t *testing.T, _ *authorities, c auth.Common, _ *person) auth.Method {
			return &auth.ClientCredentials{Common: c, ClientID: "mine", PrivateKey: []byte(privateKey(t))}
		}},
		{name: "enterprise", make: func(_ *testing.T, a *authorities, c auth.Common, _ *person) auth.Method {
			return enterprise(a, c)
		}},
		{name: "workload", make: func(_ *testing.T, a *authorities, c auth.Common, _ *person) auth.Method {
			a.clients["mine"] = ""
			return &auth.WorkloadIdentity{Common: c, ClientID: "mine", Assertion: a.vouch("workload")}
		}},
	}
	all := each
	for _, f := range each {
		bound := f
		bound.name += ", dpop"
		bound.set = func(a *authorities) {
			if a.dpop = true; f.set != nil {
				f.set(a)
			}
		}
		bound.make = func(t *testing.T, a *authorities, c auth.Common, p *person) auth.Method {
			c.DPoP = true
			return f.make(t, a, c, p)
		}
		all = append(all, bound)
	}
	for _, token := range []string{"static", "source"} {
		all = append(all, flow{name: "bearer, " + token, make: func(_ *testing.T, a *authorities, _ auth.Common, _ *person) auth.Method {
			return bearer(a, token == "source")
		}})
	}
	return all
}

// enterprise has the identity provider of the authorities vouch for the user.
func enterprise(a *authorities, c auth.Common) auth.Method {
	return &auth.EnterpriseManaged{
		Common: c, ClientID: "mine", ClientSecret: a.known("mine"), IDToken: a.vouch("idtoken"),
		IdentityProvider: a.issuer.URL + "/idp", IdentityProviderClientID: "there", IdentityProviderClientSecret: mint("there"),
	}
}

// bearer has tokens of the program's, which the authorities take.
func bearer(a *authorities, source bool) *auth.Bearer {
	give := func() string {
		a.mu.Lock()
		defer a.mu.Unlock()
		given := mint("bearer")
		a.access[given] = token{"write", a.clock.Now().Add(time.Hour)}
		return given
	}
	if !source {
		return &auth.Bearer{Token: give()}
	}
	return &auth.Bearer{Source: a.source(give)}
}

var keyOnce = sync.OnceValue(func() []byte {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	text, _ := x509.MarshalPKCS8PrivateKey(key)
	return text
})

// privateKey is a private key in PEM.
func privateKey(testing.TB) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyOnce()}))
}

// keyParts are what of the private keys is looked for: the configured one's, and those of DPoP in a store.
func keyParts(t *testing.T, store auth.Store) []string {
	t.Helper()
	parts := []string{base64.StdEncoding.EncodeToString(keyOnce())[40:64]}
	if store == nil {
		return parts
	}
	keys, _ := store.Keys(t.Context())
	for _, key := range keys {
		text, _ := store.Load(t.Context(), key)
		var entry struct{ ProofKey struct{ D string } }
		if err := json.Unmarshal(text, &entry); err != nil {
			t.Fatal(err)
		}
		if entry.ProofKey.D != "" {
			parts = append(parts, entry.ProofKey.D)
		}
	}
	return parts
}

// A safe buffer is one that several write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.b.Bytes())
}

// TestNoSecretInTheBox goes each way to authorize, with tokens that rotate and those that do not, at servers
// that quote what they get in each error, and looks for the secrets in all that is not the store: after each
// batch of events in the whole memory of the core, and in the end in recordings, logs, errors, events and
// files. Each recording replays.
func TestNoSecretInTheBox(t *testing.T) {
	sharedRuntime(t) // With its cache where it always is.
	for i, f := range flows() {
		t.Run(f.name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("XDG_CACHE_HOME", home)
			t.Setenv("XDG_CONFIG_HOME", home)
			a := newAuthorities(t, func(a *authorities) {
				if a.echoes, a.rotates = true, i%2 == 0; f.set != nil {
					f.set(a)
				}
			})
			find, logs, events, store := newFinder(keyParts(t, nil)...), &safeBuffer{}, &steps{}, auth.NewMemoryStore()
			who := &person{between: func(_ context.Context, callback string) (string, error) {
				u, err := url.Parse(callback)
				if err == nil {
					find.add("a state", u.Query().Get("state"))
				}
				return callback, err
			}}
			method := f.make(t, a, auth.Common{Store: store, OnEvent: events.hear}, who)
			recorded := &tapes{}
			c := newClient(t, caisson.ClientOptions{
				Record: recorded.record, Limits: caisson.Limits{MaxGuestTime: patience},
				Logger: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			c.Configure(func(config *authorization.Config) { config.Now = a.clock.Now })
			c.Inspect(find.memory)
			s, err := c.Connect(testContext(t), caisson.Server{Name: "guarded", URL: a.resource.URL + "/mcp", Auth: method})
			if err != nil {
				t.Fatal(err)
			}
			// Keys of DPoP are there from now on.
			for _, part := range keyParts(t, store) {
				find.add("key", part)
			}
			call := func(tool string) error {
				_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"id": tool}})
				find.lookAtError(err)
				return err
			}
			_, isBearer := method.(*auth.Bearer)
			must := func(what, tool string) {
				t.Helper()
				if err := call(tool); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			must("a fresh token", "echo")
			for _, tool := range []string{"fail", "rpc", "away"} {
				if call(tool) == nil {
					t.Errorf("the tool %s does not fail", tool)
				}
			}
			must("a step up", "write")
			if !isBearer {
				a.clock.advance(time.Hour)
				must("a token at its end", "echo")
			}
			a.revoke()
			err = call("echo")
			if static, ok := method.(*auth.Bearer); ok && static.Token != "" {
				if !strings.Contains(fmt.Sprint(err), "refuses the token") {
					t.Errorf("a refused token that there is no other for gives %v", err)
				}
			} else if err != nil {
				t.Errorf("a revoked token: %v", err)
			}
			// The server forgets everything: the refresh token is refused, with a quotation.
			a.mu.Lock()
			clear(a.refresh)
			a.mu.Unlock()
			a.revoke()
			_ = call("echo")
			// And the login too.
			a.mu.Lock()
			clear(a.clients)
			clear(a.vouched)
			a.mu.Unlock()
			a.revoke()
			_ = call("echo")
			if a.device && (a.counted("device") == 0 || who.times() > 0) {
				t.Errorf("%d codes were to be entered, and a browser was opened %d times", a.counted("device"), who.times())
			}
			find.look("what is known of the session", fmt.Appendf(nil, "%+v", s.InitializeResult()))
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			find.look("a recording", recorded.of("guarded"))
			find.look("the log", logs.bytes())
			for _, e := range events.all() {
				find.look("an event", fmt.Appendf(nil, "%+v", e))
				find.lookAtError(e.Err)
				if e.Kind != auth.EventRequest && (e.Issuer == "" || e.ClientID == "" && e.Kind != auth.EventDiscovered) {
					t.Errorf("a step does not say where, or for which client: %+v", e)
				}
			}
			find.lookInFiles(t, home)
			find.report(t)
			if find.looks < 12 {
				t.Errorf("it was looked %d times", find.looks)
			}
			if _, err := c.Replay(testContext(t), bytes.NewReader(recorded.of("guarded")), nil); err != nil {
				t.Errorf("the recording does not replay: %v", err)
			}
			if names := bytes.Count(recorded.of("guarded"), []byte("secret:")); !isBearer && names == 0 {
				t.Error("the recording has no name of a secret")
			}
		})
	}
}

// TestFinderFinds puts a secret into each place that TestNoSecretInTheBox looks at, in each spelling.
func TestFinderFinds(t *testing.T) {
	t.Parallel()
	var percent strings.Builder
	for _, b := range []byte(mark) {
		fmt.Fprintf(&percent, "%%%02x", b)
	}
	for how, text := range map[string]string{
		"plain": "x" + mark, "percent": percent.String(),
		"base64": base64.StdEncoding.EncodeToString([]byte("ab" + mark + "!")), "base64url": base64.RawURLEncoding.EncodeToString([]byte("a" + mark)),
		"utf-16": "wide \u20ac " + mark,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			a := newAuthorities(t, nil)
			find, logs, recorded := newFinder(), &safeBuffer{}, &tapes{}
			c := newClient(t, caisson.ClientOptions{Record: recorded.record, Logger: slog.New(slog.NewTextHandler(logs, nil))})
			c.Inspect(find.memory)
			s := connect(t, c, caisson.Server{Name: "guarded", URL: a.resource.URL + "/mcp", Auth: bearer(a, true)})
			if find.report(t); len(find.found) > 0 {
				t.Fatal("a secret is found before it is there")
			}
			if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": text}}); err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
			if len(find.found) == 0 {
				t.Error("the memory of the core has the secret, and it is not found")
			}
			home := t.TempDir()
			if err := os.WriteFile(home+"/file", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for place, look := range map[string]func(*finder){
				"recording": func(f *finder) { f.look("", recorded.of("guarded")) },
				"error":     func(f *finder) { f.lookAtError(fmt.Errorf("outside: %w", &auth.RefusedError{Description: text})) },
				"event":     func(f *finder) { f.look("", fmt.Appendf(nil, "%+v", auth.Event{Issuer: text})) },
				"file":      func(f *finder) { f.lookInFiles(t, home) },
			} {
				f := newFinder()
				if look(f); len(f.found) == 0 {
					t.Errorf("%s: the secret is not found", place)
				}
			}
		})
	}
}
