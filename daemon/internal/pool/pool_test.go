package pool

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

// newPool makes a pool with servers in memory, by their names.
func newPool(t *testing.T, o Options, names ...string) (*Pool, map[string]*caissontest.Server) {
	t.Helper()
	servers, described := map[string]*caissontest.Server{}, caisson.ServerMap{}
	for _, name := range names {
		servers[name] = caissontest.NewServer(t)
		described[name] = servers[name].Caisson()
	}
	for value, byDefault := range map[*int]int{&o.Max: 100, &o.MaxPerPrincipal: 100} {
		if *value == 0 {
			*value = byDefault
		}
	}
	for value, byDefault := range map[*time.Duration]time.Duration{&o.Idle: time.Hour, &o.Age: time.Hour} {
		if *value == 0 {
			*value = byDefault
		}
	}
	p := New(caissontest.Runtime(t), described, o)
	t.Cleanup(p.Close)
	return p, servers
}

func use(t *testing.T, p *Pool, principal, server string) (*Session, func()) {
	t.Helper()
	s, release, err := p.Use(t.Context(), principal, Target{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	return s, release
}

// ended waits for the end of a session.
func ended(t *testing.T, s *Session) {
	t.Helper()
	select {
	case <-s.freed:
	case <-t.Context().Done():
		t.Fatal("the session has not ended")
	}
}

// TestIdle shows that a session that nobody uses ends, and not before.
func TestIdle(t *testing.T) {
	p, _ := newPool(t, Options{Idle: time.Millisecond}, "a")
	s, release := use(t, p, "alice", "a")
	again, releaseAgain := use(t, p, "alice", "a")
	if again != s {
		t.Error("two sessions are made")
	}
	release()
	if err := s.Caisson().Ping(t.Context(), nil); err != nil {
		t.Errorf("a session that is in use has ended: %v", err)
	}
	releaseAgain()
	ended(t, s)
	next, release := use(t, p, "alice", "a")
	defer release()
	if next == s {
		t.Error("the session that has ended is given")
	}
}

// TestAge shows that an old session is given to no new call, and goes on for the one that has it.
func TestAge(t *testing.T) {
	p, _ := newPool(t, Options{}, "a")
	s, release := use(t, p, "alice", "a")
	p.retire(s)
	next, releaseNext := use(t, p, "alice", "a")
	defer releaseNext()
	if next == s {
		t.Error("the old session is given to a new call")
	}
	if err := s.Caisson().Ping(t.Context(), nil); err != nil {
		t.Errorf("the call that was underway: %v", err)
	}
	release()
	ended(t, s)
}

// TestBounds shows that an idle session makes room, and that there is none when all are in use.
func TestBounds(t *testing.T) {
	for name, o := range map[string]Options{"one principal": {MaxPerPrincipal: 2}, "all": {Max: 2}} {
		t.Run(name, func(t *testing.T) {
			p, _ := newPool(t, o, "a", "b", "c")
			a, releaseA := use(t, p, "alice", "a")
			_, releaseB := use(t, p, "alice", "b")
			defer releaseB()
			if _, _, err := p.Use(t.Context(), "alice", Target{Server: "c"}); caisson.CodeOf(err) != caisson.CodeLimit {
				t.Fatalf("a third session: %v", err)
			}
			releaseA()
			_, releaseC := use(t, p, "alice", "c")
			defer releaseC()
			ended(t, a)
			if n := p.Count(); n != 2 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

// TestGivesUp shows that one who gives up does not end the connecting for the others.
func TestGivesUp(t *testing.T) {
	p, servers := newPool(t, Options{}, "a")
	release := make(chan struct{})
	servers["a"].Handle("server/discover", func(call *caissontest.Call) (any, error) {
		return nil, errors.Join(call.Wait(release), errors.New("not known"))
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, _, err := p.Use(ctx, "alice", Target{Server: "a"})
		first <- err
	}()
	if _, err := servers["a"].Await(t.Context(), "server/discover"); err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		_, done, err := p.Use(t.Context(), "alice", Target{Server: "a"})
		if err == nil {
			done()
		}
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who gave up: %v", err)
	}
	close(release)
	if err := <-second; err != nil {
		t.Errorf("the other one: %v", err)
	}
}

// TestFailure shows that all that wait hear of a failure, that it is kept for the list of servers, and that the next
// call tries again.
func TestFailure(t *testing.T) {
	p, _ := newPool(t, Options{}, "a")
	p.SetServers(caisson.ServerMap{"bad": {Name: "bad", URL: "http://127.0.0.1:1/mcp"}}, nil)
	for range 2 {
		if _, _, err := p.Use(t.Context(), "alice", Target{Server: "bad"}); caisson.CodeOf(err) != caisson.CodeConnect {
			t.Fatalf("%v", err)
		}
	}
	states := p.Servers()
	if len(states) != 1 || caisson.CodeOf(states[0].LastErr) != caisson.CodeConnect || p.Count() != 0 {
		t.Errorf("%v, %d sessions", states, p.Count())
	}
}

// TestIDs shows which ids a session may have.
func TestIDs(t *testing.T) {
	p, _ := newPool(t, Options{}, "a")
	for id, good := range map[string]bool{"a-b_c.1": true, "a b": false, "é": false, fmt.Sprintf("%065d", 0): false} {
		_, release, err := p.Connect(t.Context(), "alice", ConnectOptions{ID: id, Server: "a"})
		if (err == nil) != good {
			t.Errorf("%q: %v", id, err)
		}
		if err == nil {
			release()
		}
	}
}

// TestSlowListener shows that a listener that does not read is cut off, and that the others go on.
func TestSlowListener(t *testing.T) {
	hub := newHub()
	all := func(Notification) bool { return true }
	slow, quick := hub.Listen(all), hub.Listen(all)
	for range maxWaiting + 1 {
		hub.publish(Notification{Method: "x"})
		<-quick.C
	}
	n := 0
	for range slow.C {
		n++
	}
	if n != maxWaiting || caisson.CodeOf(slow.Err()) != caisson.CodeLimit {
		t.Errorf("the slow one has heard %d, and ends with %v", n, slow.Err())
	}
	if quick.Err() != nil {
		t.Errorf("the quick one ends with %v", quick.Err())
	}
	hub.close()
	if _, open := <-quick.C; open || caisson.CodeOf(quick.Err()) != caisson.CodeClosed {
		t.Errorf("at the end: %v", quick.Err())
	}
}

// TestEnding shows that sessions that are being closed take no place, but are no more than the others.
func TestEnding(t *testing.T) {
	p, _ := newPool(t, Options{MaxPerPrincipal: 1}, "a", "b")
	_, release := use(t, p, "alice", "a")
	release()
	s, release := use(t, p, "alice", "b") // In the place of the other.
	release()
	for _, bound := range []*int{&s.principal.ending, &p.ending} {
		p.mu.Lock()
		before, most := *bound, map[bool]int{true: leastEnding, false: p.options.Max}[bound != &p.ending]
		*bound = most
		p.mu.Unlock()
		if _, _, err := p.Connect(t.Context(), "alice", ConnectOptions{Server: "a"}); caisson.CodeOf(err) != caisson.CodeLimit {
			t.Errorf("one more: %v", err)
		}
		p.mu.Lock()
		*bound += before - most
		p.mu.Unlock()
	}
	if err := p.Disconnect(t.Context(), "alice", s.ID); err != nil {
		t.Fatal(err)
	}
	ended(t, s)
	for {
		p.mu.Lock()
		done := p.ending == 0 && len(p.principals) == 0
		p.mu.Unlock()
		if done {
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatal("something is left")
		case <-time.After(time.Millisecond):
		}
	}
	if RuntimeSessions(1) < 1+leastEnding || RuntimeSessions(1000) < 2000 {
		t.Error("a runtime has no room for sessions that end")
	}
}

// TestWaiting bounds what waits for a listener, in bytes.
func TestWaiting(t *testing.T) {
	h := newHub()
	all := func(Notification) bool { return true }
	reads, sleeps := h.Listen(all), h.Listen(all)
	half := Notification{Method: "x", Params: make([]byte, maxWaitingBytes/2+1)}
	h.publish(half)
	reads.Took(<-reads.C)
	h.publish(half)
	if err := reads.Err(); err != nil {
		t.Errorf("who reads: %v", err)
	}
	if err := sleeps.Err(); caisson.CodeOf(err) != caisson.CodeLimit {
		t.Errorf("who does not read: %v", err)
	}
	one := h.Listen(all)
	h.publish(Notification{Method: "x", Params: make([]byte, maxWaitingBytes+1)})
	if err := one.Err(); err != nil {
		t.Errorf("one that is larger by itself: %v", err)
	}
}

// TestTurn shows that who wants to subscribe does not wait for longer than it wants to.
func TestTurn(t *testing.T) {
	s := &Session{subscriptions: newSubscriptions()}
	s.subscriptions.turn <- struct{}{} // Somebody asks a server that does not answer.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.subscribe(ctx, subject{uri: "x:y"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
