package main

import (
	"context"
	"crypto/tls"
	"sync/atomic"
)

// A heldCertificate is that of the HTTPS server, from two files.
type heldCertificate struct {
	certificate, key string
	pair             atomic.Pointer[tls.Certificate]
}

// read reads the files. Where they have a mistake, or do not fit each other, the certificate stays as it is.
func (h *heldCertificate) read() error {
	pair, err := tls.LoadX509KeyPair(h.certificate, h.key)
	if err != nil {
		return err
	}
	h.pair.Store(&pair)
	return nil
}

// watch reads the files again when one of them changes, until the context ends. Connections that are open keep theirs.
func (h *heldCertificate) watch(ctx context.Context, a *app) {
	watchFiles(ctx, []string{h.certificate, h.key}, func() {
		err := stillFiles(h.certificate, h.key)
		if err == nil {
			err = h.read()
		}
		if err != nil {
			a.err.Say("the certificate has changed, and the old one holds: --tls-cert %s, --tls-key %s: %v", h.certificate, h.key, err)
			return
		}
		a.err.Say("the certificate was read again")
	})
}

// get is for a [tls.Config].
func (h *heldCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return h.pair.Load(), nil
}
