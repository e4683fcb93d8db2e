package server

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// app is the origin of the pages that may call.
const app = "https://app.example.com"

// from sends a request as a browser does for a page of an origin.
func from(t *testing.T, d *daemon, origin, method, path string, header map[string]string) *http.Response {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(header["body"])
	}
	r, err := http.NewRequestWithContext(t.Context(), method, d.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", origin)
	for name, value := range header {
		if name != "body" {
			r.Header.Set(name, value)
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// asked is what the daemon answers the browser of a page that wants to call: "" for no.
func asked(t *testing.T, d *daemon, origin, method, path, headers string) string {
	t.Helper()
	answer := from(t, d, origin, http.MethodOptions, path, map[string]string{"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers})
	if answer.StatusCode != http.StatusNoContent {
		t.Errorf("%s %s for %s: %s", method, path, origin, answer.Status)
	}
	if vary := strings.Join(answer.Header.Values("Vary"), ","); !strings.Contains(vary, "Origin") {
		t.Errorf("%s %s for %s: Vary is %q", method, path, origin, vary)
	}
	if credentials := answer.Header.Get("Access-Control-Allow-Credentials"); credentials != "" {
		t.Errorf("%s %s for %s: it asks for credentials: %s", method, path, origin, credentials)
	}
	return answer.Header.Get("Access-Control-Allow-Origin")
}

// The calls of pages: where they go, and with which headers, as a browser lists them.
var fromPages = []struct{ name, method, path, headers string }{
	{"Connect", "POST", "/caisson.v1.McpService/CallTool", "authorization,connect-protocol-version,connect-timeout-ms,content-type"},
	{"gRPC-Web", "POST", "/caisson.v1.McpService/CallTool", "authorization,content-type,grpc-timeout,x-grpc-web,x-user-agent"},
	{"plain", "POST", "/call-tool", "authorization,content-type"},
	{"a trace", "POST", "/caisson.v1.ScriptService/RunScript", "authorization,content-type,traceparent,tracestate"},
	{"the health", "POST", "/grpc.health.v1.Health/Check", "content-type,x-grpc-web"},
	{"the document", "GET", "/openapi.json", ""},
}

// TestPreflight asks as browsers do before a page calls, which do not say who calls.
func TestPreflight(t *testing.T) {
	d := start(t, "access: {tokens: tokens.json, origins: ["+app+", 'http://localhost:5173']}\n")
	for _, call := range fromPages {
		for _, origin := range []string{app, "http://localhost:5173"} {
			if got := asked(t, d, origin, call.method, call.path, call.headers); got != origin {
				t.Errorf("%s from %s: the answer is %q", call.name, origin, got)
			}
		}
		for _, origin := range []string{
			"https://other.example.com", "http://app.example.com", app + ":8443", app + ".evil.example", "https://evilapp.example.com",
			"https://APP.example.com", "http://localhost", d.url, "null", "*",
		} {
			if got := asked(t, d, origin, call.method, call.path, call.headers); got != "" {
				t.Errorf("%s from %s, which is not listed: the answer is %q", call.name, origin, got)
			}
		}
	}
	if got := asked(t, d, app, "DELETE", "/call-tool", "authorization"); got != "" {
		t.Errorf("a method that nothing has: %q", got)
	}
	if got := asked(t, d, app, "POST", "/call-tool", "authorization,x-other"); got != "" {
		t.Errorf("a header that nobody reads: %q", got)
	}
}

// TestPages calls as pages do, with and without a token.
func TestPages(t *testing.T) {
	d := start(t, "access: {tokens: tokens.json, origins: "+app+"}\n"+servers("up", newUpstream(t).url))
	for _, test := range []struct {
		name, path, kind, body string
		want                   int
	}{
		{"Connect", "/caisson.v1.McpService/ListSessions", "application/json", "{}", http.StatusOK},
		{"gRPC-Web", "/caisson.v1.McpService/ListSessions", "application/grpc-web+proto", "\x00\x00\x00\x00\x00", http.StatusOK},
		{"plain", "/call-tool", "application/json", `{"server":"up","name":"echo","arguments":{"text":"hi"}}`, http.StatusOK},
		{"what fails", "/call-tool", "application/json", `{}`, http.StatusBadRequest},
	} {
		header := map[string]string{"Content-Type": test.kind, "body": test.body}
		answer := from(t, d, app, http.MethodPost, test.path, header)
		if answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("Access-Control-Allow-Origin") != app {
			t.Errorf("%s without a token: %s, %v", test.name, answer.Status, answer.Header)
		}
		header["Authorization"] = "Bearer " + d.token("alice")
		answer = from(t, d, app, http.MethodPost, test.path, header)
		if answer.StatusCode != test.want || answer.Header.Get("Access-Control-Allow-Origin") != app {
			t.Errorf("%s: %s, %v", test.name, answer.Status, answer.Header)
		}
		exposed := strings.Split(answer.Header.Get("Access-Control-Expose-Headers"), ", ")
		for _, name := range []string{"Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin", "Www-Authenticate"} {
			if !slices.Contains(exposed, name) {
				t.Errorf("%s: a page cannot read %s: %q", test.name, name, exposed)
			}
		}
		// It is the browser that keeps the answer from a page that is not listed: for the daemon it is a call like another.
		answer = from(t, d, "https://other.example.com", http.MethodPost, test.path, header)
		if of := answer.Header.Get("Access-Control-Allow-Origin"); answer.StatusCode != test.want || of != "" {
			t.Errorf("%s from another origin: %s, %q", test.name, answer.Status, of)
		}
	}
}

// TestReloadPages lists another origin, and none, while the daemon runs. With a mistake the list before holds.
func TestReloadPages(t *testing.T) {
	d := start(t, "access: {tokens: tokens.json}\n")
	path := filepath.Join(filepath.Dir(d.tokens), "caisson.yaml")
	reload := func(origins string) error {
		t.Helper()
		if err := os.WriteFile(path, []byte("listen: 127.0.0.1:0\naccess: {tokens: tokens.json, origins: "+origins+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return d.Reload(t.Context())
	}
	const other = "https://other.example.com"
	check := func(when string, wantApp, wantOther bool) {
		t.Helper()
		for origin, want := range map[string]bool{app: wantApp, other: wantOther} {
			got := asked(t, d, origin, "POST", "/call-tool", "authorization,content-type")
			if want && got != origin || !want && got != "" {
				t.Errorf("%s: %s gets %q", when, origin, got)
			}
		}
	}
	check("by default", false, false)
	if err := reload(app); err != nil {
		t.Fatal(err)
	}
	check("after the first one is listed", true, false)
	if err := reload("'*'"); err == nil || !strings.Contains(err.Error(), "access.origins") {
		t.Errorf("a wildcard: %v", err)
	}
	check("after a mistake", true, false)
	if err := reload("[" + other + "]"); err != nil {
		t.Fatal(err)
	}
	check("after the other one is listed", false, true)
	if err := reload("[]"); err != nil {
		t.Fatal(err)
	}
	check("after none is listed", false, false)
}
