package runs

import (
	"context"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// begin submits a run that waits for its end, or until the channel is closed.
func begin(t *testing.T, r *Runs, principal string, release <-chan struct{}) *Run {
	t.Helper()
	run, err := r.Submit(principal, "x", "", func(ctx context.Context) (*caisson.ScriptResult, error) {
		select {
		case <-release:
			return &caisson.ScriptResult{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// TestBounds shows that the runs underway are bounded for each principal, and that the oldest outcomes make room.
func TestBounds(t *testing.T) {
	r := New(Options{MaxUnderway: 2, MaxKept: 1, Keep: time.Hour}) // 3 are kept.
	release := make(chan struct{})
	first, second := begin(t, r, "alice", release), begin(t, r, "alice", release)
	if _, err := r.Submit("alice", "x", "", nil); caisson.CodeOf(err) != caisson.CodeLimit {
		t.Errorf("a third run: %v", err)
	}
	begin(t, r, "bob", release)
	close(release)
	<-first.Done()
	<-second.Done()
	for range 2 {
		<-begin(t, r, "alice", release).Done()
	}
	if kept := r.List("alice"); len(kept) != 3 {
		t.Errorf("%d are kept", len(kept))
	}
	if r.Get("alice", first.ID) != nil && r.Get("alice", second.ID) != nil {
		t.Error("none of the oldest has made room")
	}
	if r.Get("bob", first.ID) != nil {
		t.Error("another one's run is found")
	}
}

// TestDrain shows that runs that take too long are stopped, and that no new ones are taken.
func TestDrain(t *testing.T) {
	r := New(Options{MaxUnderway: 2, Keep: time.Hour})
	run := begin(t, r, "alice", nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.Drain(ended)
	if state, _, result := run.State(); state != Cancelled || result.Err == nil {
		t.Errorf("the run is %v, %v", state, result)
	}
	if _, err := r.Submit("alice", "x", "", nil); caisson.CodeOf(err) != caisson.CodeClosed {
		t.Errorf("a new run: %v", err)
	}
}

// TestKeep shows that an outcome is forgotten.
func TestKeep(t *testing.T) {
	r := New(Options{MaxUnderway: 1, Keep: time.Millisecond})
	release := make(chan struct{})
	close(release)
	run := begin(t, r, "alice", release)
	for r.Get("alice", run.ID) != nil {
		time.Sleep(time.Millisecond)
	}
}
