package main

import (
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/authserver"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// An authServer is an authorization server and, behind it, the demo server.
type authServer struct{ *authserver.Server }

func serveAuth(t *testing.T) authServer {
	t.Helper()
	s := authserver.New(demoserver.Handler(false, true))
	t.Cleanup(s.Close)
	return authServer{s}
}

// noSecretIn looks for every secret so far.
func (s authServer) noSecretIn(t *testing.T, what, text string) {
	t.Helper()
	leaks, looked := s.Leaks(text)
	if looked == 0 {
		t.Errorf("%s: there are no secrets to look for", what)
	}
	if len(leaks) > 0 {
		t.Errorf("%s has the secrets %q in it", what, leaks)
	}
}
