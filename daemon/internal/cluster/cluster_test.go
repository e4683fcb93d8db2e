package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"

	"github.com/caisson-dev/caisson/daemon/internal/access"
	"github.com/caisson-dev/caisson/daemon/internal/link"
	"github.com/caisson-dev/caisson/daemon/internal/pool"
	"github.com/caisson-dev/caisson/daemon/internal/store"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

func join(t testing.TB, url string, o Options) *Cluster {
	t.Helper()
	var err error
	if o.Store, err = store.Open(t.Context(), store.Options{NATS: &store.NATS{URL: url}}); err != nil {
		t.Fatal(err)
	}
	c, err := Join(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		o.Store.Close()
	})
	return c
}

func alive(t *testing.T, c *Cluster, node string) bool {
	t.Helper()
	is, err := c.Alive(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// TestRegistry has two daemons know of each other's sessions, one at a time have one, and no principal too many.
func TestRegistry(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	one, two := join(t, url, Options{MaxPerPrincipal: 2}), join(t, url, Options{MaxPerPrincipal: 2})
	ctx := t.Context()
	for _, id := range []string{"a", "b..>*"} {
		if err := one.Claim(ctx, "https://issuer.example#alice", id, "files"); err != nil {
			t.Fatal(err)
		}
	}
	e, err := two.Find(ctx, "https://issuer.example#alice", "b..>*")
	if err != nil || e == nil || e.Node != one.Node || e.Server != "files" || e.Anew {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := two.Find(ctx, "bob", "a"); e != nil || err != nil {
		t.Errorf("somebody else's: %+v, %v", e, err)
	}
	if err := two.Claim(ctx, "https://issuer.example#alice", "c", "files"); caisson.CodeOf(err) != caisson.CodeLimit {
		t.Errorf("a third session: %v", err)
	}
	if all, err := two.List(ctx, "https://issuer.example#alice"); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	one.Release(ctx, "https://issuer.example#alice", "b..>*")
	lost := &Entry{Principal: "https://issuer.example#alice", ID: "lost", Server: "files", Node: one.Node}
	if _, err := one.sessions.Create(ctx, key(lost.Principal, lost.ID), lost.text()); err != nil { // As if the answer was lost.
		t.Fatal(err)
	}
	one.options.MaxPerPrincipal = 0
	if err := one.Claim(ctx, lost.Principal, lost.ID, "files"); err != nil {
		t.Errorf("an entry of whose end it has not heard: %v", err)
	}
	one.Release(ctx, lost.Principal, lost.ID)
	var exists *pool.ExistsError
	if err := one.Claim(ctx, "https://issuer.example#alice", "a", "files"); !errors.As(err, &exists) {
		t.Errorf("an id twice on one daemon: %v", err)
	}
	if err := two.Claim(ctx, "https://issuer.example#alice", "a", "files"); !errors.As(err, &exists) {
		t.Errorf("the id of another daemon's session: %v", err)
	}
	two.Release(ctx, "https://issuer.example#alice", "a") // It is not its own.
	if e, err := two.Find(ctx, "https://issuer.example#alice", "a"); e == nil || err != nil {
		t.Errorf("another daemon's session is gone: %v", err)
	}
	if err := one.Settle(ctx, "https://issuer.example#alice", "a", "files"); err != nil {
		t.Fatal(err)
	}
	if e, err := two.Find(ctx, "https://issuer.example#alice", "a"); err != nil || !e.Anew {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestTake has many want the session of a daemon, and one get it; who had it renews it no more.
func TestTake(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	one, two, three := join(t, url, Options{}), join(t, url, Options{}), join(t, url, Options{})
	ctx := t.Context()
	if err := one.Claim(ctx, "alice", "a", "files"); err != nil {
		t.Fatal(err)
	}
	before, err := two.Find(ctx, "alice", "a")
	if err != nil {
		t.Fatal(err)
	}
	var taken atomic.Int32
	var working sync.WaitGroup
	for i := range 10 {
		working.Go(func() {
			var exists *pool.ExistsError
			if err := []*Cluster{two, three}[i%2].Take(ctx, before, "files"); err == nil {
				taken.Add(1)
			} else if !errors.As(err, &exists) {
				t.Error(err)
			}
		})
	}
	working.Wait()
	after, err := one.Find(ctx, "alice", "a")
	if err != nil || taken.Load() != 1 || after.Node == one.Node {
		t.Errorf("%d have it: %+v, %v", taken.Load(), after, err)
	}
	if err := one.renew(ctx); err != nil {
		t.Error(err)
	}
	one.Release(ctx, "alice", "a")
	if again, err := one.Find(ctx, "alice", "a"); err != nil || again == nil || again.revision != after.revision {
		t.Errorf("who had it has changed it: %+v, %v", again, err)
	}
}

// TestAlive notices that a daemon is gone, when it says so and when it does not; and not when NATS was away.
func TestAlive(t *testing.T) {
	server := storetest.Start(t, nil)
	times := Times{Lease: 600 * time.Millisecond}
	one, two, three := join(t, server.URL(), Options{Times: times}), join(t, server.URL(), Options{Times: times}), join(t, server.URL(), Options{Times: times})
	server.Stop()
	server.Restart()
	storetest.Until(t, func() bool {
		_, err := one.Alive(t.Context(), two.Node)
		return err == nil
	})
	if !alive(t, one, two.Node) {
		t.Error("a daemon counts as gone since NATS was away")
	}
	three.Close()
	two.options.Store.Conn.Close() // As a process does that is killed.
	storetest.Until(t, func() bool { return !alive(t, one, two.Node) && !alive(t, one, three.Node) })
	if !alive(t, one, one.Node) {
		t.Error("the daemon that is left is gone too")
	}
}

// TestServe has a call have its principal, and none without one.
func TestServe(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	one, two := join(t, url, Options{}), join(t, url, Options{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		two.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p := access.FromContext(r.Context())
			_, _ = fmt.Fprintf(w, "%s may %v, %v", p.Name, p.Scopes, Forwarded(r.Context()))
		}))
	}()
	ctx := access.WithPrincipal(t.Context(), &access.Principal{Name: "alice", Scopes: []access.Scope{access.MCP}})
	get := func(ctx context.Context, client http.RoundTripper, header, node string) (int, string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, URL(node), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(principalHeader, header)
		answer, err := client.RoundTrip(r)
		if err != nil {
			return 0, "", err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text), err
	}
	// What a client has in the header is not what goes to the other daemon.
	if _, text, err := get(ctx, one.client.Transport, "eyJOYW1lIjoiYm9iIn0=", two.Node); err != nil || text != "alice may [caisson:mcp], true" {
		t.Errorf("%q, %v", text, err)
	}
	if _, _, err := get(t.Context(), one.client.Transport, "", two.Node); err == nil {
		t.Error("a call goes out for nobody")
	}
	if status, _, err := get(ctx, one.client.Transport.(*forPrincipal).next, "", two.Node); err != nil || status != http.StatusUnauthorized {
		t.Errorf("without a principal: %d, %v", status, err)
	}
	var absent *link.DialError
	if _, _, err := get(ctx, one.client.Transport, "", strings.Repeat("x", 26)); !errors.As(err, &absent) || !absent.Absent {
		t.Errorf("a daemon that is not there: %v", err)
	}
	two.Drain(t.Context())
	<-ended
	if _, _, err := get(ctx, one.client.Transport, "", two.Node); !errors.As(err, &absent) {
		t.Errorf("a daemon that drains: %v", err)
	}
}

// BenchmarkRegistry has a session claimed, found and released; and says how large an entry is for NATS.
func BenchmarkRegistry(b *testing.B) {
	c := join(b, storetest.Start(b, nil).URL(), Options{})
	ctx := b.Context()
	if err := c.Claim(ctx, "alice", "there", "files"); err != nil {
		b.Fatal(err)
	}
	status, err := c.sessions.Status(ctx)
	if err != nil {
		b.Fatal(err)
	}
	size := float64(status.Bytes())
	b.Run("find", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Find(ctx, "alice", "there"); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(size, "bytes/entry")
	})
	b.Run("claim and release", func(b *testing.B) {
		for b.Loop() {
			if err := c.Claim(ctx, "bob", "here", "files"); err != nil {
				b.Fatal(err)
			}
			c.Release(ctx, "bob", "here")
		}
	})
	b.Run("lease", func(b *testing.B) {
		for b.Loop() {
			if err := c.live(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestLimitAfterDeath has sessions that are lost with their daemon not count against their principal.
func TestLimitAfterDeath(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	o := Options{MaxPerPrincipal: 1, Times: Times{Lease: 300 * time.Millisecond}}
	one, two := join(t, url, o), join(t, url, o)
	ctx := t.Context()
	if err := one.Claim(ctx, "alice", "a", "files"); err != nil {
		t.Fatal(err)
	}
	if err := two.Claim(ctx, "alice", "b", "files"); caisson.CodeOf(err) != caisson.CodeLimit {
		t.Errorf("while it is there: %v", err)
	}
	one.options.Store.Conn.Close() // As a process does that is killed.
	storetest.Until(t, func() bool { return two.Claim(ctx, "alice", "b", "files") == nil })
	if e, err := two.Find(ctx, "alice", "a"); err != nil || e == nil {
		t.Errorf("it is not known any more that it was there: %v, %v", e, err)
	}
}
