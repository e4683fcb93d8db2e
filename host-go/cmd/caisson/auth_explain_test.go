package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/explain"
)

// A server with everything, and what is read of it.
func TestExplain(t *testing.T) {
	s := serveAuth(t)
	h := &home{folder: "/nowhere/at/all"}
	o := caissonRun(t, "auth", "explain", s.URL()+"?token=s3cret")
	o.expect(t, exitOK)
	golden(t, "auth_explain", s.normal(h, o.out))
	if strings.Contains(o.out+o.stderr, "s3cret") {
		t.Errorf("the query is shown: %s", o.out)
	}
	o = caissonRun(t, "auth", "explain", s.URL(), "--json")
	o.expect(t, exitOK)
	var report explain.Report
	if err := json.Unmarshal([]byte(o.out), &report); err != nil || len(report.Steps) != 3 || !report.Possible {
		t.Errorf("%v, %+v", err, report)
	}
	if s.Count("/register")+s.Count("/authorize")+s.Count("/token") != 0 {
		t.Error("it does more than look")
	}
}

// documents serves texts by path, as JSON. In them AT is the server's own origin.
func documents(t *testing.T, challenge string, texts map[string]string) string {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if challenge != "" {
				w.Header().Set("WWW-Authenticate", strings.ReplaceAll(challenge, "AT", server.URL))
			}
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		text, ok := texts[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if to, redirects := strings.CutPrefix(text, "-> "); redirects {
			http.Redirect(w, r, strings.ReplaceAll(to, "AT", server.URL), http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, strings.ReplaceAll(text, "AT", server.URL))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// What is wrong with a server is said, with the section that wants it another way.
func TestExplainFaults(t *testing.T) {
	const (
		resource = "/.well-known/oauth-protected-resource"
		server   = "/.well-known/oauth-authorization-server"
		good     = `"authorization_endpoint": "AT/a", "token_endpoint": "AT/t", "code_challenge_methods_supported": ["S256"], "registration_endpoint": "AT/r"`
	)
	named := map[string]string{resource + "/mcp": `{"resource": "AT/mcp", "authorization_servers": ["AT/as"]}`}
	with := func(path, text string) map[string]string {
		all := map[string]string{path: text}
		for path, text := range named {
			all[path] = text
		}
		return all
	}
	for name, test := range map[string]struct {
		challenge string
		texts     map[string]string
		possible  bool
		want      []string
	}{
		"nothing": {"", nil, true, []string{
			"note: a 401 has no WWW-Authenticate", "as in revision 2025-03-26", "GET AT/.well-known/openid-configuration: 404", "its endpoints are taken to be AT/authorize, AT/token and AT/register",
		}},
		"no metadata of the named one": {"Bearer", named, true, []string{"the authorization server AT/as", "its endpoints are taken to be AT/authorize, "}},
		"2025-03-26":                   {"Bearer", map[string]string{server: `{"issuer": "AT", ` + good + `}`}, true, []string{"has no resource_metadata", "=> a client is known by --client-id, or registers itself"}},
		"by challenge":                 {`Bearer resource_metadata="AT/there"`, map[string]string{"/there": `{"resource": "AT", "authorization_servers": ["AT"]}`, server: `{"issuer": "AT", ` + good + `}`}, true, []string{"GET AT/there: 200", "but covers it"}},
		"a path": {"Bearer", with(server+"/as", `{"issuer": "AT/as", "client_id_metadata_document_supported": true, `+good+`}`), true, []string{
			"the authorization server AT/as", "client_id_metadata_document_supported: true", "by its metadata document (--client-metadata-url), else it registers itself", "a logout revokes nothing",
		}},
		"OpenID, appended": {"Bearer", with("/as/.well-known/openid-configuration", `{"issuer": "AT/as", `+good+`}`), true, []string{"GET AT/.well-known/openid-configuration/as: 404", "GET AT/as/.well-known/openid-configuration: 200"}},
		"no PKCE":          {"Bearer", with(server+"/as", `{"issuer": "AT/as", "authorization_endpoint": "AT/a", "token_endpoint": "AT/t"}`), false, []string{"FAULT: code_challenge_methods_supported is missing", "note: there is neither dynamic registration"}},
		"plain PKCE":       {"Bearer", with(server+"/as", `{"issuer": "AT/as", "code_challenge_methods_supported": ["plain"], "token_endpoint": "AT/t"}`), false, []string{"does not have S256", "note: authorization_endpoint is missing"}},
		"another issuer":   {"Bearer", with(server+"/as", `{"issuer": "https://evil.example.com", `+good+`}`), false, []string{"FAULT: issuer is not what the server's metadata names", "nobody can log in: issuer"}},
		"a slash":          {"Bearer", with(server+"/as", `{"issuer": "AT/as/", `+good+`}`), true, []string{"note: issuer differs"}},
		"no issuer":        {"Bearer", with(server+"/as", `{`+good+`}`), false, []string{"FAULT: issuer is missing"}},
		"no https":         {"Bearer", with(server+"/as", `{"issuer": "AT/as", "authorization_endpoint": "http://example.com/a", "token_endpoint": "AT/t", "code_challenge_methods_supported": ["S256"]}`), false, []string{"authorization_endpoint is neither https nor of this machine"}},
		"HTML":             {"Bearer", with(server+"/as", `<html>`), false, []string{"FAULT: it is not JSON"}},
		"a redirect":       {"Bearer", map[string]string{resource + "/mcp": "-> /moved", "/moved": named[resource+"/mcp"], server + "/as": `{"issuer": "AT/as", ` + good + `}`}, true, []string{"resource: AT/mcp"}},
		"a redirect away":  {"Bearer", map[string]string{resource + "/mcp": "-> http://127.0.0.1:9/"}, false, []string{"Location: http://127.0.0.1:9/", "a redirect to another origin is not followed"}},
		"another resource": {"Bearer", map[string]string{resource + "/mcp": `{"resource": "https://example.com/mcp", "authorization_servers": ["AT"]}`, server: `{"issuer": "AT", ` + good + `}`}, false, []string{"FAULT: resource is another server's"}},
		"no servers":       {"Bearer", map[string]string{resource + "/mcp": `{"resource": "AT/mcp"}`}, false, []string{"FAULT: authorization_servers is missing or empty"}},
		"no headers":       {"Bearer", map[string]string{resource + "/mcp": `{"resource": "AT/mcp", "authorization_servers": ["AT"], "bearer_methods_supported": ["query"]}`}, false, []string{"does not have header"}},
		"plain http":       {"Bearer", map[string]string{resource + "/mcp": `{"resource": "AT/mcp", "authorization_servers": ["http://as.example.com"]}`}, false, []string{"it is not asked: it is neither https nor of this machine"}},
		"no URL":           {"Bearer", map[string]string{resource + "/mcp": `{"resource": "AT/mcp", "authorization_servers": ["\u001b[2J"]}`}, false, []string{"FAULT: its name is not a URL", `\u{1b}[2J`}},
	} {
		t.Run(name, func(t *testing.T) {
			at := documents(t, test.challenge, test.texts)
			o := caissonRun(t, "auth", "explain", at+"/mcp")
			code := exitLogin
			if test.possible {
				code = exitOK
			}
			o.expect(t, code)
			shown := strings.ReplaceAll(o.out, at, "AT")
			for _, text := range test.want {
				if !strings.Contains(shown, text) {
					t.Errorf("it does not have %q:\n%s", text, shown)
				}
			}
		})
	}
}

// A server that asks for nothing needs no login, which is no failure; one whose metadata is wrong may ask later.
func TestExplainOpen(t *testing.T) {
	answers := func(status int, metadata string) string {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case r.Method == http.MethodPost:
				w.WriteHeader(status)
			case metadata != "" && strings.HasPrefix(r.URL.Path, "/.well-known/oauth-protected-resource"):
				fmt.Fprint(w, metadata)
			default:
				http.NotFound(w, r)
			}
		})) + "/mcp"
	}
	open := answers(http.StatusOK, "")
	const says = "=> the server asks for no authorization: no login is needed"
	o := caissonRun(t, "auth", "explain", open)
	o.expect(t, exitOK)
	if !strings.Contains(o.out, says) || strings.Contains(o.out, "nobody can log in") || o.stderr != "" {
		t.Errorf("it says %s%s", o.out, o.stderr)
	}
	o = caissonRun(t, "auth", "explain", open, "--json")
	o.expect(t, exitOK)
	var report explain.Report
	if err := json.Unmarshal([]byte(o.out), &report); err != nil || !report.Open || report.Possible {
		t.Errorf("%v, %+v", err, report)
	}
	for name, at := range map[string]string{"no answer": answers(http.StatusNotFound, ""), "wrong metadata": answers(http.StatusOK, `{"resource": "https://example.com/mcp"}`)} {
		o := caissonRun(t, "auth", "explain", at)
		if o.expect(t, exitLogin); strings.Contains(o.out, says) {
			t.Errorf("%s: it says %s", name, o.out)
		}
	}
}

// Nothing leads a client from the internet into the user's own network.
func TestExplainStaysOut(t *testing.T) {
	asked := false
	inside := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "mcp.example.com" {
			asked = true
		}
		w := httptest.NewRecorder()
		w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+inside+`/secret"`)
		w.WriteHeader(http.StatusUnauthorized)
		return w.Result(), nil
	})
	u := mustParse(t, "https://mcp.example.com/mcp")
	report := explain.Walk(t.Context(), u, explain.Options{Transport: transport})
	if asked || report.Possible || !strings.Contains(fmt.Sprint(report.Steps), "and the server is on the internet") {
		t.Errorf("%+v", report)
	}
	if report = explain.Walk(t.Context(), u, explain.Options{Transport: transport, Private: true}); !asked {
		t.Errorf("it may, and does not: %+v", report)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
