package engine

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
)

// A slowCore is a core whose calls take a while by the wall clock, of which it computes for some.
type slowCore struct {
	Sandbox
	computed time.Duration
	left     time.Duration // until the deadline of the last call
}

func (c *slowCore) Computed() time.Duration { return c.computed }
func (c *slowCore) MemoryRefused() bool     { return false }
func (c *slowCore) Name() string            { return "slow" }

func (c *slowCore) Call(ctx context.Context, _ ...any) ([]any, error) {
	at, _ := ctx.Deadline()
	c.left = time.Until(at)
	return nil, nil
}

type noEvent struct{}

func (noEvent) encode(*instance) (any, bool) { return "", true }

// A core is bounded by what it computes. By the wall clock it may take longer, and waits no longer for its own events.
func TestCoreComputes(t *testing.T) {
	const bound, computed = time.Hour, 10 * time.Minute
	in := (&Engine{}).newInstance(slog.New(slog.DiscardHandler), Limits{GuestTime: bound}, 0)
	in.session = &Session{}
	core := &slowCore{computed: computed}
	in.core, in.exports.deliver = core, core
	defer in.throttle.stop()
	in.throttle.refuse(noEvent{})
	begun := time.Now()
	if err := in.tell(); err != nil {
		t.Fatal(err)
	}
	if core.left <= bound {
		t.Errorf("its deadline is %v ahead, and it may compute for %v", core.left, bound)
	}
	if until := in.throttle.pausedUntil; until.Before(begun.Add(computed)) || until.After(time.Now().Add(computed)) {
		t.Errorf("it has computed for %v, and pauses for %v", computed, time.Until(until))
	}
	in.engine.compiled = make(chan struct{})
	close(in.engine.compiled)
	for spent, want := range map[time.Duration]string{
		bound + time.Minute: "it computed for longer than ClientOptions.MaxGuestTime of 1h0m0s: raise it",
		computed:            "it did not return within 10 times ClientOptions.MaxGuestTime of 1h0m0s, though it computed for 10m0s",
	} {
		core.computed = spent
		if f := in.trapped("core", context.DeadlineExceeded); f.Kind != Trap || !strings.Contains(f.Message, want) {
			t.Errorf("after %v: %v", spent, f)
		}
	}
	for d, most := range map[time.Duration]time.Duration{time.Minute: 10 * time.Minute, math.MaxInt64: math.MaxInt64} {
		ctx, cancel := Bounded(context.Background(), d)
		if at, _ := ctx.Deadline(); time.Until(at) > most || time.Until(at) < most-5*time.Minute {
			t.Errorf("a guest that may compute for %v has a deadline %v ahead", d, time.Until(at))
		}
		cancel()
	}
}
