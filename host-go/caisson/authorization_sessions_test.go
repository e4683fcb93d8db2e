package caisson_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authserver"
)

// TestGroupLogsInOnce has the sessions of a group, at one server, share a login; and 64 calls that are made
// when its token is at its end, a refresh.
func TestGroupLogsInOnce(t *testing.T) {
	t.Parallel()
	server := newAuthServer(t)
	var ahead atomic.Int64
	c := newClient(t, caisson.ClientOptions{
		Auth: &auth.OAuth{Ask: &auth.Browser{Port: freePort(t), Open: new(browsingPerson).visit}},
	})
	c.SetClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	servers := caisson.ServerMap{}
	for i := range 8 {
		servers[fmt.Sprint("s", i)] = caisson.Server{URL: server.URL()}
	}
	g, err := c.ConnectGroup(testContext(t), servers, nil)
	if err == nil {
		t.Cleanup(func() { _ = g.Close() })
		err = g.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	calls := func() {
		t.Helper()
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				params := &mcp.CallToolParams{Name: fmt.Sprintf("s%d__add", i%8), Arguments: addition{1, 2}}
				if _, err := g.CallTool(testContext(t), params); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	calls()
	happened(t, server, authserver.Did{Registrations: 1, Logins: 1})

	ahead.Store(int64(2 * time.Hour))
	calls()
	happened(t, server, authserver.Did{Registrations: 1, Logins: 1, Refreshes: 1})

	server.Expire()
	calls()
	happened(t, server, authserver.Did{Registrations: 1, Logins: 1, Refreshes: 2})
}

// TestClientSecretEnds has a client registered anew when its secret has ended. The tokens were the old
// client's, so a person logs in again.
func TestClientSecretEnds(t *testing.T) {
	t.Parallel()
	server := newAuthServer(t)
	server.SecretLife = 24 * time.Hour
	var ahead atomic.Int64
	c := newClient(t, caisson.ClientOptions{
		Auth: &auth.OAuth{Ask: &auth.Browser{Port: freePort(t), Open: new(browsingPerson).visit}},
	})
	c.SetClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	s := connect(t, c, caisson.Server{URL: server.URL()})
	add := func() {
		t.Helper()
		if _, err := s.CallTool(testContext(t), &mcp.CallToolParams{Name: "add", Arguments: addition{1, 2}}); err != nil {
			t.Fatal(err)
		}
	}
	ahead.Store(int64(2 * time.Hour))
	add()
	happened(t, server, authserver.Did{Registrations: 1, Logins: 1, Refreshes: 1})
	ahead.Store(int64(2 * server.SecretLife))
	add()
	happened(t, server, authserver.Did{Registrations: 2, Logins: 2, Refreshes: 1})
}

// TestDeviceCode has a person enter a code on another device, at an authorization server that nobody here wrote.
func TestDeviceCode(t *testing.T) {
	t.Parallel()
	url := authorizingNode("oidc-provider", "auth-oidc.mjs")(t, "")
	var p browsingPerson
	var refreshes atomic.Int32
	failed := make(chan error, 1)
	method := &auth.OAuth{Device: func(ctx context.Context, code auth.DeviceCode) { failed <- p.visit(ctx, code.CompleteURL) }}
	method.OnEvent = func(e auth.Event) {
		if e.Kind == auth.EventRefreshed {
			refreshes.Add(1)
		}
	}
	var ahead atomic.Int64
	c := newClient(t, caisson.ClientOptions{})
	c.SetClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	s := connect(t, c, caisson.Server{URL: url, Auth: method})
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(lifetime))
	if text := callText(t, s, "whoami"); text != "mcp" {
		t.Errorf("the token is for %q", text)
	}
	if p.visits.Load() != 1 || refreshes.Load() != 1 {
		t.Errorf("a person entered a code %d times, and the token was refreshed %d times", p.visits.Load(), refreshes.Load())
	}
}
