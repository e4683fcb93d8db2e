package caisson_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/closedport"
)

// fault is what a call that went wrong must say.
type fault struct {
	codes   []caisson.Code // one of these
	says    string         // in the message
	goesOn  bool           // the session still works
	succeed string         // the call succeeds, with this text
}

func checkFault(t *testing.T, want fault, server, step string, result *mcp.CallToolResult, err error) {
	t.Helper()
	if want.succeed != "" {
		if err != nil {
			t.Fatalf("the call failed: %v", err)
		}
		if got := result.Content[0].(*mcp.TextContent).Text; got != want.succeed {
			t.Errorf("the call gave %q, want %q", got, want.succeed)
		}
		return
	}
	var e *caisson.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %T (%v), want a *caisson.Error", err, err)
	}
	found := false
	for _, code := range want.codes {
		found = found || e.Code == code
	}
	if !found {
		t.Errorf("the code is %v, want one of %v: %v", e.Code, want.codes, err)
	}
	if e.Server != server {
		t.Errorf("the error names the server %q, want %q", e.Server, server)
	}
	if e.Step != step {
		t.Errorf("the error names the step %q, want %q", e.Step, step)
	}
	if !strings.Contains(err.Error(), want.says) {
		t.Errorf("the error says %q, want something with %q", err, want.says)
	}
}

// TestStdioFaults calls a tool of servers that do everything wrong, while a session with a good
// server goes on.
func TestStdioFaults(t *testing.T) {
	t.Parallel()
	r := sharedRuntime(t)
	good := connect(t, r, childServer(t, "silent"))
	ended := []caisson.Code{caisson.CodeTransport, caisson.CodeClosed}
	for mode, want := range map[string]fault{
		"exits":          {codes: ended, says: "the disk is full"},
		"malformed":      {codes: []caisson.Code{caisson.CodeProtocol}, says: "JSON", goesOn: true},
		"junk-first":     {succeed: "after the junk", goesOn: true},
		"wrong-id":       {codes: []caisson.Code{caisson.CodeProtocol}, says: "id", goesOn: true},
		"twice":          {succeed: "first", goesOn: true},
		"huge":           {codes: []caisson.Code{caisson.CodeLimit}, says: "MaxMessageBytes"},
		"closes-stdout":  {codes: []caisson.Code{caisson.CodeTransport, caisson.CodeClosed, caisson.CodeProtocol}},
		"invalid-result": {codes: []caisson.Code{caisson.CodeProtocol}, says: "content", goesOn: true},
		"rpc-error":      {codes: []caisson.Code{caisson.CodeRPC}, says: "try <later>", goesOn: true},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := connect(t, r, childServer(t, mode))
			result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any"})
			checkFault(t, want, mode, "tools/call", result, err)
			if _, err := good.CallTool(testContext(t), &mcp.CallToolParams{Name: "fine"}); err != nil {
				t.Errorf("another session suffers: %v", err)
			}
			_, err = s.CallTool(testContext(t), &mcp.CallToolParams{Name: "fine"})
			switch {
			case want.goesOn && err != nil:
				t.Errorf("the session does not go on: %v", err)
			case !want.goesOn && slices.Contains(want.codes, caisson.CodeLimit):
				if caisson.CodeOf(err) != caisson.CodeLimit || !strings.Contains(err.Error(), want.says) {
					t.Errorf("a call after the end gives %v, want the bound that ended the session", err)
				}
			case !want.goesOn && !errors.Is(err, caisson.ErrClosed) && caisson.CodeOf(err) != caisson.CodeTransport:
				// Transport where the call came before the end did.
				t.Errorf("a call after the end gives %v, want ErrClosed", err)
			}
		})
	}
}

// TestRPCErrorIsWhole shows that a JSON-RPC error of the server's loses nothing.
func TestRPCErrorIsWhole(t *testing.T) {
	t.Parallel()
	s := connect(t, sharedRuntime(t), childServer(t, "rpc-error"))
	_, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any"})
	var e *jsonrpc.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v, want a *jsonrpc.Error in it", err)
	}
	if e.Code != -32050 || e.Message != "try <later>" || string(e.Data) != `{"after":[1,2.5],"é":"\ud83d"}` {
		t.Errorf("the error is %d %q %s", e.Code, e.Message, e.Data)
	}
}

// TestConnectFaults connects to what is not a server, or not a working one.
func TestConnectFaults(t *testing.T) {
	t.Parallel()
	status := func(code int, contentType, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return server.URL + "/mcp?key=secret-in-the-url"
	}
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	redirect := httptest.NewServer(http.RedirectHandler(other.URL+"/elsewhere", http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/html")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(endless.Close)
	for name, test := range map[string]struct {
		server caisson.Server
		codes  []caisson.Code
		says   string
		is     error
	}{
		"no such command": {
			server: caisson.Server{Command: "no-such-command-anywhere"},
			codes:  []caisson.Code{caisson.CodeConnect}, says: "no-such-command-anywhere", is: exec.ErrNotFound,
		},
		"a command that ends at once": {
			server: childServer(t, "dies-of-initialize"),
			codes:  []caisson.Code{caisson.CodeTransport, caisson.CodeClosed}, says: "exit status 8",
		},
		"nothing listens": {
			server: caisson.Server{URL: "http://" + closedport.Address(t) + "/mcp"},
			codes:  []caisson.Code{caisson.CodeConnect}, is: syscall.ECONNREFUSED,
		},
		"404":              {server: caisson.Server{URL: status(404, "text/plain", "nothing here")}, codes: []caisson.Code{caisson.CodeHTTP}, says: "404 Not Found, so check the path of the URL: "},
		"500":              {server: caisson.Server{URL: status(500, "text/plain", "broken")}, codes: []caisson.Code{caisson.CodeHTTP}, says: "500"},
		"401":              {server: caisson.Server{URL: status(401, "text/plain", "who are you?")}, codes: []caisson.Code{caisson.CodeAuthorizationRequired}, says: "401 Unauthorized, so log in with Server.Auth, or give an Authorization header that it takes: "},
		"HTML":             {server: caisson.Server{URL: status(200, "text/html", "<html>Welcome</html>")}, codes: []caisson.Code{caisson.CodeProtocol}, says: "ontent type"},
		"HTML without end": {server: caisson.Server{URL: endless.URL}, codes: []caisson.Code{caisson.CodeProtocol}, says: "ontent type"},
		"not JSON":         {server: caisson.Server{URL: status(200, "application/json", "{")}, codes: []caisson.Code{caisson.CodeProtocol}},
		"a redirect to another origin": {
			server: caisson.Server{URL: redirect.URL},
			codes:  []caisson.Code{caisson.CodeRefused}, says: other.URL,
		},
		"no server at all": {server: caisson.Server{}, codes: []caisson.Code{caisson.CodeInvalidArgument}, says: "Server.URL"},
		"a file URL":       {server: caisson.Server{URL: "file:///etc/passwd"}, codes: []caisson.Code{caisson.CodeInvalidArgument}, says: "http"},
	} {
		for _, transport := range []caisson.TransportType{caisson.TransportAuto, caisson.TransportHTTP, caisson.TransportSSE} {
			if test.server.URL == "" && transport != caisson.TransportAuto {
				continue
			}
			t.Run(name+"/"+string(transport), func(t *testing.T) {
				t.Parallel()
				server := test.server
				server.Name = "it"
				server.Type = transport
				if server.URL != "" {
					server.Headers = http.Header{"Authorization": {"Bearer secret-in-a-header"}}
				}
				s, err := sharedRuntime(t).Connect(testContext(t), server)
				if err == nil {
					_ = s.Close()
					t.Fatal("it connected")
				}
				checkFault(t, fault{codes: test.codes, says: test.says}, "it", "connect", nil, err)
				if test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("the error %v is not %v", err, test.is)
				}
				if strings.Contains(err.Error(), "secret") {
					t.Errorf("the error has a secret in it: %v", err)
				}
			})
		}
	}
}

// TestHTTPFaults calls a tool of a server that shakes hands and then does something wrong.
func TestHTTPFaults(t *testing.T) {
	t.Parallel()
	sse := func(body string) func(http.ResponseWriter, message) {
		return func(w http.ResponseWriter, _ message) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte(body))
		}
	}
	plain := func(code int, contentType, body string) func(http.ResponseWriter, message) {
		return func(w http.ResponseWriter, _ message) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter, message)
		want   fault
	}{
		"404":                {plain(404, "text/plain", "gone"), fault{codes: []caisson.Code{caisson.CodeHTTP}, says: "404"}},
		"500":                {plain(500, "text/plain", "broken"), fault{codes: []caisson.Code{caisson.CodeHTTP}, says: "500"}},
		"HTML":               {plain(200, "text/html", "<html>"), fault{codes: []caisson.Code{caisson.CodeProtocol}, says: "ontent type"}},
		"malformed JSON":     {plain(200, "application/json", `{"jsonrpc":`), fault{codes: []caisson.Code{caisson.CodeProtocol}, says: "JSON"}},
		"malformed event":    {sse("data: {\"jsonrpc\":\n\n"), fault{codes: []caisson.Code{caisson.CodeProtocol, caisson.CodeTransport}}},
		"a stream that ends": {sse(": nothing\n\n"), fault{codes: []caisson.Code{caisson.CodeTransport}}},
		"an empty answer":    {plain(200, "application/json", ""), fault{codes: []caisson.Code{caisson.CodeProtocol}}},
		"accepted":           {plain(202, "text/plain", ""), fault{codes: []caisson.Code{caisson.CodeProtocol, caisson.CodeTransport}}},
		"wrong id":           {plain(200, "application/json", `{"jsonrpc":"2.0","id":98765,"result":{"content":[]}}`), fault{codes: []caisson.Code{caisson.CodeProtocol}, says: "id"}},
		"huge": {func(w http.ResponseWriter, m message) {
			w.Header().Set("Content-Type", "application/json")
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 100 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, fault{codes: []caisson.Code{caisson.CodeLimit}, says: "MaxMessageBytes"}},
		"huge event": {func(w http.ResponseWriter, m message) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte("data: "))
			chunk := []byte(strings.Repeat("x", 1<<20))
			for range 100 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, fault{codes: []caisson.Code{caisson.CodeLimit}, says: "MaxMessageBytes"}},
		"dropped": {func(w http.ResponseWriter, _ message) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}, fault{codes: []caisson.Code{caisson.CodeTransport}}},
		"dropped half-way": {func(w http.ResponseWriter, _ message) {
			conn, buffer, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = buffer.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"jsonrpc\"")
				_ = buffer.Flush()
				_ = conn.Close()
			}
		}, fault{codes: []caisson.Code{caisson.CodeTransport}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(handshake(test.answer))
			t.Cleanup(server.Close)
			s := connect(t, sharedRuntime(t), caisson.Server{Name: "it", URL: server.URL})
			result, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "any"})
			checkFault(t, test.want, "it", "tools/call", result, err)
			if err := s.Ping(testContext(t), nil); err != nil {
				t.Errorf("the session does not go on: %v", err)
			}
		})
	}
}

// handshake is a streamable HTTP server of revision 2025-11-25 that leaves tools/call to answer.
func handshake(answer func(http.ResponseWriter, message)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&m) != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		reply := func(result string) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":` + string(m.ID) + `,` + result + `}`))
		}
		switch m.Method {
		case "initialize":
			reply(`"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"h","version":"1"}}`)
		case "ping":
			reply(`"result":{}`)
		case "tools/call":
			answer(w, m)
		default:
			if m.ID == nil {
				w.WriteHeader(http.StatusAccepted)
				return
			}
			reply(`"error":{"code":-32601,"message":"no such method"}`)
		}
	})
}

// TestEndedContext shows that a context which has ended is found before anything happens.
func TestEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := sharedRuntime(t).Connect(ctx, childServer(t, "silent")); !errors.Is(err, context.Canceled) {
		t.Errorf("Connect gives %v, want context.Canceled", err)
	}
}
