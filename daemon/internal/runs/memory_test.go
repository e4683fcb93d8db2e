package runs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// memory has runs whose script says what they do: see job.
func memory(o Options) (*Memory, *jobs) {
	j := newJobs()
	o.Work = j.work
	return NewMemory(o), j
}

// watch waits for the end of a run.
func watch(t *testing.T, r Runs, principal, id string) *Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last *Run
	if err := r.Watch(ctx, principal, id, func(run *Run) error {
		last = run
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return last
}

func submit(t *testing.T, r Runs, s Submission) *Run {
	t.Helper()
	run, err := r.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// job is a submission of alice's.
func job(source string) Submission {
	return Submission{Principal: "alice", Name: "x", Script: &caissonv1.Script{Source: source}}
}

func by(principal string, s Submission) Submission {
	s.Principal = principal
	return s
}

func keyed(k string, s Submission) Submission {
	s.Key = k
	return s
}

func repeatable(s Submission) Submission {
	s.Repeatable = true
	return s
}

// TestMemoryBounds shows that the runs underway are bounded for each principal, and that the oldest outcomes make room.
func TestMemoryBounds(t *testing.T) {
	r, j := memory(Options{MaxUnderway: 2, MaxKept: 1, Keep: time.Hour}) // 3 are kept.
	first, second := submit(t, r, job("wait 1")), submit(t, r, job("wait 2"))
	if _, err := r.Submit(t.Context(), job("third")); caisson.CodeOf(err) != caisson.CodeLimit {
		t.Errorf("a third run: %v", err)
	}
	submit(t, r, by("bob", job("wait bob")))
	j.release("wait 1", "wait 2", "wait bob")
	watch(t, r, "alice", first.ID)
	watch(t, r, "alice", second.ID)
	for range 2 {
		watch(t, r, "alice", submit(t, r, job("more")).ID)
	}
	if kept, _ := r.List(t.Context(), "alice"); len(kept) != 3 {
		t.Errorf("%d are kept", len(kept))
	}
	missing := 0
	for _, run := range []*Run{first, second} {
		if _, err := r.Get(t.Context(), "alice", run.ID); isMissing(err) {
			missing++
		}
	}
	if missing != 1 {
		t.Errorf("%d of the oldest have made room", missing)
	}
	if _, err := r.Get(t.Context(), "bob", first.ID); !isMissing(err) {
		t.Errorf("another one's run is found: %v", err)
	}
}

func isMissing(err error) bool {
	var missing *NotFoundError
	return errors.As(err, &missing)
}

// TestMemoryKeys shows that a key is one run, and of one script.
func TestMemoryKeys(t *testing.T) {
	r, j := memory(Options{MaxUnderway: 2, Keep: time.Hour})
	run := submit(t, r, keyed("k", job("a")))
	if again := submit(t, r, keyed("k", job("a"))); again.ID != run.ID {
		t.Error("the same key is another run")
	}
	watch(t, r, "alice", run.ID)
	var used *KeyError
	for name, s := range map[string]Submission{"script": job("b"), "repeatable": repeatable(job("a"))} {
		if _, err := r.Submit(t.Context(), keyed("k", s)); !errors.As(err, &used) || used.ID != run.ID {
			t.Errorf("the same key with another %s: %v", name, err)
		}
	}
	if other := submit(t, r, keyed("k", by("bob", job("a")))); other.ID == run.ID {
		t.Error("two principals share a key")
	}
	if n := j.begun("a"); n > 2 {
		t.Errorf("it was begun %d times", n)
	}
}

// TestMemoryDrain shows that runs that take too long are stopped, and that no new ones are taken.
func TestMemoryDrain(t *testing.T) {
	r, _ := memory(Options{MaxUnderway: 2, Keep: time.Hour})
	run := submit(t, r, job("wait"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.Drain(ended)
	now, err := r.Get(t.Context(), "alice", run.ID)
	if err != nil || now.State != Cancelled || now.Failure.GetCode() != caissonv1.Code_CODE_CLOSED {
		t.Errorf("the run is %v, %v", now, err)
	}
	if _, err := r.Submit(t.Context(), job("new")); caisson.CodeOf(err) != caisson.CodeClosed {
		t.Errorf("a new run: %v", err)
	}
}

// TestMemoryKeep shows that an outcome is forgotten.
func TestMemoryKeep(t *testing.T) {
	r, _ := memory(Options{MaxUnderway: 1, Keep: time.Millisecond})
	run := submit(t, r, job("short"))
	for {
		if _, err := r.Get(t.Context(), "alice", run.ID); isMissing(err) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
