package egress

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// errNeither is of a transport of the user's that breaks its contract.
var errNeither = errors.New("the HTTPTransport gives neither a response nor an error")

// RoundTrip has a transport, which may be the user's, answer a request. A response has a body.
func RoundTrip(transport http.RoundTripper, req *http.Request) (*http.Response, error) {
	response, err := transport.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case response == nil:
		return nil, errNeither
	case response.Body == nil:
		response.Body = http.NoBody
	}
	return response, nil
}

// NewTransport returns a transport that suits MCP servers: HTTP/1.1 and HTTP/2, a proxy from the
// environment, 30 s to connect, and then as long as the server likes. A name of the public DNS does
// not get it to a private address, unless private is set; what a proxy connects to is the proxy's to
// say. Sessions may share one; its owner calls CloseIdleConnections when the last of them is closed.
func NewTransport(private bool) *http.Transport {
	dialer := &guard{dialer: net.Dialer{Timeout: 30 * time.Second}, private: private}
	return &http.Transport{
		Proxy:               dialer.proxy,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true, // a transport with a DialContext of its own has HTTP/1.1 only
		TLSHandshakeTimeout: 30 * time.Second,
		// A session has many calls in flight on one host: the default keeps 2 connections of them.
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		// An event stream may be silent for hours: pings tell whether the connection still lives.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
}
