package caisson_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authserver"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// A server may be kept from the way to authorize that the client has for all servers.
func TestAuthNone(t *testing.T) {
	t.Parallel()
	s := authserver.New(demoserver.Handler(false, true))
	t.Cleanup(s.Close)
	person := new(browsingPerson)
	c := newClient(t, caisson.ClientOptions{Auth: &auth.OAuth{Ask: &auth.Browser{Port: freePort(t), Open: person.visit}}})
	none := caisson.Server{URL: s.URL(), Auth: &auth.None{}}
	_, err := c.Connect(testContext(t), none)
	var required *auth.RequiredError
	if !errors.Is(err, caisson.CodeAuthorizationRequired) || !errors.As(err, &required) {
		t.Errorf("the error is %v", err)
	}
	if err == nil || !strings.Contains(err.Error(), "in place of auth.None") || strings.Contains(err.Error(), "log in") {
		t.Errorf("what helps is not in %v", err)
	}
	if status, err := c.AuthStatus(testContext(t), none); status != nil || err != nil {
		t.Errorf("the status is %+v, %v", status, err)
	}
	if _, err := c.AccessToken(testContext(t), none); !errors.Is(err, caisson.CodeAuthorizationRequired) {
		t.Errorf("the error is %v", err)
	}
	if n := person.visits.Load() + int32(s.Count("/register")); n != 0 {
		t.Errorf("it was logged in to: %d", n)
	}
	connect(t, c, caisson.Server{URL: s.URL()})
	// A header of the user's own is no login.
	with := none
	with.Headers = http.Header{"Authorization": {"Bearer x"}}
	if err := with.Validate(); err != nil {
		t.Error(err)
	}
}
