package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// certificate makes a certificate of its own authority for this machine, and its files in PEM.
func certificate(t *testing.T) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nats"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	err = errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	if pair, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

// TestTLS has both sides show certificates; without them nobody connects.
func TestTLS(t *testing.T) {
	pair, certFile, keyFile := certificate(t)
	_, another, _ := certificate(t)
	authorities := x509.NewCertPool()
	authorities.AddCert(pair.Leaf)
	nats := storetest.Start(t, func(o *server.Options) {
		o.TLS, o.TLSTimeout = true, 10
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authorities}
	})
	url := "tls://" + strings.TrimPrefix(strings.TrimPrefix(nats.URL(), "nats://"), "tls://")
	s := open(t, Options{NATS: &NATS{URL: url, CA: certFile, Certificate: certFile, Key: keyFile}})
	if _, err := s.Conn.TLSConnectionState(); err != nil {
		t.Errorf("the connection is not encrypted: %v", err)
	}
	for name, n := range map[string]*NATS{
		"a server of another authority":        {URL: url, CA: another, Certificate: certFile, Key: keyFile},
		"a server of an authority of nobody's": {URL: url, Certificate: certFile, Key: keyFile},
		"no certificate of its own":            {URL: url, CA: certFile},
	} {
		var failure *Error
		if other, err := Open(t.Context(), Options{NATS: n}); !errors.As(err, &failure) {
			t.Errorf("%s: %v, %v", name, other, err)
		}
	}
}
