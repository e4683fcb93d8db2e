package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/closedport"
)

func TestNoConnection(t *testing.T) {
	url := "http://" + closedport.Address(t)
	s, sink := start(t, Grant{Server: "files", URL: mustParse(t, url)}, Options{})
	_, err := do(t, s, sink, 1, post(url+"/s3cret?s3cret", "x"))
	wantError(t, err, Connect, `server "files"`, "POST "+url+": ", "check that the server runs")
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" {
		t.Errorf("the cause is lost: %#v", err.Err)
	}
	if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Err.Error(), "s3cret") {
		t.Errorf("the error tells a secret: %v / %v", err, err.Err)
	}
}

func TestNoSuchHost(t *testing.T) {
	transport := NewTransport(false)
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "server.invalid", IsNotFound: true}}
	}
	s, sink := start(t, Grant{URL: mustParse(t, "http://server.invalid")}, Options{Transport: transport})
	_, err := do(t, s, sink, 1, get("http://server.invalid"))
	wantError(t, err, Connect, "no such host", "check the host name")
}

func TestCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	s, sink := start(t, Grant{URL: mustParse(t, server.URL)}, Options{})
	_, err := do(t, s, sink, 1, post(server.URL, "x"))
	wantError(t, err, Connect, "certificate", "one that this machine trusts")
	var wrong *tls.CertificateVerificationError
	if !errors.As(err, &wrong) {
		t.Errorf("the cause is lost: %#v", err.Err)
	}
}

func TestWrongScheme(t *testing.T) {
	server := forbidden(t)
	url := strings.Replace(server.URL, "http", "https", 1)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s, sink := start(t, Grant{URL: mustParse(t, url)}, Options{})
	_, err := do(t, s, sink, 1, get(url))
	wantError(t, err, Connect, "HTTP response to HTTPS client", "its URL is right")
}

// cut serves so much of a response, and drops the connection.
func cut(t *testing.T, response string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(conn, response)
		conn.Close()
	}))
	t.Cleanup(server.Close)
	return server
}

func TestConnectionDropped(t *testing.T) {
	for _, test := range []struct {
		name, response string
		body           string
		kinds          string
		message        string
		cause          error
	}{
		{"before the response", "", "", "", ": ", io.EOF},
		{"in the header", "HTTP/1.1 200 OK\r\nX: ", "", "", ": ", io.ErrUnexpectedEOF},
		{"in a body of known length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "half", "head body", "the response broke off", io.ErrUnexpectedEOF},
		{"in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", "half", "head body", "the response broke off", io.ErrUnexpectedEOF},
		{"of an invalid chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "", "head", "the response broke off", nil},
		{"of an unasked protocol", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhalf", "", "", "another protocol", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := cut(t, test.response)
			s, sink := start(t, Grant{URL: mustParse(t, server.URL)}, Options{})
			events, err := do(t, s, sink, 1, post(server.URL, "x"))
			wantError(t, err, Transport, "POST "+server.URL, test.message)
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("the cause is lost: %#v", err.Err)
			}
			var kinds []string
			for _, e := range events {
				kinds = append(kinds, e.kind)
			}
			if got := strings.Join(kinds, " "); got != test.kinds {
				t.Errorf("events %q, want %q", got, test.kinds)
			}
			if got := string(bodyOf(events)); got != test.body {
				t.Errorf("body %q, want %q", got, test.body)
			}
		})
	}
}

// After a redirect something has been sent: a connection that fails then is not of kind Connect.
func TestNoConnectionAfterRedirect(t *testing.T) {
	var listener net.Listener
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		listener.Close()
		w.Header().Set("Connection", "close")
		http.Redirect(w, r, "/next", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	listener = server.Listener
	s, sink := start(t, Grant{URL: mustParse(t, server.URL)}, Options{})
	_, err := do(t, s, sink, 1, post(server.URL, "x"))
	wantError(t, err, Transport, server.URL)
}

// A RoundTripper that traces nothing gets the careful answer.
func TestForeignTransport(t *testing.T) {
	cause := errors.New("some failure")
	for kind, err := range map[Kind]error{
		Transport: cause,
		Connect:   &net.OpError{Op: "dial", Net: "tcp", Err: cause},
	} {
		transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("foreign: %w", err) })
		s, sink := start(t, Grant{URL: mustParse(t, "http://a")}, Options{Transport: transport})
		_, got := do(t, s, sink, 1, get("http://a"))
		wantError(t, got, kind, "some failure")
		if !errors.Is(got, cause) {
			t.Errorf("the cause is lost: %#v", got.Err)
		}
	}
}

// TestCancelledConnection has a transport fail with the cancellation of another exchange: the request
// is sent again when it is certain that nothing of it went out, and else it is not.
func TestCancelledConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer server.Close()
	for name, test := range map[string]struct {
		trace func(*httptrace.ClientTrace)
		want  int
	}{
		"nothing was sent": {func(trace *httptrace.ClientTrace) { trace.GetConn("") }, 2},
		"it was sent":      {func(trace *httptrace.ClientTrace) { trace.GetConn(""); trace.WroteHeaders() }, 1},
		"nobody knows":     {func(*httptrace.ClientTrace) {}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var attempts int
			transport := roundTripper(func(req *http.Request) (*http.Response, error) {
				if attempts++; attempts > 1 {
					return http.DefaultTransport.RoundTrip(req)
				}
				_ = req.Body.Close()
				test.trace(httptrace.ContextClientTrace(req.Context()))
				return nil, context.Canceled
			})
			s, sink := start(t, Grant{URL: mustParse(t, server.URL)}, Options{Transport: transport})
			events, err := do(t, s, sink, 1, post(server.URL, "the body"))
			if attempts != test.want {
				t.Errorf("it was sent %d times", attempts)
			}
			if test.want == 1 {
				if err == nil || !errors.Is(err, context.Canceled) {
					t.Errorf("the failure is %v", err)
				}
				return
			}
			noError(t, err)
			if got := string(bodyOf(events)); got != "the body" {
				t.Errorf("the body is %q", got)
			}
		})
	}
}
