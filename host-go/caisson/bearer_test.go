package caisson_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	resourceserver "github.com/caisson-dev/caisson/host-go/caisson/bearer"
	"github.com/caisson-dev/caisson/host-go/internal/authserver"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// TestBearer has a client log in at an authorization server because package bearer, in front of an MCP server, says
// so, and call a tool with the JWT that it gets. A second resource of the same server needs a token of its own.
func TestBearer(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	login := authserver.New(http.NotFoundHandler())
	t.Cleanup(login.Close)
	login.Keys = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Use: "sig"}}}
	login.Sign = func(claims map[string]any) string {
		token, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Error(err)
		}
		return token
	}

	var mu sync.Mutex
	who := map[string]string{} // by path
	demo := demoserver.Handler(false, true)
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	a, err := resourceserver.New(t.Context(), resourceserver.Options{Issuers: []string{login.Issuer()}, URL: url, Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = resourceserver.CheckSite(resourceserver.SiteOptions{})(a.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		who[r.URL.Path] = resourceserver.PrincipalFromContext(r.Context())
		mu.Unlock()
		demo.ServeHTTP(w, r)
	})))
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })

	asked := 0
	client := newClient(t, caisson.ClientOptions{Auth: &auth.OAuth{Ask: visitor{&asked}}})
	for i, path := range []string{"/mcp", "/mcp/code"} {
		session := connect(t, client, caisson.Server{URL: url + path})
		if _, err := session.CallTool(testContext(t), &mcp.CallToolParams{Name: "add", Arguments: addition{1, 2}}); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		if who[path] != login.Issuer()+"#somebody" {
			t.Errorf("%s was called by %q", path, who[path])
		}
		mu.Unlock()
		if did := login.Did(); did.Logins != i+1 {
			t.Errorf("after %s there were %d logins", path, did.Logins)
		}
	}
	if login.Count("/keys") != 1 {
		t.Errorf("the keys were fetched %d times", login.Count("/keys"))
	}
}
