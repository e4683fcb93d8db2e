package bearer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzHeader parses headers: what is taken as a token is one word of the field, of the right characters.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer  a.b-c_~+/==", "Basic eDp5", "Bearer", "Bearer =", "Bearer a b", "Bearer \x00", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		token, refused := parseHeader(field)
		if (token == "") == (refused == nil) {
			t.Fatalf("%q: token %q, refusal %v", field, token, refused)
		}
		if refused != nil {
			return
		}
		words := strings.Fields(field)
		if len(words) != 2 || words[1] != token || !strings.EqualFold(words[0], "bearer") || len(token) > maxTokenBytes {
			t.Fatalf("%q gave %q", field, token)
		}
	})
}

// FuzzToken has anybody send any token: it is never good, and nothing panics.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{"a.b.c", "eyJhbGciOiJub25lIn0.e30.", "caisson_x", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbSJ9.AAAA"} {
		f.Add(seed)
	}
	refusing := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed })}
	a, err := New(f.Context(), Options{Issuers: []string{"https://idp.example.com"}, URL: origin, HTTPClient: refusing})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if info, refused := a.authenticate(r); info != nil || refused == nil {
			t.Fatalf("%q is good", token)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
