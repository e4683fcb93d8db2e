package egress

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// redirector is a server that answers "/STATUS?to=URL" with a redirect, and everything else with what
// it was sent. It counts the requests.
func redirector(t *testing.T) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		var status int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &status); err == nil {
			if to := r.URL.Query().Get("to"); to != "" {
				w.Header().Set("Location", to)
			}
			w.WriteHeader(status)
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL, body, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	return server, &requests
}

// A redirect within the origin is followed as long as the request stays what it was. One that would
// make another request of it ends the exchange at once, and says where it leads.
func TestRedirects(t *testing.T) {
	server, requests := redirector(t)
	s, sink := start(t, Grant{Server: "files", URL: mustParse(t, server.URL), Header: http.Header{"authorization": {"Bearer t"}}}, Options{})
	type answer struct {
		body string // of a redirect that is followed
		part string // of the error of one that is not
	}
	refused := answer{part: "would become a GET without its body"}
	for i, test := range []struct {
		method string
		status int
		to     string
		want   answer
	}{
		{"POST", 301, "/end", refused},
		{"POST", 302, "/end", refused},
		{"POST", 303, "/end", refused},
		{"POST", 301, "/301/", answer{part: "with a slash at the end of the path"}},
		{"POST", 302, server.URL + "/end?token=s3cret#s3cret", answer{part: "to " + server.URL + ", with another path"}},
		{"DELETE", 301, "/end", refused},
		{"DELETE", 303, "/end", refused},
		{"PUT", 302, "/end", refused},
		{"POST", 307, "/end?from=here", answer{body: "POST /end?from=here b Bearer t"}},
		{"POST", 308, server.URL + "/end", answer{body: "POST /end b Bearer t"}},
		{"DELETE", 307, "/end", answer{body: "DELETE /end b Bearer t"}},
		{"GET", 301, "/end", answer{body: "GET /end  Bearer t"}},
		{"GET", 302, "end", answer{body: "GET /end  Bearer t"}},
		{"GET", 303, "/end", answer{body: "GET /end  Bearer t"}},
		{"GET", 308, "/end", answer{body: "GET /end  Bearer t"}},
		{"POST", 302, "", answer{}}, // no redirect, since it leads nowhere
		{"POST", 307, "", answer{}},
		{"POST", 300, "/end", answer{}}, // a choice, which is the core's
		{"POST", 304, "/end", answer{}},
	} {
		t.Run(fmt.Sprint(test.method, " ", test.status, " ", test.to), func(t *testing.T) {
			requests.Store(0)
			request := Request{Method: test.method, URL: fmt.Sprintf("%s/%d?to=%s", server.URL, test.status, url.QueryEscape(test.to))}
			if body := "b"; test.method != "GET" {
				request.Body = &body
			}
			events, err := do(t, s, sink, uint32(i), request)
			if test.want.part != "" {
				wantError(t, err, Refused, test.method+" "+server.URL, fmt.Sprint(test.status), test.want.part, "configure the URL that it redirects to")
				if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "/end") {
					t.Errorf("the error tells a path or a query: %v", err)
				}
				if n := requests.Load(); n != 1 || len(events) != 0 {
					t.Errorf("%d requests and %d events", n, len(events))
				}
				return
			}
			noError(t, err)
			if got := string(bodyOf(events)); got != test.want.body {
				t.Errorf("body %q, want %q", got, test.want.body)
			}
		})
	}
}

// No redirect leads out of the origin, whatever the method and the status, and none leads on for ever.
func TestRedirectsThatAreRefused(t *testing.T) {
	other := forbidden(t)
	server, requests := redirector(t)
	s, sink := start(t, Grant{Server: "files", URL: mustParse(t, server.URL)}, Options{})
	id := uint32(0)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			for _, test := range []struct {
				to    string
				kind  Kind
				parts []string
			}{
				{other.URL + "/x?token=s3cret", Refused, []string{server.URL + " redirects to " + other.URL, "configure its URL there"}},
				{strings.Replace(server.URL, "http://", "http://u:s3cret@", 1), Refused, []string{"user name or a password"}},
				{strings.Replace(server.URL, "http://", "https://", 1) + "/s3cret", Refused, []string{"redirects to https://127.0.0.1"}},
				{strings.Replace(server.URL, "127.0.0.1", "127.1", 1), Refused, []string{"is not granted"}},
				{"//" + strings.TrimPrefix(other.URL, "http://"), Refused, []string{"redirects to " + other.URL}},
				{"file:///etc/passwd", Refused, []string{"not http or https"}},
				{"javascript:alert(1)", Refused, []string{"not http or https"}},
				{"http://s3cret@[::1/", Transport, []string{method + " " + server.URL, "redirects to a URL that is not valid"}},
				{"http://a:s3cret/", Transport, []string{"redirects to a URL that is not valid"}},
				{"http://a/%zz", Transport, []string{"redirects to a URL that is not valid"}},
			} {
				id++
				requests.Store(0)
				events, err := do(t, s, sink, id, Request{Method: method, URL: fmt.Sprintf("%s/%d?to=%s", server.URL, status, url.QueryEscape(test.to))})
				wantError(t, err, test.kind, test.parts...)
				if n := requests.Load(); n != 1 || len(events) != 0 {
					t.Errorf("%s %d %s: %d requests and %d events", method, status, test.to, n, len(events))
				}
				if strings.Contains(err.Error(), "s3cret") || err.Err != nil && strings.Contains(err.Err.Error(), "s3cret") {
					t.Errorf("%s: the error tells a secret: %v", test.to, err)
				}
			}
		}
	}
}

func TestRedirectsWithoutEnd(t *testing.T) {
	var requests atomic.Int32
	s, sink, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", fmt.Sprint("/", requests.Add(1)))
		w.WriteHeader(http.StatusTemporaryRedirect)
	}, Options{})
	_, err := do(t, s, sink, 1, post(url, "b"))
	wantError(t, err, Transport, "POST "+url, "stopped after 10 redirects")
	if n := requests.Load(); n != maxRedirects {
		t.Errorf("%d requests", n)
	}
}
