package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caissontest"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/gen/caisson/v1/caissonv1connect"
	"github.com/caisson-dev/caisson/daemon/internal/config"
)

// serveFile serves a configuration with the address in it, and returns the address of its socket.
func serveFile(t *testing.T, folder, text string) net.Addr {
	t.Helper()
	_, at := serveServer(t, folder, text)
	return at
}

// serveServer is serveFile with the daemon.
func serveServer(t *testing.T, folder, text string) (*Server, net.Addr) {
	t.Helper()
	path := filepath.Join(folder, "caisson.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), file, Options{Runtime: caissontest.Runtime(t), Folder: filepath.Join(folder, "first")})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listeners) }()
	t.Cleanup(func() {
		hangUp()
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, listeners[0].Addr()
}

// TestUnixSocket shows that the process behind a Unix socket is who calls, without a token, and that the socket is the
// user's alone.
func TestUnixSocket(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("this system does not say who has connected")
	}
	folder, err := os.MkdirTemp("", "d") // A path of a socket is short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "s")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	serveFile(t, folder, "listen: unix:"+socket+"\naccess: {scopes: {\"unix:"+me.Username+"\": [caisson:admin]}}\n")
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has the mode %v, %v", info.Mode(), err)
	}
	over := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	if _, err := caissonv1connect.NewAdminServiceClient(over, "http://daemon").ListServers(t.Context(), connect.NewRequest(&caissonv1.ListServersRequest{})); err != nil {
		t.Errorf("as the user of the process: %v", err)
	}
	_, err = caissonv1connect.NewMcpServiceClient(over, "http://daemon").ListSessions(t.Context(), connect.NewRequest(&caissonv1.ListSessionsRequest{}))
	if connect.CodeOf(err) != connect.CodePermissionDenied || !strings.Contains(err.Error(), "unix:"+me.Username) {
		t.Errorf("without the scope: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "first", "token")); err == nil {
		t.Error("a token was made, and nothing listens on TCP")
	}
}

// TestFirstToken shows that a daemon on TCP, of whose callers nothing is said, makes a token for its user.
func TestFirstToken(t *testing.T) {
	folder := t.TempDir()
	at := serveFile(t, folder, "listen: 127.0.0.1:0\n")
	path := filepath.Join(folder, "first", "token")
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Fatalf("the token has the mode %v, %v", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]connect.Code{strings.TrimSpace(string(text)): 0, "": connect.CodeUnauthenticated} {
		_, err := caissonv1connect.NewMcpServiceClient(client(token), "http://"+at.String()).ListSessions(t.Context(), connect.NewRequest(&caissonv1.ListSessionsRequest{}))
		if err != nil && connect.CodeOf(err) != want || err == nil && want != 0 {
			t.Errorf("with the token %q: %v", token, err)
		}
	}
}

// TestClearText shows that other machines are not let in without TLS.
func TestClearText(t *testing.T) {
	for text, want := range map[string]bool{"": false, "access: {plainText: true}": true} {
		folder := t.TempDir()
		path := filepath.Join(folder, "caisson.yaml")
		if err := os.WriteFile(path, []byte("listen: 0.0.0.0:0\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := config.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(t.Context(), file, Options{Runtime: caissontest.Runtime(t), Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		listeners, err := s.Listen(t.Context(), nil)
		if (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
		closeAll(listeners)
		s.Close()
	}
}

// An authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.certificate, a.key = issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	return a
}

var serial int64

// issue makes a certificate, signed by an authority or by itself.
func issue(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial++
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(serial), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// write writes a certificate and its key.
func write(t *testing.T, folder, name string, certificate *x509.Certificate, key *ecdsa.PrivateKey) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".crt": {Type: "CERTIFICATE", Bytes: certificate.Raw}, name + ".key": {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(folder, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTLS shows that a client certificate is who calls, that one of another authority is not, and that certificates
// that change are read again.
func TestTLS(t *testing.T) {
	folder := t.TempDir()
	ours, theirs := newAuthority(t), newAuthority(t)
	write(t, folder, "ca", ours.certificate, ours.key)
	serving := func(name string) {
		certificate, key := issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, ours)
		write(t, folder, "server", certificate, key)
	}
	serving("before")
	at := serveFile(t, folder, "listen: 127.0.0.1:0\naccess: {tls: {certificate: server.crt, key: server.key, clientCAs: ca.crt}, scopes: {\"tls:robot\": [caisson:admin]}}\n")
	roots := x509.NewCertPool()
	roots.AddCert(ours.certificate)
	over := func(certificate *tls.Certificate) *http.Transport {
		c := &tls.Config{RootCAs: roots}
		if certificate != nil {
			c.Certificates = []tls.Certificate{*certificate}
		}
		return &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
	}
	of := func(name string, by *authority) *tls.Certificate {
		certificate, key := issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, by)
		return &tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
	}
	list := func(transport *http.Transport) error {
		defer transport.CloseIdleConnections()
		_, err := caissonv1connect.NewAdminServiceClient(&http.Client{Transport: transport}, "https://"+at.String()).ListServers(t.Context(), connect.NewRequest(&caissonv1.ListServersRequest{}))
		return err
	}
	if err := list(over(of("robot", ours))); err != nil {
		t.Errorf("robot: %v", err)
	}
	if err := list(over(of("other", ours))); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("another one: %v", err)
	}
	if err := list(over(nil)); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("nobody: %v", err)
	}
	if err := list(over(of("robot", theirs))); err == nil {
		t.Error("a certificate of another authority is taken")
	}
	serving("after")
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := tls.Dial("tcp", at.String(), &tls.Config{RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		name := conn.ConnectionState().PeerCertificates[0].Subject.CommonName
		conn.Close()
		if name == "after" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the certificate is still %q", name)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestReloadTLS shows that who calls by a certificate is what the configuration says now.
func TestReloadTLS(t *testing.T) {
	folder := t.TempDir()
	before, after := newAuthority(t), newAuthority(t)
	write(t, folder, "before", before.certificate, before.key)
	write(t, folder, "after", after.certificate, after.key)
	certificate, key := issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "daemon"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, before)
	write(t, folder, "server", certificate, key)
	configured := func(clientCAs string) string {
		return "listen: 127.0.0.1:0\naccess: {tls: {certificate: server.crt, key: server.key" + clientCAs + "}}\n"
	}
	s, at := serveServer(t, folder, configured(", clientCAs: before.crt"))
	roots := x509.NewCertPool()
	roots.AddCert(before.certificate)
	code := func(by *authority) connect.Code {
		c := &tls.Config{RootCAs: roots}
		if by != nil {
			certificate, key := issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "robot"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, by)
			c.Certificates = []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}}
		}
		transport := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		_, err := caissonv1connect.NewMcpServiceClient(&http.Client{Transport: transport}, "https://"+at.String()).ListSessions(t.Context(), connect.NewRequest(&caissonv1.ListSessionsRequest{}))
		if err == nil {
			return 0
		}
		return connect.CodeOf(err)
	}
	reload := func(text string) error {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "caisson.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return s.Reload(t.Context())
	}
	if got := code(before); got != 0 {
		t.Fatalf("at first: %v", got)
	}
	for _, text := range []string{configured(", clientCAs: none.crt"), "listen: 127.0.0.1:0\n"} {
		if err := reload(text); err == nil || code(before) != 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := reload(configured(", clientCAs: after.crt")); err != nil {
		t.Fatal(err)
	}
	if got := code(after); got != 0 {
		t.Errorf("of the other authority: %v", got)
	}
	if got := code(before); got == 0 {
		t.Error("of the authority before: it is taken")
	}
	if err := reload(configured("")); err != nil {
		t.Fatal(err)
	}
	if got := code(after); got != connect.CodeUnauthenticated {
		t.Errorf("without authorities: %v", got)
	}
}
