package wasi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/caisson-dev/caisson/host-go/component"
)

// httpError is an error-code of wasi:http.
type httpError struct {
	component.Variant
	cause error
}

func httpCode(name string) *httpError { return &httpError{Variant: component.Variant{Case: name}} }

func (e *httpError) Error() string {
	if e.cause != nil {
		return e.Case + ": " + e.cause.Error()
	}
	return e.Case
}

func (e *httpError) Unwrap() error { return e.cause }

// httpErrorOf returns the error-code for the error of an exchange.
func httpErrorOf(ctx context.Context, err error) *httpError {
	var known *httpError
	if errors.As(err, &known) || errors.As(context.Cause(ctx), &known) {
		return known
	}
	name, payload := classify(err)
	return &httpError{component.Variant{Case: name, Value: payload}, err}
}

func classify(err error) (name string, payload any) {
	var (
		dns       *net.DNSError
		alert     tls.AlertError
		record    tls.RecordHeaderError
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		timeout   net.Error
		op        *net.OpError
	)
	switch {
	case errors.As(err, &dns) && dns.IsTimeout:
		return "DNS-timeout", nil
	case errors.As(err, &dns):
		rcode := component.None()
		if dns.IsNotFound {
			rcode = component.Some("NXDOMAIN")
		}
		return "DNS-error", component.Record{rcode, component.None()}
	case errors.As(err, &untrusted), errors.As(err, &authority):
		return "TLS-certificate-error", nil
	case errors.As(err, &alert):
		return "TLS-alert-received", component.Record{component.Some(uint8(alert)), component.Some(alert.Error())}
	case errors.As(err, &record):
		return "TLS-protocol-error", nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection-refused", nil
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "destination-unavailable", nil
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF):
		return "connection-terminated", nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "HTTP-response-incomplete", nil
	case errors.As(err, &timeout) && timeout.Timeout():
		return "connection-timeout", nil
	case errors.As(err, &op) && op.Op == "dial":
		return "destination-unavailable", nil
	}
	return "internal-error", component.Some(err.Error())
}

// httpResult returns a result<T, error-code>. An error that is not an *httpError traps.
func httpResult(v any, err error) (any, error) {
	if e, ok := err.(*httpError); ok {
		return component.Err(e.Variant), nil
	}
	return component.OK(v), err
}
