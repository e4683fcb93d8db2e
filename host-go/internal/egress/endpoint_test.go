package egress

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// What ParseURL takes has one form, which is that of the core's own URLs; what it does not take it
// says the cause of, and quotes nothing.
func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://a":                            "http://a/",
		"HTTP://A.Example:80/X?Y#Z":           "http://a.example/X?Y",
		"https://a:0443/mcp":                  "https://a/mcp",
		"https://a:018080":                    "https://a:18080/",
		"http://a:":                           "http://a/",
		"http://a/b/../c/./d/%2e%2E/e?f=../g": "http://a/c/e?f=../g",
		"http://a/b/..":                       "http://a/",
		"http://a/../../b/.":                  "http://a/b/",
		"http://a/b%2Fc%41//d":                "http://a/b%2Fc%41//d",
		"http://a/a b\"|é":                    "http://a/a%20b%22%7C%C3%A9",
		"http://a?q=a b\"'<>é%zz;c":           "http://a/?q=a%20b%22%27%3C%3E%C3%A9%zz;c",
		"http://user:pass@a/":                 "http://user:pass@a/",
		"http://bücher.example/":              "http://xn--bcher-kva.example/",
		"http://BÜCHER.example:8080/":         "http://xn--bcher-kva.example:8080/",
		"http://b%C3%BCcher.example/":         "http://xn--bcher-kva.example/",
		"http://faß.example/":                 "http://xn--fa-hia.example/",
		"http://例え。テスト/":                      "http://xn--r8jz45g.xn--zckzah/",
		"http://ａ．example/":                   "http://a.example/",
		"http://my_server:8080/":              "http://my_server:8080/",
		"http://a--b.c.":                      "http://a--b.c./",
		"http://127.0.0.1:1/":                 "http://127.0.0.1:1/",
		"http://[::0001]:80/":                 "http://[::1]/",
		"http://[0:0::FFFF:1.2.3.4]:81":       "http://[::ffff:1.2.3.4]:81/",
	} {
		u, err := ParseURL(text)
		if err != nil || u.String() != want {
			t.Errorf("%s: %v, %v, want %s", text, u, err, want)
			continue
		}
		if again, err := ParseURL(u.String()); err != nil || again.String() != u.String() {
			t.Errorf("%s: %v, and again %v, %v", text, u, again, err)
		}
	}
	for text, cause := range map[string]string{
		"":               "absolute",
		"s3cret":         "absolute",
		"s3cret://a/":    "absolute",
		"//s3cret/":      "absolute",
		"http:s3cret":    "absolute",
		"http:///s3cret": "absolute",
		"ftp://a/s3cret": "absolute",
		"http://?s3cret": "absolute",
		"http://example.com:99999/mcp?token=s3cret": "port is not between",
		"http://example.com:s3cret/":                "port is not a number",
		"http://u:s3cret/mcp":                       "port is not a number",
		"http://example.com:-1/s3cret":              "port is not a number",
		"http://example.com:65536?s3cret":           "port is not between",
		"http://u:s3cret@example.com:99999/":        "port is not between",
		"http://[fe80::1%25s3cret]/?t=s3cret":       "zone",
		"http://[fe80::1%25eth0]:80/s3cret":         "zone",
		"http://[::1/s3cret":                        "IPv6",
		"http://u:s3cret@[::1::2]/":                 "IPv6",
		"http://[1.2.3.4]/s3cret":                   "IPv6",
		"http://[s3cret]/":                          "IPv6",
		"http://a b/s3cret":                         "character that no name",
		"http://a<b/s3cret":                         "character that no name",
		"http://*.example/s3cret":                   "character that no name",
		"http://a%41/s3cret":                        "hexadecimal",
		"http://a\\b/s3cret":                        "character that no name",
		"http://xn--a/s3cret":                       "domain name",
		"http://xn--s3cret-\u00ff.example/":         "domain name",
		"http://\u00ad/s3cret":                      "no host",
		"http://a\u200eb/s3cret":                    "domain name",
		"http://a/%zzs3cret":                        "hexadecimal",
		"http://a/s3cret%":                          "hexadecimal",
		"http://a/s3cret\n":                         "control character",
		"http://a\x00/s3cret":                       "control character",
		"http://s3cret\x7f@a/":                      "control character",
		"http://127.1/?s3cret":                      "four decimal numbers",
		"http://127.0.1:8080/?s3cret":               "four decimal numbers",
		"http://2130706433/?s3cret":                 "four decimal numbers",
		"http://0x7f.1/?s3cret":                     "four decimal numbers",
		"http://0x7f000001/?s3cret":                 "four decimal numbers",
		"http://0X7F.0.0.0x1/?s3cret":               "four decimal numbers",
		"http://0177.0.0.1/?s3cret":                 "four decimal numbers",
		"http://127.0.0.01/?s3cret":                 "four decimal numbers",
		"http://127.0.0.1./?s3cret":                 "four decimal numbers",
		"http://1.2.3.4.5/?s3cret":                  "four decimal numbers",
		"http://256.1.1.1/?s3cret":                  "four decimal numbers",
		"http://foo.0x/?s3cret":                     "four decimal numbers",
		"http://foo.09/?s3cret":                     "four decimal numbers",
		"http://２７.０.0.1/?s3cret":                   "four decimal numbers",
		"http://①.2.3.4/?s3cret":                    "four decimal numbers",
		"http://127。0。0。1/?s3cret":                  "four decimal numbers",
		"http://u:s3cret@１２７.1/":                    "four decimal numbers",
	} {
		u, err := ParseURL(text)
		switch {
		case err == nil:
			t.Errorf("%q: it is taken for %v", text, u)
		case !strings.Contains(err.Error(), cause):
			t.Errorf("%q: %v, and not a word of %q", text, err, cause)
		case strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%q: the error tells a secret: %v", text, err)
		}
	}
}

// The query of the granted URL goes out with the requests for that URL, and the core's URLs never
// have it. A query of the core's own stays, and no other path gets the user's.
func TestQueryIsTheHosts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/mcp/again" {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, r.RequestURI+r.Referer())
	}))
	defer server.Close()
	granted := func(rest string) *url.URL {
		t.Helper()
		u, err := ParseURL(server.URL + rest)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for _, test := range []struct{ granted, asked, sent string }{
		{"/mcp?token=s3cret&x=1", "", "/mcp?token=s3cret&x=1"},
		{"?token=s3cret", "", "/?token=s3cret"},
		{"/a%2Fb?token=s3cret", "", "/a%2Fb?token=s3cret"},
		{"/x/../mcp?token=s3cret", "/mcp", "/mcp?token=s3cret"},
		{"/mcp?token=s 'cret", "", "/mcp?token=s%20%27cret"},
		{"/mcp?token=s3cret", "/mcp?sessionId=1", "/mcp?sessionId=1"},
		{"/mcp?token=s3cret", "/messages", "/messages"},
		{"/mcp?token=s3cret", "/mcp/", "/mcp/"},
		{"/mcp?token=s3cret", "/MCP", "/MCP"},
		{"/mcp?token=s3cret", "/m%63p", "/m%63p"},
		{"/mcp?token=s3cret", "/.well-known/x", "/.well-known/x"},
		{"/mcp/again?token=s3cret", "", "/elsewhere"},
		{"/mcp", "", "/mcp"},
	} {
		u := granted(test.granted)
		asked := GuestURL(u)
		if strings.ContainsAny(asked, "?#@") {
			t.Errorf("%s: the core is told of %s", test.granted, asked)
		}
		if test.asked != "" {
			asked = server.URL + test.asked
		}
		s, sink := start(t, Grant{URL: u}, Options{})
		events, err := do(t, s, sink, 1, post(asked, "b"))
		noError(t, err)
		if got := string(bodyOf(events)); got != test.sent {
			t.Errorf("%s, asked for %q: %s was sent, want %s", test.granted, test.asked, got, test.sent)
		}
	}
}

// What is secret in a URL is known as such, also in a query that is not well formed.
func TestSecretsOfURL(t *testing.T) {
	for query, said := range map[string]string{
		"token=hunter2-hunter2":         "hunter2-hunter2",
		"hunter2-hunter2":               "hunter2-hunter2",
		"a=1&key=hunter2-hunter2":       "hunter2-hunter2",
		"key=hunter2%2Dhunter2":         "hunter2-hunter2",
		"key=hunter2%2dhunter2":         "hunter2%2dhunter2",
		"key=hunter2-hunter2%zz":        "hunter2-hunter2%zz",
		"a;key=hunter2-hunter2":         "hunter2-hunter2",
		"%zz=hunter2-hunter2&b":         "hunter2-hunter2",
		"a=b&hunter2+hunter2&x=y":       "hunter2 hunter2",
		"key=aHVudGVyMi1odW50ZXIy==&a=": "aHVudGVyMi1odW50ZXIy==",
	} {
		u := mustParse(t, "http://u:password1@a/?"+query)
		grant := Grant{Server: "files", URL: u}
		message := newPolicy(grant).fail(Transport, strings.Join([]string{said, "password1", query}, " "), nil).Message
		if message != "*** *** ***" {
			t.Errorf("%s: it says %s", query, message)
		}
		if all := grant.Secrets(); !slices.Contains(all, said) || !slices.Contains(all, "password1") {
			t.Errorf("%s: the secrets are %q", query, all)
		}
	}
}
