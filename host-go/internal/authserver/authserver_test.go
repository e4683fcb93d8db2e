package authserver_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/authserver"
)

// A secret that is somewhere is found, in whatever form.
func TestLeaks(t *testing.T) {
	s := authserver.New(http.NotFoundHandler())
	defer s.Close()
	secret := s.NewSecret("x")
	for text, want := range map[string]int{
		"nothing": 0, "a " + secret + " b": 1,
		base64.StdEncoding.EncodeToString([]byte(secret)):                         1,
		base64.StdEncoding.EncodeToString([]byte("mine:" + secret + " and more")): 1,
		base64.RawURLEncoding.EncodeToString([]byte("ab" + secret)):               1,
	} {
		if leaks, looked := s.Leaks(text); len(leaks) != want || looked != 1 {
			t.Errorf("%q has %q", text, leaks)
		}
	}
}
