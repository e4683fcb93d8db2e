package authorization

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// seed keeps an entry in the guest's store.
func (g *guest) seed(e entry) {
	g.t.Helper()
	e.Server = serverURL
	if err := g.flow.store.Save(context.Background(), g.flow.key, e.encode()); err != nil {
		g.t.Fatal(err)
	}
}

const (
	refreshForm   = "grant_type=refresh_token&refresh_token=secret%3Arefresh_token"
	assertionForm = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=secret%3Aassertion"
	credentials   = "grant_type=client_credentials"
)

// TestBound shows that what the program has configured goes to no other issuer than the first one, whatever the
// guest forgets.
func TestBound(t *testing.T) {
	for name, c := range map[string]struct {
		method auth.Method
		form   string
	}{
		"a client's secret":      {&auth.ClientCredentials{ClientID: "configured", ClientSecret: "the-client-secret"}, credentials},
		"a platform's assertion": {&auth.WorkloadIdentity{Assertion: func(context.Context) (string, error) { return "the-assertion", nil }}, assertionForm},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, func(*guest) auth.Method { return c.method }, nil)
			g.seed(entry{Bound: good, Tokens: &tokens{Access: "a", Type: "Bearer", Issuer: good}})
			g.begin()
			g.discover(good, evil)
			g.flow.Forget(context.Background(), true)
			if _, failed := g.request("POST", evil+"/token", c.form, "{}"); failed == nil {
				t.Error("it goes to the other issuer")
			}
			if _, failed := g.request("POST", good+"/token", c.form, `{"access_token":"b","token_type":"Bearer"}`); failed != nil {
				t.Errorf("it does not go to its own issuer: %v", failed)
			}
		})
	}
}

// TestKeptMetadata shows that metadata that is kept is veiled as metadata that comes, that a large one is not kept,
// and that one that leads nowhere is read anew.
func TestKeptMetadata(t *testing.T) {
	now := time.Now()
	g := newGuest(t, nil, func(c *Config) { c.Now = func() time.Time { return now } })
	g.seed(entry{
		Client: &client{ID: "c", Issuer: good, Redirect: redirect},
		Tokens: &tokens{Access: "access-token-A", Refresh: "refresh-token-A", Type: "Bearer", Issuer: good},
	})
	refresh := func(padding string) {
		t.Helper()
		g.begin()
		g.discover(good)
		for at, text := range map[string]string{
			"https://server.example/.well-known/oauth-protected-resource/mcp": `{"resource":"` + serverURL + `","authorization_servers":["` + good + `"],"x":"access-token-B` + padding + `"}`,
			good + "/.well-known/oauth-authorization-server":                  serverMetadataOf(good, "x", "refresh-token-B"),
		} {
			if _, failed := g.request("GET", at, "", text); failed != nil {
				t.Fatal(failed)
			}
		}
		if _, failed := g.request("POST", good+"/token", refreshForm, `{"access_token":"access-token-B","refresh_token":"refresh-token-B","token_type":"Bearer","expires_in":60}`); failed != nil {
			t.Fatal(failed)
		}
		g.flow.End()
		now = now.Add(time.Hour)
	}
	knows := func() string {
		t.Helper()
		told, failed := g.flow.Begin(context.Background(), Challenge{Status: 401})
		if failed != nil {
			t.Fatal(failed)
		}
		return told
	}
	refresh(strings.Repeat("x", 300<<10))
	if told := knows(); len(told) > 64<<10 {
		t.Errorf("it is told %d bytes", len(told))
	}
	g.flow.End()
	refresh("")
	told := knows()
	if !strings.Contains(told, `"discovery"`) || strings.Contains(told, "token-B") {
		t.Errorf("it is told %s", told)
	}
	if _, failed := g.requestAs("POST", good+"/token", refreshForm, "none", 404, "nothing here"); failed != nil {
		t.Fatal(failed)
	}
	g.flow.End()
	if told := knows(); strings.Contains(told, `"discovery"`) {
		t.Error("what led nowhere is told again")
	}
}

// TestNonceOfTwo has two requests under way when the server wants a nonce: both go out again, and the token is
// not taken for refused.
func TestNonceOfTwo(t *testing.T) {
	g := newGuest(t, func(g *guest) auth.Method { return &auth.OAuth{Ask: g.ask, Common: auth.Common{DPoP: true}} }, nil)
	g.seed(entry{Tokens: &tokens{Access: "access-token-A", Type: "DPoP", Issuer: good}})
	if ready, failed := g.flow.Ready(context.Background()); !ready || failed != nil {
		t.Fatal(ready, failed)
	}
	wants := &http.Response{StatusCode: 401, Header: http.Header{"Dpop-Nonce": {"n1"}, "Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}}
	var requests []*http.Request
	for range 2 {
		request, err := http.NewRequest(http.MethodPost, serverURL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.flow.Apply(request); err != nil {
			t.Fatal(err)
		}
		requests = append(requests, request)
	}
	for i, request := range requests {
		if !g.flow.Observe(request, wants) || g.flow.refused != "" {
			t.Errorf("request %d is not sent again, and refused is %q", i, g.flow.refused)
		}
		again := request.Clone(context.Background())
		if err := g.flow.Apply(again); err != nil || g.flow.Observe(again, wants) {
			t.Errorf("request %d is sent for ever: %v", i, err)
		}
	}
}

// TestReplacedTokenIsHidden shows that a token is hidden that another session has replaced meanwhile.
func TestReplacedTokenIsHidden(t *testing.T) {
	g := newGuest(t, nil, nil)
	g.seed(entry{Tokens: &tokens{Access: "access-token-A", Type: "Bearer", Issuer: good}})
	if ready, failed := g.flow.Ready(context.Background()); !ready || failed != nil {
		t.Fatal(ready, failed)
	}
	g.seed(entry{Tokens: &tokens{Access: "access-token-B", Type: "Bearer", Issuer: good}})
	g.begin()
	if hidden := g.flow.Hide("Bearer access-token-A"); strings.Contains(hidden, "token-A") {
		t.Errorf("hidden is %q", hidden)
	}
}

// TestAssertionIsGoodOnce has a token endpoint want a nonce: the client signs anew.
func TestAssertionIsGoodOnce(t *testing.T) {
	g := newGuest(t, func(*guest) auth.Method {
		return &auth.ClientCredentials{ClientID: "c", PrivateKey: newKey(t), Common: auth.Common{DPoP: true}}
	}, nil)
	g.begin()
	g.discover(good)
	body := credentials
	request, reader, failed := g.flow.Request(context.Background(), egress.Request{Method: http.MethodPost, URL: good + "/token", Body: &body}, "private-key-jwt")
	if failed != nil {
		t.Fatal(failed)
	}
	defer reader.Close()
	_, again, failed := reader.Read(400, http.Header{"Dpop-Nonce": {"n1"}}, []byte(`{"error":"use_dpop_nonce"}`))
	if failed != nil || again == nil {
		t.Fatalf("it is not sent again: %v", failed)
	}
	first, second := bodyOf(t, request), bodyOf(t, again)
	if first == second || !strings.Contains(second, "client_assertion=") {
		t.Errorf("it is sent as\n%s\nand then as\n%s", first, second)
	}
}

// newKey is a private key in PEM.
func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func bodyOf(t *testing.T, r *http.Request) string {
	t.Helper()
	body, err := r.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
