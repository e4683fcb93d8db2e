package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/authserver"
)

// servedHTTP starts the program as a server over HTTP, in a folder, and returns the URL of /mcp.
func servedHTTP(t *testing.T, folder string, args ...string) (endpoint string, stderr *said) {
	t.Helper()
	stderr = &said{}
	command := exec.Command(self(t), append([]string{"serve", "--config", "mcp.json", "--http"}, args...)...)
	command.Dir, command.Stderr = folder, stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return stderr.await(ctx, t, `serving at (\S+)`), stderr
}

// inFolder writes files, and a configuration with a demo server that is a command.
func inFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	all := map[string]string{"mcp.json": `{"mcpServers": {"demo": {"command": "` + self(t) + `", "args": ["demo-server"]}}}`}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func newToken(t *testing.T, path, name string, scopes ...string) string {
	t.Helper()
	words := []string{"serve", "token", "new", name, "--tokens", path}
	for _, scope := range scopes {
		words = append(words, "--scope", scope)
	}
	o := caissonRun(t, words...)
	o.expect(t, exitOK)
	return strings.TrimSpace(o.out)
}

// A holder sends a token with each request.
type holder struct {
	token string
	next  http.RoundTripper
}

func (h holder) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+h.token)
	return h.next.RoundTrip(r)
}

func connectWith(ctx context.Context, t *testing.T, endpoint, token, revision string) *mcp.ClientSession {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: endpoint, HTTPClient: &http.Client{Transport: holder{token, http.DefaultTransport}},
	}, &mcp.ClientSessionOptions{ProtocolVersion: revision})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// postAs begins a session, or sends a list's request in one.
func postAs(ctx context.Context, t *testing.T, endpoint, token, session string) (*http.Response, string) {
	t.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`
	if session != "" {
		body = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

const twoPrincipals = `version: 1
servers:
  demo:
    principals: [alice, bob]
    tools:
      - echo
      - {name: add, principals: [alice]}
`

// TestServeTokens has two principals with different policies, each with its own sessions, over an address that other
// machines could reach.
func TestServeTokens(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	folder := inFolder(t, map[string]string{"p.yaml": twoPrincipals})
	path := filepath.Join(folder, "tokens.json")
	alice, bob := newToken(t, path, "alice", "mcp", "more"), newToken(t, path, "bob", "mcp")
	poor, carol := newToken(t, path, "poor", "other"), newToken(t, path, "carol", "mcp")
	endpoint, stderr := servedHTTP(t, folder, "0.0.0.0:0", "--tokens", "tokens.json", "--scope", "mcp", "--policy", "p.yaml")
	stderr.await(ctx, t, "tokens come in clear text")
	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(endpoint, "http://"), "/mcp"))
	if err != nil {
		t.Fatal(err)
	}
	endpoint = "http://127.0.0.1:" + port + "/mcp"

	for token, want := range map[string]struct {
		status int
		header string
	}{
		"":                      {401, "Bearer"},
		"caisson_" + "nonsense": {401, `error="invalid_token"`},
		alice[:len(alice)-1]:    {401, `error="invalid_token"`},
		poor:                    {403, `scope="mcp"`},
	} {
		for _, path := range []string{"", "/code"} {
			response, text := postAs(ctx, t, endpoint+path, token, "")
			if got := response.Header.Get("WWW-Authenticate"); response.StatusCode != want.status || !strings.Contains(got, want.header) {
				t.Errorf("%.12q gets %d, %q, %s", token, response.StatusCode, got, text)
			}
		}
	}
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		for _, c := range []struct{ token, tools string }{{alice, "demo__add demo__echo"}, {bob, "demo__echo"}, {carol, ""}} {
			session := connectWith(ctx, t, endpoint, c.token, revision)
			if got := strings.Join(servedTools(ctx, t, session), " "); got != c.tools {
				t.Errorf("%s: the tools are %q, want %q", revision, got, c.tools)
			}
			_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "demo__add", Arguments: map[string]any{"a": 1, "b": 2}})
			if (err == nil) != (c.token == alice) {
				t.Errorf("%s: the call of add: %v", revision, err)
			}
		}
	}
	begun, _ := postAs(ctx, t, endpoint, alice, "")
	id := begun.Header.Get("Mcp-Session-Id")
	if response, text := postAs(ctx, t, endpoint, alice, id); id == "" || response.StatusCode != 200 || !strings.Contains(text, "demo__add") {
		t.Errorf("one's own session: %d %s", response.StatusCode, text)
	}
	none, want := postAs(ctx, t, endpoint, bob, "no-such-session")
	if response, text := postAs(ctx, t, endpoint, bob, id); response.StatusCode != 404 || none.StatusCode != 404 || text != want {
		t.Errorf("another's session: %d %s", response.StatusCode, text)
	}
	caissonRun(t, "serve", "token", "remove", "alice", "--tokens", path).expect(t, exitOK)
	for {
		response, _ := postAs(ctx, t, endpoint, alice, id)
		if response.StatusCode == 401 {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("a token that was removed is good")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, token := range []string{alice, bob, poor} {
		if strings.Contains(stderr.String(), token) {
			t.Error("standard error has a token")
		}
	}
}

// TestServeIssuer lets in who has a JWT of an authorization server for the endpoint.
func TestServeIssuer(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
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
	endpoint, _ := servedHTTP(t, inFolder(t, map[string]string{"p.yaml": "version: 1\nservers:\n  demo: {principals: [\"" + login.Issuer() + "#alice\"], tools: [echo]}\n"}),
		"127.0.0.1:0", "--issuer", login.Issuer(), "--policy", "p.yaml", "--scope", "mcp")
	origin := strings.TrimSuffix(endpoint, "/mcp")
	sign := func(subject, audience, scope string) string {
		token, err := jwt.Signed(signer).Claims(map[string]any{
			"iss": login.Issuer(), "sub": subject, "aud": audience, "scope": scope,
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	refused, _ := postAs(ctx, t, endpoint, "", "")
	metadata := origin + "/.well-known/oauth-protected-resource/mcp"
	if got := refused.Header.Get("WWW-Authenticate"); refused.StatusCode != 401 || !strings.Contains(got, `resource_metadata="`+metadata+`"`) {
		t.Errorf("without a token: %d %q", refused.StatusCode, got)
	}
	response, err := http.Get(metadata) //nolint:noctx // It answers at once.
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if response.StatusCode != 200 || !strings.Contains(string(text), login.Issuer()) || !strings.Contains(string(text), `"`+endpoint+`"`) {
		t.Errorf("the metadata: %d %s", response.StatusCode, text)
	}
	for _, c := range []struct {
		token  string
		status int
	}{
		{sign("alice", endpoint, "mcp"), 200},
		{sign("alice", origin+"/servers/demo", "mcp"), 401},
		{sign("alice", endpoint, "other"), 403},
	} {
		if response, text := postAs(ctx, t, endpoint, c.token, ""); response.StatusCode != c.status {
			t.Errorf("%d, want %d: %s", response.StatusCode, c.status, text)
		}
	}
	if got := servedTools(ctx, t, connectWith(ctx, t, endpoint, sign("alice", endpoint, "mcp"), "2026-07-28")); strings.Join(got, " ") != "demo__echo" {
		t.Errorf("the tools are %v", got)
	}
	if got := servedTools(ctx, t, connectWith(ctx, t, endpoint, sign("mallory", endpoint, "mcp"), "2026-07-28")); len(got) != 0 {
		t.Errorf("another's tools are %v", got)
	}
}

// TestServeTLS serves HTTPS.
func TestServeTLS(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	defer lender.Close()
	certificate := lender.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := inFolder(t, map[string]string{
		"cert.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})),
		"key.pem":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	})
	newToken(t, filepath.Join(folder, "tokens.json"), "alice")
	endpoint, stderr := servedHTTP(t, folder, "127.0.0.1:0", "--tokens", "tokens.json", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--url", "https://example.com")
	roots := x509.NewCertPool()
	if leaf, err := x509.ParseCertificate(certificate.Certificate[0]); err == nil {
		roots.AddCert(leaf)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	for host, want := range map[string]int{"": 401, "example.com": 401, "evil.example.com": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		response, err := client.Do(r)
		if err != nil {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("Host %q: %d, want %d", host, response.StatusCode, want)
		}
	}
}

// newCertificate makes the files of a certificate for the addresses of this machine, with a serial number.
func newCertificate(t *testing.T, serial int64) map[string]string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"cert.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})),
		"key.pem":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
	}
}

// TestServeNewCertificate renews the certificate while it is served. A broken one changes nothing.
func TestServeNewCertificate(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	folder := inFolder(t, newCertificate(t, 1))
	endpoint, stderr := servedHTTP(t, folder, "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	address := strings.TrimSuffix(strings.TrimPrefix(endpoint, "https://"), "/mcp")
	serial := func() int64 {
		t.Helper()
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // The test looks at the serial number.
		c, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("the certificate has the number %d", got)
	}
	for name, text := range newCertificate(t, 2) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stderr.await(ctx, t, "the certificate was read again")
	if got := serial(); got != 2 {
		t.Errorf("after the change it has the number %d", got)
	}
	before := strings.Count(stderr.String(), "the old one holds")
	if err := os.WriteFile(filepath.Join(folder, "cert.pem"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	for ctx.Err() == nil && strings.Count(stderr.String(), "the old one holds") == before {
		time.Sleep(10 * time.Millisecond)
	}
	if text := stderr.String(); strings.Count(text, "the old one holds") == before || !strings.Contains(text, "cert.pem") {
		t.Errorf("about a broken file it says %s", text)
	}
	if got := serial(); got != 2 {
		t.Errorf("with a broken file it has the number %d", got)
	}
}

// TestServeAccessUsage refuses flags that do not go together.
func TestServeAccessUsage(t *testing.T) {
	t.Parallel()
	folder := inFolder(t, nil)
	tokens := filepath.Join(folder, "tokens.json")
	newToken(t, tokens, "alice")
	for _, c := range []struct {
		says string
		args []string
	}{
		{"--tokens is for clients that come over HTTP", []string{"--tokens", tokens}},
		{"--tls-cert is for clients that come over HTTP", []string{"--tls-cert", "x"}},
		{"--scope needs", []string{"--http", "127.0.0.1:0", "--scope", "a"}},
		{"--audience needs --issuer", []string{"--http", "127.0.0.1:0", "--tokens", tokens, "--audience", "a"}},
		{"need each other", []string{"--http", "127.0.0.1:0", "--tls-cert", "a"}},
		{"--issuer needs --url", []string{"--http", "0.0.0.0:0", "--issuer", "https://login.example.com"}},
		{"--url", []string{"--http", "127.0.0.1:0", "--tokens", tokens, "--url", "mcp.example.com"}},
		{"--url", []string{"--http", "127.0.0.1:0", "--issuer", "https://login.example.com", "--url", "https://mcp.example.com/x"}},
		{"--issuer", []string{"--http", "127.0.0.1:0", "--issuer", "http://login.example.com"}},
		{"--scope", []string{"--http", "127.0.0.1:0", "--tokens", tokens, "--scope", "a b"}},
		{"--tokens", []string{"--http", "127.0.0.1:0", "--tokens", filepath.Join(folder, "none.json")}},
		{"other machines could reach it", []string{"--http", "0.0.0.0:0"}},
	} {
		caissonRun(t, append([]string{"serve", "--config", filepath.Join(folder, "mcp.json")}, c.args...)...).expect(t, exitUsage, c.says)
	}
}
