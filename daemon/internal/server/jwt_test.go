package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// An issuer is an authorization server: its metadata, its keys, and tokens of theirs.
type issuer struct {
	t   *testing.T
	url string

	mu   sync.Mutex
	name string // of the key that is good
	keys map[string]*ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, keys: map[string]*ecdsa.PrivateKey{}}
	i.rotate("first")
	mux := http.NewServeMux()
	answer := func(path string, of func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(of()) })
	}
	answer("/.well-known/oauth-authorization-server", func() any { return map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"} })
	answer("/keys", func() any {
		i.mu.Lock()
		defer i.mu.Unlock()
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.keys[i.name].Public(), KeyID: i.name, Use: "sig"}}}
	})
	i.url = serveHTTP(t, mux)
	return i
}

// rotate has another key be the one that is good.
func (i *issuer) rotate(name string) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.name, i.keys[name] = name, key
}

// token makes a token with a key; changes replace claims, and a nil takes one away.
func (i *issuer) token(key string, changes map[string]any) string {
	i.t.Helper()
	i.mu.Lock()
	of := i.keys[key]
	i.mu.Unlock()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: of, KeyID: key}}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		i.t.Fatal(err)
	}
	claims := map[string]any{"iss": i.url, "sub": "alice", "aud": "caisson", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

// TestJWT shows whose JWTs are good, who is behind one, what they may do, and that keys that an issuer has taken back are
// not good when they are fetched again. When they are fetched without a reload, the tests of package bearer show.
func TestJWT(t *testing.T) {
	ours, theirs := newIssuer(t), newIssuer(t)
	d := start(t, servers("up", newUpstream(t).url)+`access:
  issuers: [`+ours.url+`]
  audiences: [caisson]
  url: https://daemon.example
  scopes: {"`+ours.url+`#owner": [caisson:admin], "`+theirs.url+`#alice": [caisson:mcp]}
`)
	ctx := t.Context()
	code := func(err error) connect.Code {
		if err == nil {
			return 0
		}
		return connect.CodeOf(err)
	}
	sessions := func(token string) connect.Code {
		_, err := d.mcp(token).ListSessions(ctx, connect.NewRequest(&caissonv1.ListSessionsRequest{}))
		return code(err)
	}
	admin := func(token string) connect.Code {
		_, err := d.admin(token).ListServers(ctx, connect.NewRequest(&caissonv1.ListServersRequest{}))
		return code(err)
	}
	for name, test := range map[string]struct {
		token      string
		mcp, admin connect.Code
	}{
		"good":                      {ours.token("first", nil), 0, connect.CodePermissionDenied},
		"one of several audiences":  {ours.token("first", map[string]any{"aud": []string{"x", "caisson"}}), 0, connect.CodePermissionDenied},
		"a subject with scopes":     {ours.token("first", map[string]any{"sub": "owner"}), connect.CodePermissionDenied, 0},
		"its own scope":             {ours.token("first", map[string]any{"scope": "openid caisson:admin"}), connect.CodePermissionDenied, 0},
		"a scope of nobody's":       {ours.token("first", map[string]any{"scope": "caisson:all"}), connect.CodePermissionDenied, connect.CodePermissionDenied},
		"another audience":          {ours.token("first", map[string]any{"aud": "other"}), connect.CodeUnauthenticated, connect.CodeUnauthenticated},
		"no audience":               {ours.token("first", map[string]any{"aud": nil}), connect.CodeUnauthenticated, connect.CodeUnauthenticated},
		"another issuer":            {theirs.token("first", nil), connect.CodeUnauthenticated, connect.CodeUnauthenticated},
		"in the name of the issuer": {theirs.token("first", map[string]any{"iss": ours.url}), connect.CodeUnauthenticated, connect.CodeUnauthenticated},
		"over":                      {ours.token("first", map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), connect.CodeUnauthenticated, connect.CodeUnauthenticated},
		"no subject":                {ours.token("first", map[string]any{"sub": nil}), connect.CodeUnauthenticated, connect.CodeUnauthenticated},
	} {
		if got := sessions(test.token); got != test.mcp {
			t.Errorf("%s: McpService gives %v, want %v", name, got, test.mcp)
		}
		if got := admin(test.token); got != test.admin {
			t.Errorf("%s: AdminService gives %v, want %v", name, got, test.admin)
		}
	}
	alice, bob := d.mcp(ours.token("first", nil)), d.mcp(ours.token("first", map[string]any{"sub": "bob"}))
	if _, err := alice.Connect(ctx, connect.NewRequest(&caissonv1.ConnectRequest{Id: "mine", Of: &caissonv1.ConnectRequest_Server{Server: "up"}})); err != nil {
		t.Fatal(err)
	}
	ping := connect.NewRequest(&caissonv1.PingRequest{Target: bySession("mine")})
	if _, err := bob.Ping(ctx, ping); code(err) != connect.CodeNotFound {
		t.Errorf("another subject reaches the session: %v", err)
	}
	if _, err := d.mcp(ours.token("first", map[string]any{"jti": "another token"})).Ping(ctx, ping); err != nil {
		t.Errorf("another token of the same subject: %v", err)
	}
	ours.rotate("second")
	if err := d.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if got := sessions(ours.token("second", nil)); got != 0 {
		t.Errorf("the new key: %v", got)
	}
	if got := sessions(ours.token("first", nil)); got != connect.CodeUnauthenticated {
		t.Errorf("the key that was taken back: %v", got)
	}
}
