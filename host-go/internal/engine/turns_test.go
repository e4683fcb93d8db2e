package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// inTurn begins a turn in a goroutine. The channel gives the turn's end.
func inTurn(t *testing.T, ts *turns, urgent bool) <-chan func() {
	t.Helper()
	began := make(chan func(), 1)
	go func() {
		done, err := ts.begin(t.Context(), urgent)
		if err != nil {
			t.Error(err)
			return
		}
		began <- done
	}()
	synctest.Wait()
	return began
}

// waits reports whether a turn has not begun, when nothing else can happen.
func waits(began <-chan func()) bool {
	synctest.Wait()
	return len(began) == 0
}

// TestTurns has one turn at a time, and those that somebody waits for before others.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := &turns{}
		first := <-inTurn(t, ts, false)
		ahead, urgent := inTurn(t, ts, false), inTurn(t, ts, true)
		if !waits(ahead) || !waits(urgent) {
			t.Fatal("two turns at once")
		}
		first()
		first() // As a deferred one may.
		if waits(urgent) || !waits(ahead) {
			t.Fatal("a turn that nobody waits for is first")
		}
		(<-urgent)()
		if waits(ahead) {
			t.Fatal("the last turn does not begin")
		}
		(<-ahead)()
	})
}

// TestTurnsGiveWay shows that no turn begins during a hold, and that a hold has an end.
func TestTurnsGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := &turns{}
		release := ts.hold(time.Hour)
		long := ts.hold(time.Minute)
		turn := inTurn(t, ts, true)
		release()
		release()
		if !waits(turn) {
			t.Fatal("a turn begins during a hold")
		}
		time.Sleep(time.Minute)
		if waits(turn) {
			t.Fatal("a hold does not end")
		}
		long() // It is over already.
		done := <-turn
		defer done()
		release = ts.hold(time.Minute)
		defer release()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := ts.begin(ctx, true); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}
