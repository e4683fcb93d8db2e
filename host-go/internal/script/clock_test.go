package script

import (
	"context"
	"testing"
	"time"
)

// TestClock stops clocks that would be over soon: each stands until all that have stopped it resume it.
func TestClock(t *testing.T) {
	t.Parallel()
	outer, endOuter, _ := withClock(t.Context(), 50*time.Millisecond)
	defer endOuter()
	inner, endInner, clock := withClock(outer, time.Hour)
	defer endInner()
	if HasClock(t.Context()) || !HasClock(inner) {
		t.Error("HasClock does not know who has one")
	}
	StopClock(t.Context())()
	one, two := StopClock(inner), StopClock(outer)
	time.Sleep(100 * time.Millisecond) // Longer than the outer clock has left.
	one()
	if err := outer.Err(); err != nil {
		t.Fatalf("a clock that stands has ended its context: %v", err)
	}
	two()
	select {
	case <-inner.Done():
	case <-time.After(time.Minute):
		t.Fatal("a clock that was resumed does not end its context")
	}
	if clock.isOver() {
		t.Error("the inner clock says that it is over; the outer one is")
	}
}

// TestClockEnds has a clock end a context only once its time is over.
func TestClockEnds(t *testing.T) {
	t.Parallel()
	ctx, end, clock := withClock(t.Context(), time.Millisecond)
	defer end()
	<-ctx.Done()
	if !clock.isOver() || context.Cause(ctx) != context.Canceled {
		t.Errorf("the clock is over: %v; the cause is %v", clock.isOver(), context.Cause(ctx))
	}
}
