package pool

import (
	"errors"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

func (p *Pool) stateOf(server string) gobreaker.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.upstream(server).breaker.State()
}

// TestOpen shows that a server that cannot be reached is not called for a while, and that its sessions end.
func TestOpen(t *testing.T) {
	p, doors := withDoors(t, Options{Health: Health{Failures: 2, Pause: time.Hour}}, "a")
	s, release := use(t, p, "bob", "a")
	doors["a"].shut.Store(true)
	for range 2 {
		_, _, err := p.Use(t.Context(), "alice", Target{Server: "a"})
		var open *OpenError
		if caisson.CodeOf(err) != caisson.CodeConnect || errors.As(err, &open) {
			t.Fatalf("%v", err)
		}
	}
	tried := doors["a"].tried.Load()
	for _, principal := range []string{"alice", "bob"} {
		_, _, err := p.Use(t.Context(), principal, Target{Server: "a"})
		var open *OpenError
		if !errors.As(err, &open) || caisson.CodeOf(err) != caisson.CodeConnect || open.After <= 0 || open.After > time.Hour {
			t.Errorf("for %s: %v", principal, err)
		}
	}
	if _, _, err := p.Connect(t.Context(), "alice", ConnectOptions{Server: "a"}); caisson.CodeOf(err) != caisson.CodeConnect {
		t.Errorf("a session of one's own: %v", err)
	}
	if doors["a"].tried.Load() != tried {
		t.Error("the server is called")
	}
	if err := s.Caisson().Ping(t.Context(), nil); err != nil {
		t.Errorf("the call that was underway: %v", err)
	}
	release()
	ended(t, s)
	if state := p.Servers()[0]; state.Reopens.IsZero() || state.LastErr == nil || p.Unreachable() != 1 {
		t.Errorf("the state is %+v", state)
	}
	p.SetServers(caisson.ServerMap{"a": doors["a"].server.Caisson()}, nil) // Another one of this name.
	_, release = use(t, p, "alice", "a")
	release()
}

// TestHalfOpen shows that after the pause one call tries whether the server is there, and that the others do not wait.
func TestHalfOpen(t *testing.T) {
	p, doors := withDoors(t, Options{Health: Health{Failures: 1, Pause: time.Millisecond}}, "a")
	a := doors["a"]
	half := func() bool { return p.stateOf("a") == gobreaker.StateHalfOpen }
	a.shut.Store(true)
	for range 2 { // The second one is the one that tries.
		if _, _, err := p.Use(t.Context(), "alice", Target{Server: "a"}); caisson.CodeOf(err) != caisson.CodeConnect {
			t.Fatalf("%v", err)
		}
		eventually(t, "the pause does not end", half)
	}
	a.shut.Store(false)
	a.hold = make(chan struct{})
	tried, ended := a.tried.Load(), make(chan error, 1)
	go func() {
		_, release, err := p.Use(t.Context(), "alice", Target{Server: "a"})
		if err == nil {
			release()
		}
		ended <- err
	}()
	eventually(t, "nobody tries", func() bool { return a.tried.Load() > tried })
	_, _, err := p.Use(t.Context(), "bob", Target{Server: "a"})
	var open *OpenError
	if !errors.As(err, &open) || open.After != 0 {
		t.Errorf("another call meanwhile: %v", err)
	}
	close(a.hold)
	if err := <-ended; err != nil {
		t.Errorf("the call that tries: %v", err)
	}
	if state := p.stateOf("a"); state != gobreaker.StateClosed {
		t.Errorf("the server is reached, and its state is %v", state)
	}
}

// TestBack shows that a server among equivalent ones is tried again without that a call waits for it.
func TestBack(t *testing.T) {
	p, doors := withDoors(t, Options{Health: Health{Failures: 1, Pause: time.Millisecond}, Settings: map[string]Settings{
		"any": {Servers: []string{"a", "b"}, Stateless: true, Ordered: true},
	}}, "a", "b")
	doors["a"].shut.Store(true)
	_, release := use(t, p, "alice", "any")
	defer release()
	eventually(t, "the pause does not end", func() bool { return p.stateOf("a") == gobreaker.StateHalfOpen })
	doors["a"].shut.Store(false)
	doors["a"].hold = make(chan struct{})
	s, release := use(t, p, "alice", "any")
	defer release()
	if s.Server != "b" {
		t.Error("a call tries a server that could not be reached")
	}
	close(doors["a"].hold)
	eventually(t, "nobody tries it", func() bool { return p.stateOf("a") == gobreaker.StateClosed })
	s, release = use(t, p, "alice", "any")
	defer release()
	if s.Server != "a" {
		t.Errorf("a call goes to %s", s.Server)
	}
}

// TestSuspicion shows that what a caller may have done closes no server to the others: a ping decides.
func TestSuspicion(t *testing.T) {
	p, doors := withDoors(t, Options{Health: Health{Failures: 2, Pause: time.Hour}}, "a")
	s, release := use(t, p, "alice", "a")
	defer release()
	discovered := func() int { return len(doors["a"].server.Requests("server/discover")) }
	calm := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return s.upstream.suspicion == 0
	}
	for range 3 {
		before := discovered()
		p.Suspect(s, &caisson.Error{Code: caisson.CodeTransport})
		eventually(t, "the server is not asked", func() bool { return discovered() > before && calm() })
	}
	p.Suspect(s, &caisson.Error{Code: caisson.CodeRPC})
	if !calm() {
		t.Error("the server is asked after an answer of its own")
	}
	if state := p.stateOf("a"); state != gobreaker.StateClosed {
		t.Errorf("a caller has closed the server: %v", state)
	}
}

// TestLook shows that sessions that nobody uses are pinged, and end when there is no answer.
func TestLook(t *testing.T) {
	p, doors := withDoors(t, Options{Health: Health{Timeout: 50 * time.Millisecond, Failures: 1, Pause: time.Hour}}, "a", "b")
	idle, release := use(t, p, "alice", "a")
	release()
	busy, release := use(t, p, "alice", "b")
	defer release()
	never := make(chan struct{})
	for _, d := range doors {
		d.server.Handle("server/discover", func(call *caissontest.Call) (any, error) { return nil, call.Wait(never) })
	}
	p.look()
	ended(t, idle)
	eventually(t, "the server that does not answer is still called", func() bool { return p.stateOf("a") == gobreaker.StateOpen })
	if n := len(doors["b"].server.Requests("server/discover")); n != 1 {
		t.Errorf("a session that is in use is pinged: %d", n)
	}
	if busy.gone {
		t.Error("a session that is in use has ended")
	}
}
