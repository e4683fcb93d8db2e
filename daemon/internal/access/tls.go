package access

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// lookEvery is how often the files of certificates are looked at.
const lookEvery = time.Second

// Certificates are files of certificates, in PEM, that are read again when they change.
type Certificates struct {
	// Certificate and Key are the daemon's own.
	Certificate, Key string
	// ClientCAs has the authorities of client certificates; "" for none.
	ClientCAs string
	// Log is told of files that have changed and cannot be used: the ones before hold.
	Log *slog.Logger

	mu     sync.Mutex
	looked time.Time
	seen   []fs.FileInfo
	config *tls.Config
}

// Read reads the files. It fails when they cannot be used now.
func (c *Certificates) Read() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = time.Now()
	return c.load()
}

// Config returns a configuration that has the certificates as the files have them at each handshake. They were read.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return c.current(), nil
		},
	}
}

// Replace has other files, which were read, in place of those of c.
func (c *Certificates) Replace(by *Certificates) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Certificate, c.Key, c.ClientCAs = by.Certificate, by.Key, by.ClientCAs
	c.looked, c.seen, c.config = by.looked, by.seen, by.config
}

// current gives the certificates, and reads the files again when they have changed.
func (c *Certificates) current() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if seen := c.look(); !slices.EqualFunc(seen, c.seen, sameFile) {
			if err := c.load(); err != nil {
				c.Log.Warn("the certificates have changed and cannot be used: the ones before hold", "error", err)
			} else {
				c.Log.Info("the certificates were read again")
			}
		}
	}
	return c.config
}

// load reads the files. With c.mu held.
func (c *Certificates) load() error {
	seen := c.look()
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return fmt.Errorf("%s with %s: %w", c.Certificate, c.Key, err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{pair}}
	if c.ClientCAs != "" {
		text, err := os.ReadFile(c.ClientCAs)
		if err != nil {
			return err
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("%s: %w", c.ClientCAs, errors.New("it has no certificate in PEM"))
		}
		config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	c.config, c.seen = config, seen
	return nil
}

func (c *Certificates) look() []fs.FileInfo {
	var seen []fs.FileInfo
	for _, path := range []string{c.Certificate, c.Key, c.ClientCAs} {
		info, _ := os.Stat(path)
		seen = append(seen, info)
	}
	return seen
}

func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
