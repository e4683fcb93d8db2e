package caisson_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// TestQueryStaysOutside talks to servers that want a token in the query of each request, over every
// transport that has URLs. They get it, and the core, whose whole boundary the recording has, does
// not know that there is a query.
func TestQueryStaysOutside(t *testing.T) {
	t.Parallel()
	const query = "token=s3cret-of-the-query&x=%zz"
	for name, test := range map[string]struct {
		transport caisson.TransportType
		revision  string
	}{
		"http":           {caisson.TransportHTTP, modern},
		"http, older":    {caisson.TransportHTTP, "2025-11-25"},
		"sse":            {caisson.TransportSSE, oldest},
		"found out":      {caisson.TransportAuto, "2025-06-18"},
		"sse, found out": {caisson.TransportAuto, oldest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var handler http.Handler = sdkHandler(newGoServer(), test.revision == modern)
			sse := strings.HasPrefix(name, "sse")
			if sse {
				handler = mcp.NewSSEHandler(func(*http.Request) *mcp.Server { return newGoServer() }, nil)
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				// A server of SSE names the URL for messages itself, with a query of its own.
				if own := sse && r.URL.Query().Has("sessionid"); r.URL.RawQuery != query && !own || r.URL.Path != "/mcp" {
					t.Errorf("it was asked for %s %s", r.Method, r.RequestURI)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				handler.ServeHTTP(w, r)
			}))
			t.Cleanup(func() {
				server.CloseClientConnections()
				server.Close()
			})
			recorded := &tapes{}
			r := newClient(t, caisson.ClientOptions{Record: recorded.record})
			s := connect(t, r, caisson.Server{Name: "it", URL: server.URL + "/mcp?" + query, Type: test.transport, ProtocolVersions: []string{test.revision}})
			if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "add", Arguments: addition{1, 2}}); err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
			tape := recorded.of("it")
			for _, part := range []string{"s3cret", "token=", "%zz", "/mcp?t"} {
				if i := bytes.Index(tape, []byte(part)); i >= 0 {
					t.Errorf("the core knows of %q: %.200s", part, tape[max(0, i-100):])
				}
			}
			if !bytes.Contains(tape, []byte(server.URL+"/mcp\"")) {
				t.Errorf("the recording does not have the URL: %.2000s", tape)
			}
		})
	}
}

// TestHostsThatAreWrittenOtherwise has the host and the core name one host in their own ways, and agree.
func TestHostsThatAreWrittenOtherwise(t *testing.T) {
	t.Parallel()
	handler := sdkHandler(newGoServer(), false)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost" // The SDK's server wants no other on loopback.
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	var asked atomic.Value
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		asked.Store(address)
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	r := newClient(t, caisson.ClientOptions{HTTPTransport: transport})
	for url, want := range map[string]string{
		"http://BÜCHER.example/a/../mcp":       "xn--bcher-kva.example:80",
		"http://例え。テスト:08080/":                 "xn--r8jz45g.xn--zckzah:8080",
		"http://faß.example/mcp":               "xn--fa-hia.example:80",
		"http://[::FFFF:127.0.0.1]:81/mcp":     "[::ffff:7f00:1]:81",
		"http://[0:0:0::1]/%2e%2E/mcp?a=b'c d": "[::1]:80",
		"HTTP://Example.COM./":                 "example.com.:80",
	} {
		s, err := r.Connect(testContext(t), caisson.Server{URL: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := s.Ping(testContext(t), nil); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		_ = s.Close()
		if asked.Load() != want {
			t.Errorf("%s: it connected to %v, want %s", url, asked.Load(), want)
		}
		transport.CloseIdleConnections()
	}
}

// TestUnusableURLs gives the cause of each URL that cannot be, and no word of the URL.
func TestUnusableURLs(t *testing.T) {
	t.Parallel()
	for url, cause := range map[string]string{
		"http://example.com:99999/s3cret?s3cret":    "port",
		"http://u:s3cret@example.com:99999/":        "port",
		"http://example.com:s3cret/":                "port",
		"http://[fe80::1%25s3cret]/s3cret":          "zone",
		"http://[s3cret]/":                          "IPv6",
		"http://127.1/s3cret":                       "four decimal numbers",
		"http://0x7f.1/?s3cret":                     "four decimal numbers",
		"http://２７.０.0.1/s3cret":                    "four decimal numbers",
		"http://example.com/%zz?s3cret":             "hexadecimal",
		"http://example.com/\ts3cret":               "control character",
		"http://exa mple.com/s3cret":                "character",
		"http://u:s3cret@example.com/":              "put it into an Authorization header",
		"//s3cret/":                                 "absolute",
		"s3cret:s3cret":                             "absolute",
		"https://s3cret\u00ad\u200e.example\u2028/": "domain name",
	} {
		_, err := sharedRuntime(t).Connect(testContext(t), caisson.Server{URL: url})
		if caisson.CodeOf(err) != caisson.CodeInvalidArgument || !strings.Contains(err.Error(), cause) {
			t.Errorf("%s: %v, want %q in it", url, err, cause)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells a secret: %v", url, err)
		}
	}
}
