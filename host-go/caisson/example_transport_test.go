package caisson_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// introduce connects with a server and prints its name.
func introduce(server caisson.Server) error {
	ctx := context.Background()
	runtime, err := caisson.New(ctx, nil)
	if err != nil {
		return err
	}
	defer runtime.Close()
	session, err := runtime.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer session.Close()
	fmt.Println(session.ServerInfo().Name)
	return nil
}

// A server whose certificate is of an authority of one's own.
func ExampleServer_ownAuthority() {
	local := serveTLS(demoserver.Handler(false, false), &tls.Config{})
	defer local.Close()
	authority := x509.NewCertPool()
	authority.AddCert(local.Certificate()) // Or AppendCertsFromPEM, with what is in a file.

	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: authority},
		ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	if err := introduce(caisson.Server{URL: local.URL, HTTPTransport: transport}); err != nil {
		log.Fatal(err)
	}
	err := introduce(caisson.Server{URL: local.URL}) // The system does not know the authority.
	fmt.Println(errors.Is(err, caisson.CodeConnect))
	// Output:
	// caisson-demo
	// true
}

// A server that wants a certificate of its clients.
func ExampleServer_clientCertificate() {
	certificate, issuer := issue("ada")
	clients := x509.NewCertPool()
	clients.AddCert(issuer)
	handler := demoserver.Handler(false, false)
	local := serveTLS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.PeerCertificates[0].Subject.CommonName != "ada" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	}), &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
	defer local.Close()
	authority := x509.NewCertPool()
	authority.AddCert(local.Certificate())

	with := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      authority,
		Certificates: []tls.Certificate{certificate}, // Or tls.LoadX509KeyPair, from files.
	}}
	defer with.CloseIdleConnections()
	if err := introduce(caisson.Server{URL: local.URL, HTTPTransport: with}); err != nil {
		log.Fatal(err)
	}
	without := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority}}
	defer without.CloseIdleConnections()
	err := introduce(caisson.Server{URL: local.URL, HTTPTransport: without})
	fmt.Println(err != nil)
	// Output:
	// caisson-demo
	// true
}

// A server that listens on a Unix socket.
func ExampleServer_unixSocket() {
	folder, err := os.MkdirTemp("", "mcp")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	socket := filepath.Join(folder, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	local := &http.Server{Handler: demoserver.Handler(false, false)}
	go func() { _ = local.Serve(listener) }()
	defer local.Close()

	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}
	defer transport.CloseIdleConnections()
	// The name leads nowhere but to the socket.
	if err := introduce(caisson.Server{URL: "http://tools.example/mcp", HTTPTransport: transport}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// caisson-demo
}

// serveTLS serves with a certificate that nobody else's authority has signed.
func serveTLS(handler http.Handler, config *tls.Config) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // It would tell of clients that are refused.
	server.StartTLS()
	return server
}

// issue makes a client's certificate, and that of its issuer.
func issue(name string) (tls.Certificate, *x509.Certificate) {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	client := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	authorityKey, clientKey := newKey(), newKey()
	issuer, err := x509.ParseCertificate(sign(authority, authority, authorityKey, authorityKey))
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{sign(client, issuer, clientKey, authorityKey)}, PrivateKey: clientKey}, issuer
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func sign(certificate, issuer *x509.Certificate, of, by *ecdsa.PrivateKey) []byte {
	text, err := x509.CreateCertificate(rand.Reader, certificate, issuer, &of.PublicKey, by)
	if err != nil {
		log.Fatal(err)
	}
	return text
}
