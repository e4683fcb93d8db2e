package egress

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/closedport"
)

func TestOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"http://a":                "http://a",
		"HTTP://A.Example:80/x?y": "http://a.example",
		"https://a:443":           "https://a",
		"https://a:80":            "https://a:80",
		"http://a:0080":           "http://a",
		"http://u:p@a:8080/":      "http://a:8080",
		"http://[::0001]:80":      "http://[::1]",
		"http://[::1]:81":         "http://[::1]:81",
		"http://127.0.0.1:8080#f": "http://127.0.0.1:8080",
		"http://a.:80":            "http://a.",
		"ftp://a":                 "",
		"//a":                     "",
		"/a":                      "",
		"http:a":                  "",
		"http://:80":              "",
		"http://a:70000":          "",
	} {
		got, err := originOf(mustParse(t, text))
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

// forbidden is a server that must not be asked.
func forbidden(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request got out: %s %s", r.Method, r.URL)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestRefused(t *testing.T) {
	server, other := forbidden(t), forbidden(t)
	granted := Grant{Server: "files", URL: mustParse(t, server.URL)}
	for _, test := range []struct {
		name    string
		grant   Grant
		request Request
		parts   []string
	}{
		{"no grant", Grant{Server: "files"}, get(server.URL), []string{`server "files"`, "HTTP is not granted", "configure the server's URL"}},
		{"grant of another scheme", Grant{URL: mustParse(t, "ws://a")}, get("ws://a"), []string{"grants no HTTP", "http or https"}},
		{"another port", granted, get(other.URL + "/x?q=s3cret"), []string{other.URL + " is not granted", "only " + server.URL}},
		{"another scheme", granted, get(strings.Replace(server.URL, "http", "https", 1)), []string{"is not granted"}},
		{"another host", granted, get(strings.Replace(server.URL, "127.0.0.1", "localhost", 1)), []string{"is not granted"}},
		{"a short address", granted, get("http://127.1/"), []string{"four decimal numbers"}},
		{"no http", granted, get("file:///etc/passwd"), []string{"not http or https"}},
		{"relative", granted, get("/x"), []string{"not http or https"}},
		{"no URL", granted, get("http://u:s3cret@[::1/"), []string{"a URL that is not valid"}},
		{"user in the URL", granted, get(strings.Replace(server.URL, "http://", "http://u:s3cret@", 1)), []string{"user name or a password"}},
		{"TRACE", granted, Request{Method: "TRACE", URL: server.URL}, []string{"method TRACE is not granted"}},
		{"CONNECT", granted, Request{Method: "connect", URL: server.URL}, []string{"is not granted"}},
		{"invalid method", granted, Request{Method: "GET /", URL: server.URL}, []string{`"GET /" is not valid`}},
		{"invalid name", granted, Request{Method: "GET", URL: server.URL, Header: [][2]string{{"a b", "c"}}}, []string{`name is not valid: "a b"`}},
		{"empty name", granted, Request{Method: "GET", URL: server.URL, Header: [][2]string{{"", "c"}}}, []string{`name is not valid: ""`}},
		{"invalid value", granted, Request{Method: "GET", URL: server.URL, Header: [][2]string{{"x-a", "s3cret\r\nHost: b"}}}, []string{"x-a has a control character"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, sink := start(t, test.grant, Options{})
			events, err := do(t, s, sink, 1, test.request)
			wantError(t, err, Refused, test.parts...)
			if len(events) != 0 {
				t.Errorf("events before it: %+v", events)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// The user's header wins, the host's fields are the host's, and the rest is the core's.
func TestRequestHeader(t *testing.T) {
	s, sink, got := echoHeader(t, func(g *Grant) {
		g.Header = http.Header{"authorization": {"Bearer user"}, "X-Both": {"user"}, "host": {"virtual.example"}}
	})
	do(t, s, sink, 1, Request{Method: "GET", URL: s.policyURL(), Header: [][2]string{
		{"Authorization", "Bearer core"},
		{"x-both", "core"},
		{"X-BOTH", "core 2"},
		{"x-core", "1"},
		{"x-core", "2"},
		{"cookie", "a=b"},
		{"host", "evil.example"},
		{"connection", "close"},
		{"content-length", "5"},
		{"transfer-encoding", "chunked"},
		{"upgrade", "websocket"},
		{"te", "trailers"},
		{"trailer", "x"},
		{"expect", "100-continue"},
		{"keep-alive", "1"},
		{"proxy-authorization", "Basic x"},
		{"proxy-connection", "close"},
		{"accept-encoding", "br"},
	}})
	r := <-got
	for name, want := range map[string]string{
		"Authorization":   "Bearer user",
		"X-Both":          "user",
		"X-Core":          "1, 2",
		"Cookie":          "a=b",
		"Accept-Encoding": "gzip",
	} {
		if value := strings.Join(r.Header.Values(name), ", "); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
	if r.Host != "virtual.example" || len(r.TransferEncoding) != 0 || r.Close || r.ContentLength != 0 {
		t.Errorf("the core changed the request: %+v", r)
	}
	for _, name := range []string{"Connection", "Upgrade", "Te", "Trailer", "Expect", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection"} {
		if value, ok := r.Header[name]; ok {
			t.Errorf("%s got out: %q", name, value)
		}
	}
}

// The user information of the configured URL becomes basic authentication.
func TestUserInformation(t *testing.T) {
	s, sink, got := echoHeader(t, func(g *Grant) { g.URL.User = url.UserPassword("me", "s3cret") })
	do(t, s, sink, 1, get(s.policyURL()))
	if user, password, ok := (<-got).BasicAuth(); !ok || user != "me" || password != "s3cret" {
		t.Errorf("basic authentication: %q, %q, %v", user, password, ok)
	}
}

// echoHeader returns a session with a server that hands out the requests it gets.
func echoHeader(t *testing.T, configure func(*Grant)) (*Broker, *recorder, <-chan *http.Request) {
	t.Helper()
	got := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r }))
	t.Cleanup(server.Close)
	grant := Grant{URL: mustParse(t, server.URL)}
	configure(&grant)
	s, sink := start(t, grant, Options{})
	return s, sink, got
}

// policyURL returns a URL of the granted origin.
func (s *Broker) policyURL() string { return string(s.policy.origin) + "/" }

// A server that says our secrets back does not get them into an error.
func TestSecretsStayOutOfErrors(t *testing.T) {
	const token = "hunter2-hunter2"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(buffer, "HTTP/1.1 999x %s %s\r\n\r\n", r.Header.Get("X-Key"), r.Header.Get("Authorization"))
		buffer.Flush()
	}))
	defer server.Close()
	s, sink := start(t, Grant{
		Server: "files",
		URL:    mustParse(t, server.URL),
		Header: http.Header{"X-Key": {token}, "Authorization": {"Bearer " + token}},
	}, Options{})
	_, err := do(t, s, sink, 1, get(server.URL+"/"+token+"?key="+token+"#"+token))
	wantError(t, err, Transport, "GET "+server.URL, "malformed HTTP")
	if strings.Contains(err.Message, token) {
		t.Errorf("the message tells a secret: %v", err)
	}
	var quoting *url.Error
	if !errors.As(err, &quoting) || quoting.URL != server.URL {
		t.Errorf("the cause has a URL with more than its origin: %#v", quoting)
	}
}

func TestProxyFromEnvironment(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "proxied %s", r.URL)
	}))
	defer proxy.Close()
	refused := "http://" + closedport.Address(t)
	for value, want := range map[string]string{
		proxy.URL: "proxied http://server.invalid/x",
		refused:   "connect: GET http://server.invalid: proxyconnect tcp: dial tcp " + strings.TrimPrefix(refused, "http://") + ": REASON; check the proxy in HTTP_PROXY or HTTPS_PROXY",
	} {
		command := child(t, "get http://server.invalid/x")
		command.Env = append(command.Env, "HTTP_PROXY="+value, "http_proxy=", "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=")
		s, sink := start(t, Grant{Command: command}, unhurried)
		if err := s.PipeOpen(ref(1)); err != nil {
			t.Fatal(err)
		}
		events, _ := sink.ended(t, ref(1))
		got := strings.Join(messagesOf(events), "\n")
		before, after, _ := strings.Cut(want, "REASON") // the system's own words
		if !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) {
			t.Errorf("with the proxy %s: %q, want %q", value, got, want)
		}
	}
}

func TestKindsAreInTheOrderOfTheContract(t *testing.T) {
	var names bytes.Buffer
	for kind := range Kind(6) {
		fmt.Fprintf(&names, "%v ", kind)
	}
	if got, want := names.String(), "refused connect transport limit unauthorized kind(5) "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
