package pool

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// A door is the way to a server, which can be shut.
type door struct {
	server *caissontest.Server
	shut   atomic.Bool
	tried  atomic.Int64 // how often somebody has knocked
	hold   chan struct{}
}

// Connect implements the transport.
func (d *door) Connect(ctx context.Context) (mcp.Connection, error) {
	d.tried.Add(1)
	if d.hold != nil {
		select {
		case <-d.hold:
		case <-ctx.Done():
		}
	}
	if d.shut.Load() {
		return nil, errors.New("nobody is at home")
	}
	return d.server.Connect(ctx)
}

// withDoors makes a pool whose servers have doors.
func withDoors(t *testing.T, o Options, names ...string) (*Pool, map[string]*door) {
	t.Helper()
	settings := o.Settings
	o.Settings = nil
	p, servers := newPool(t, o, names...)
	doors, described := map[string]*door{}, caisson.ServerMap{}
	for name, server := range servers {
		doors[name] = &door{server: server}
		described[name] = caisson.Server{Name: name, Transport: doors[name]}
	}
	p.SetServers(described, settings)
	return p, doors
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// TestInstances shows that a stateless server gets further sessions when all are busy, up to as many as are configured,
// that no call waits for one that is not there yet, and that the calls are spread over them.
func TestInstances(t *testing.T) {
	p, doors := withDoors(t, Options{Settings: map[string]Settings{"a": {Stateless: true, Instances: 3}}}, "a")
	first, release := use(t, p, "alice", "a")
	defer release()
	hold := make(chan struct{})
	doors["a"].hold = hold
	again, releaseAgain := use(t, p, "alice", "a")
	if again != first {
		t.Error("a call waits for a session that is being made")
	}
	eventually(t, "no further session is begun", func() bool { return p.Count() == 2 })
	close(hold)
	seen := map[*Session]bool{first: true}
	for n := 2; n <= 3; n++ {
		eventually(t, "the session is not connected", func() bool { return len(p.List("alice")) == n })
		s, release := use(t, p, "alice", "a")
		defer release()
		if seen[s] {
			t.Error("a call goes to a busy session, and another one has nothing to do")
		}
		seen[s] = true
		_, release = use(t, p, "alice", "a") // All are busy.
		defer release()
	}
	releaseAgain()
	for range 3 {
		s, release := use(t, p, "alice", "a")
		defer release()
		if !seen[s] {
			t.Error("there is a fourth session")
		}
	}
	if n := p.Count(); n != 3 {
		t.Errorf("there are %d sessions", n)
	}
	if s := p.Servers()[0]; s.Instances != 3 || s.Underway != 8 {
		t.Errorf("the state is %+v", s)
	}
}

// TestWarm shows that sessions are there before somebody asks, that they stay, and that they come again.
func TestWarm(t *testing.T) {
	settings := map[string]Settings{"a": {Stateless: true, Instances: 2, Warm: []string{"alice"}}}
	p, doors := withDoors(t, Options{Idle: time.Millisecond, Settings: settings}, "a", "b")
	two := func() bool { return len(p.List("alice")) == 2 }
	eventually(t, "they are not there", two)
	warm := p.List("alice")
	s, release := use(t, p, "alice", "a")
	if s != warm[0] && s != warm[1] {
		t.Error("another session is made")
	}
	release()
	cold, release := use(t, p, "alice", "b")
	release()
	ended(t, cold) // After a session that nobody keeps warm.
	if !two() {
		t.Error("a warm session has ended as nobody uses it")
	}
	doors["a"].server.End()
	for _, s := range warm {
		ended(t, s)
	}
	p.mu.Lock()
	p.keepWarm()
	p.mu.Unlock()
	eventually(t, "they do not come again", two)
	warm = p.List("alice")
	p.mu.Lock()
	servers := p.servers
	p.mu.Unlock()
	p.SetServers(servers, nil)
	for _, s := range warm {
		ended(t, s)
	}
}

// TestEquivalent shows where calls go of which several servers may take care.
func TestEquivalent(t *testing.T) {
	set := func(s Settings) Options {
		s.Servers = []string{"a", "b"}
		return Options{Settings: map[string]Settings{"any": s}}
	}
	t.Run("stateless", func(t *testing.T) {
		p, _ := withDoors(t, set(Settings{Stateless: true}), "a", "b")
		for i, want := range []string{"a", "b", "a", "b"} { // The one with the fewest calls underway.
			s, release := use(t, p, "alice", "any")
			defer release()
			if s.Server != want {
				t.Errorf("call %d goes to %s", i, s.Server)
			}
		}
	})
	t.Run("in order", func(t *testing.T) {
		p, doors := withDoors(t, set(Settings{Stateless: true, Ordered: true}), "a", "b")
		for _, shut := range []bool{false, true} {
			doors["a"].shut.Store(shut)
			s, release := use(t, p, map[bool]string{false: "alice", true: "bob"}[shut], "any")
			defer release()
			if want := map[bool]string{false: "a", true: "b"}[shut]; s.Server != want {
				t.Errorf("the call goes to %s, want %s", s.Server, want)
			}
		}
	})
	t.Run("with state", func(t *testing.T) {
		p, doors := withDoors(t, set(Settings{}), "a", "b")
		first, release := use(t, p, "alice", "any")
		defer release()
		again, releaseAgain := use(t, p, "alice", "any")
		defer releaseAgain()
		if again != first {
			t.Error("a call leaves the server that has the state")
		}
		other, releaseOther := use(t, p, "bob", "any")
		defer releaseOther()
		if other.Server == first.Server {
			t.Error("the sessions are not spread")
		}
		doors["a"].shut.Store(true)
		doors["a"].server.End()
		ended(t, first)
		next, releaseNext := use(t, p, "alice", "any")
		defer releaseNext()
		if next.Server != "b" {
			t.Errorf("after the end of its session a call goes to %s", next.Server)
		}
		own, releaseOwn, err := p.Connect(t.Context(), "carol", ConnectOptions{Server: "any"})
		if err != nil || own.Server != "b" {
			t.Fatalf("a session of one's own: %v, %v", own, err)
		}
		releaseOwn()
	})
	t.Run("another set", func(t *testing.T) {
		o := set(Settings{})
		p, doors := withDoors(t, o, "a", "b")
		first, release := use(t, p, "alice", "any")
		defer release()
		p.SetServers(caisson.ServerMap{"a": {Name: "a", Transport: doors["a"]}, "b": {Name: "b", Transport: doors["b"]}}, map[string]Settings{"any": {Servers: []string{"b"}}})
		next, release := use(t, p, "alice", "any")
		defer release()
		if first.Server != "a" || next.Server != "b" {
			t.Errorf("calls go to %s, and then to %s, which is the only one left", first.Server, next.Server)
		}
	})
	t.Run("none", func(t *testing.T) {
		p, doors := withDoors(t, set(Settings{}), "a", "b")
		for _, d := range doors {
			d.shut.Store(true)
		}
		if _, _, err := p.Use(t.Context(), "alice", Target{Server: "any"}); caisson.CodeOf(err) != caisson.CodeConnect {
			t.Errorf("a call: %v", err)
		}
		if _, _, err := p.Connect(t.Context(), "alice", ConnectOptions{Server: "any"}); caisson.CodeOf(err) != caisson.CodeConnect {
			t.Errorf("a session of one's own: %v", err)
		}
		if n := p.Count(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}
