package egress

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
)

// where says what a message is about.
func where(req *http.Request) string {
	return req.Method + " " + originText(req.URL)
}

// isDial reports whether err is of a connection that was not made.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// withoutURL returns err with the URL of a *url.Error in it cut down to its origin.
func withoutURL(err error, u *url.URL) error {
	var quoting *url.Error
	if !errors.As(err, &quoting) {
		return err
	}
	return &url.Error{Op: quoting.Op, URL: originText(u), Err: quoting.Err}
}

// innermost returns what a *url.Error wraps: the message says the rest better.
func innermost(err error) error {
	if quoting, ok := err.(*url.Error); ok {
		return quoting.Err
	}
	return err
}

// remedy returns what to do about an error, to put behind it.
func remedy(kind Kind, err error) string {
	var (
		op          *net.OpError
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case kind != Connect:
		return ""
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "; check the proxy in HTTP_PROXY or HTTPS_PROXY"
	case errors.As(err, &name):
		return "; check the host name in the server's URL"
	case errors.As(err, &certificate):
		return "; the certificate must be one that this machine trusts for this host name"
	}
	return "; check that the server runs, and that its URL is right"
}
