package wasi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/closedport"
)

// server starts a server on loopback.
func server(t *testing.T, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s
}

// request runs the Rust program's request. It returns what the program prints after its setup.
func request(t *testing.T, cfg *Config, args ...string) []string {
	t.Helper()
	lines := guestLines(t, cfg, append([]string{"http"}, args...)...)
	setUp := []string{
		"set Ok(())", "set Ok(())", "set Ok(())", "set Ok(())",
		"immutable HeaderError::Immutable", "second body Err(())",
	}
	if len(lines) < len(setUp) || !slices.Equal(lines[:len(setUp)], setUp) {
		t.Fatal(strings.Join(lines, "\n"))
	}
	return lines[len(setUp):]
}

// echo answers with the request that it got.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header()["Date"] = nil
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Add("X-Many", "1")
	w.Header().Add("X-Many", "2")
	w.Header().Set("Trailer", "X-Sum")
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, "%s %s host=%v length=%d %v agent=%q x=%q trailer=%q %.20s", r.Method, r.URL, r.Host != "", r.ContentLength,
		r.TransferEncoding, r.UserAgent(), r.Header["X-A"], r.Trailer["X-T"], body)
	w.Header().Set("X-Sum", fmt.Sprint(len(body)))
}

func TestHTTP(t *testing.T) {
	s := server(t, echo)
	cfg := &Config{AllowedOrigins: []string{s.URL}}
	answer := func(text string, body int) []string {
		return []string{
			"again Err(())", "status 202", "header content-type: text/plain", "header x-many: 1", "header x-many: 2",
			"second consume Err(())", "body " + text, fmt.Sprintf("trailer x-sum: %d", body),
		}
	}
	for _, test := range []struct {
		args []string
		want []string
	}{
		{
			[]string{"GET", s.URL + "/a?b=c%20d"},
			answer(`GET /a?b=c%20d host=true length=0 [] agent="" x=[] trailer=[] `, 0),
		},
		{
			[]string{"POST", s.URL + "/p", "body=hello", "header=x-a:1", "header=x-a:2", "header=user-agent:me"},
			answer(`POST /p host=true length=-1 [chunked] agent="me" x=["1" "2"] trailer=[] hello`, 5),
		},
		{
			[]string{"PUT", s.URL, "body=hello", "header=content-length:5"},
			answer(`PUT / host=true length=5 [] agent="" x=[] trailer=[] hello`, 5),
		},
		{
			[]string{"PATCHY", s.URL, "body-size=1000000", "trailer=x-t:end"},
			answer(`PATCHY / host=true length=-1 [chunked] agent="" x=[] trailer=["end"] xxxxxxxxxxxxxxxxxxxx`, 1000000),
		},
		{
			[]string{"GET", s.URL, "body=with"},
			answer(`GET / host=true length=-1 [chunked] agent="" x=[] trailer=[] with`, 4),
		},
	} {
		t.Run(test.args[0], func(t *testing.T) { wantLines(t, request(t, cfg, test.args...), test.want...) })
	}
}

func TestHTTPIsDenied(t *testing.T) {
	called := false
	s := server(t, func(http.ResponseWriter, *http.Request) { called = true })
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, origins := range map[string][]string{
		"none": nil, "scheme": {"https://127.0.0.1:" + port}, "host": {"http://localhost:" + port},
		"port": {"http://127.0.0.1"}, "not an origin": {s.URL + "/path", "*", "127.0.0.1:" + port},
	} {
		got := request(t, &Config{AllowedOrigins: origins}, "GET", s.URL)
		if len(got) != 1 || got[0] != "error ErrorCode::HttpRequestDenied" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if called {
		t.Error("a request was sent")
	}
}

// The grant of an origin covers requests to the origin. It covers no request that goes elsewhere through the
// origin.
func TestHTTPTunnels(t *testing.T) {
	s := server(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.Method) })
	for _, method := range []string{"CONNECT", "TRACE", "TRACK", "connect", "Trace"} {
		got := request(t, &Config{AllowedOrigins: []string{s.URL}}, method, s.URL)
		if len(got) != 1 || got[0] != "error ErrorCode::HttpRequestDenied" {
			t.Errorf("%s: %q", method, got)
		}
	}
}

// A request goes to the origin that was granted, in any spelling of the component.
func TestHTTPHostIsCanonical(t *testing.T) {
	for spelled, want := range map[string]string{
		"http://API.example:018080/x": "http://api.example:18080/x",
		"http://api.example:18080/x":  "http://api.example:18080/x",
		"http://[0:0::1]:080/x":       "http://[::1]:80/x",
		"http://[0:0::1]/x":           "http://[::1]/x",
		"http://api.example:/x":       "http://api.example/x",
	} {
		cfg := &Config{
			AllowedOrigins: []string{"http://api.example:18080", "http://api.example", "http://[::1]"},
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 204, Header: http.Header{"X-Url": {r.URL.String() + " " + r.Host}}, Body: http.NoBody}, nil
			}),
		}
		u, _ := url.Parse(want)
		if got := request(t, cfg, "GET", spelled); !slices.Contains(got, "header x-url: "+want+" "+u.Host) {
			t.Errorf("%s: %q", spelled, got)
		}
	}
}

// The component follows a redirect itself. The allow-list must permit the new request.
func TestRedirectIsNotFollowed(t *testing.T) {
	other := server(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("Location", "/elsewhere")
		if r.URL.Path == "/far" {
			w.Header().Set("Location", other.URL)
		}
		w.WriteHeader(http.StatusFound)
	})
	got := request(t, &Config{AllowedOrigins: []string{s.URL}}, "GET", s.URL+"/far")
	if !slices.Contains(got, "status 302") || !slices.Contains(got, "header location: "+other.URL) {
		t.Error(got)
	}
}

func TestHTTPHeaders(t *testing.T) {
	s := server(t, echo)
	cfg := &Config{AllowedOrigins: []string{s.URL}}
	for header, want := range map[string]string{
		"host:x": "Forbidden", "Connection:close": "Forbidden", "transfer-encoding:chunked": "Forbidden",
		"a b:x": "InvalidSyntax", ":x": "InvalidSyntax", "a:b\nc": "InvalidSyntax",
	} {
		got := guestLines(t, cfg, "http", "GET", s.URL, "header="+header)
		wantLines(t, got, "headers HeaderError::"+want)
	}
}

func TestHTTPErrors(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-hang
		case "/stall":
			fmt.Fprint(w, "first")
			_ = http.NewResponseController(w).Flush()
			<-hang
		case "/cut":
			w.Header()["Date"] = nil
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "first")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/deaf":
			fmt.Fprint(w, "no need")
		default:
			echo(w, r)
		}
	})
	closed := "http://" + closedport.Address(t)
	cfg := &Config{AllowedOrigins: []string{s.URL, closed, strings.Replace(s.URL, "http:", "https:", 1)}}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"refused":     {[]string{"GET", closed}, "error ErrorCode::ConnectionRefused"},
		"first byte":  {[]string{"GET", s.URL + "/slow", "first-byte-ms=50"}, "error ErrorCode::ConnectionReadTimeout"},
		"bytes":       {[]string{"GET", s.URL + "/stall", "between-bytes-ms=50"}, "body failed Some(ErrorCode::ConnectionReadTimeout)"},
		"incomplete":  {[]string{"GET", s.URL + "/cut"}, "body failed Some(ErrorCode::HttpResponseIncomplete)"},
		"too long":    {[]string{"POST", s.URL, "body=hello", "header=content-length:3"}, "write failed Some(ErrorCode::HttpRequestBodySize(Some(5)))"},
		"too much":    {[]string{"POST", s.URL, "body=hello", "header=content-length:3"}, "error ErrorCode::HttpRequestBodySize(Some(5))"},
		"too short":   {[]string{"POST", s.URL, "body=hello", "header=content-length:9"}, "error ErrorCode::HttpRequestBodySize(Some(5))"},
		"no TLS":      {[]string{"GET", strings.Replace(s.URL, "http:", "https:", 1)}, "error ErrorCode::TlsProtocolError"},
		"early":       {[]string{"POST", s.URL + "/deaf", "body-size=30000000"}, "status 200"},
		"both length": {[]string{"POST", s.URL, "body=x", "header=content-length:1", "trailer=a:b"}, "error ErrorCode::HttpProtocolError"},
	} {
		t.Run(name, func(t *testing.T) {
			got := request(t, cfg, test.args...)
			if !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, test.want) }) {
				t.Errorf("%s\nwithout %s", strings.Join(got, "\n"), test.want)
			}
		})
	}
}

// The time to connect has a separate bound.
func TestConnectTimeout(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		<-over
		return nil, net.ErrClosed
	}}
	cfg := &Config{AllowedOrigins: []string{"http://a.example"}, Transport: transport}
	wantLines(t, request(t, cfg, "GET", "http://a.example/", "connect-ms=50"), "error ErrorCode::ConnectionTimeout")
}

// A body that the component drops does not look complete.
func TestAbandonedBody(t *testing.T) {
	whole := make(chan bool, 1)
	s := server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		whole <- err == nil
	})
	got := request(t, &Config{AllowedOrigins: []string{s.URL}}, "POST", s.URL, "abandon")
	if !strings.HasPrefix(got[0], "error ErrorCode::HttpProtocolError") {
		t.Error(got)
	}
	s.Close() // waits for its handlers
	select {
	case w := <-whole:
		if w {
			t.Error("the server took the body for whole")
		}
	default: // The request ended before it sent its headers.
	}
}

// The end of the context ends the wait for a response. The end of the instance ends the request.
func TestHTTPEndsWithTheContext(t *testing.T) {
	ended := make(chan struct{})
	s := server(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	o := runCommand(ctx, t, guest(t, "guest"), &Config{AllowedOrigins: []string{s.URL}}, "http", "GET", s.URL)
	if !errors.Is(o.err, context.DeadlineExceeded) {
		t.Fatal(o)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the request goes on")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The host's transport gets the allowed requests.
func TestTransport(t *testing.T) {
	cfg := &Config{AllowedOrigins: []string{"https://api.example"}, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: 204, Header: http.Header{"X-Url": {r.URL.String()}}, Body: http.NoBody,
		}, nil
	})}
	wantLines(t, request(t, cfg, "GET", "https://api.example/x"), "again Err(())", "status 204",
		"header x-url: https://api.example/x", "second consume Err(())", "body ", "no trailers")
}

func TestParseOrigin(t *testing.T) {
	for s, want := range map[string]string{
		"https://Example.com":      "https://example.com:443",
		"http://example.com:080/":  "http://example.com:80",
		"http://[0:0:0:0:0:0:0:1]": "http://[::1]:80",
		"https://a:8443":           "https://a:8443",
		"http://a/b":               "", "http://u@a": "", "http://a?": "", "http://a?b": "", "http://a#b": "",
		"ftp://a": "", "a": "", "": "", "http://": "", "http://a:99999": "", "http://a:b": "", "*": "",
		"http://*": "", "https://*.example.com": "", "http://a*b": "", "http://b\u00fccher.example": "", "http://a,b": "", "http://a%2ab": "",
		"http://a_b-c.d": "http://a_b-c.d:80", "http://[::ffff:1.2.3.4]:1": "http://[::ffff:1.2.3.4]:1",
	} {
		got, err := ParseOrigin(s)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
}

func TestHTTPTypes(t *testing.T) {
	wantLines(t, guestLines(t, nil, "http-types"),
		"append Ok(()) Ok(())", "set Ok(())", "set HeaderError::Forbidden HeaderError::InvalidSyntax",
		"get [[49], [50]] [] []", "has true false", "delete Ok(()) Ok(()) HeaderError::InvalidSyntax", "entries 2 4",
		"default Method::Get None None None",
		`method Ok(()) Method::Other("FOO") Err(()) Err(())`,
		`scheme Ok(()) Some(Scheme::Other("ws")) Err(()) Ok(())`,
		`authority Ok(()) Some("h:1") Err(()) Err(())`,
		`path Ok(()) Some("/a?b") Err(()) Err(()) Err(())`, "headers 4",
		"options None None None", "set Ok(()) Some(1)",
		"room Ok(65536) Ok(())", "room Ok(65533) second Err(())", "finish true",
		"handle Err(ErrorCode::HttpRequestUriInvalid)")
}

func TestHTTPErrorCodes(t *testing.T) {
	for want, err := range map[string]error{
		"DNS-timeout":             &net.DNSError{IsTimeout: true},
		"DNS-error":               &url.Error{Err: &net.DNSError{IsNotFound: true}},
		"TLS-certificate-error":   &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"TLS-alert-received":      &net.OpError{Op: "remote error", Err: tls.AlertError(40)},
		"TLS-protocol-error":      tls.RecordHeaderError{},
		"connection-refused":      &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"connection-terminated":   &net.OpError{Op: "read", Err: syscall.ECONNRESET},
		"destination-unavailable": &net.OpError{Op: "dial", Err: errors.New("no route")},
		"connection-timeout":      os.ErrDeadlineExceeded,
		"internal-error":          errors.New("else"),
	} {
		if got := httpErrorOf(t.Context(), err); got.Case != want {
			t.Errorf("%v: %s, not %s", err, got.Case, want)
		}
	}
}
