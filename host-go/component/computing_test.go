package component

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// A testClock is the clock of a meter: each look at it takes it on by step.
type testClock struct {
	at    time.Time
	step  time.Duration
	looks int
}

func (c *testClock) now() time.Time {
	c.looks++
	c.at = c.at.Add(c.step)
	return c.at
}

// clocked gives an instance a clock whose every look takes so long.
func clocked(in *Instance, step time.Duration) *testClock {
	c := &testClock{at: time.Now(), step: step}
	in.fuel.now = c.now
	return c
}

// within calls a function that may compute for d.
func within(ctx context.Context, in *Instance, d time.Duration, name string, args ...any) error {
	_, err := in.ExportedFunction(name).Call(WithComputing(ctx, d), args...)
	return err
}

// A guest that waits seconds for a processor again and again is charged for what it may have computed, and no more.
func TestComputingStarved(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "runaway.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	in := instantiate(t, c, runawayLinker())
	clock := clocked(in, 5*time.Second)
	begun := clock.at
	if err := within(ctx, in, time.Second, "count", uint32(200_000)); err != nil {
		t.Fatalf("it has computed for %v, and ends with %v", in.Computed(), err)
	}
	stretches := time.Duration(clock.looks - 1)
	if took := clock.at.Sub(begun); stretches < 4 || took < 20*time.Second || in.Computed() != stretches*stretch {
		t.Errorf("within %v, in %d stretches, it has computed for %v", took, stretches, in.Computed())
	}
	call(t, in, "count", uint32(1))
	if in.Computed() != 0 {
		t.Errorf("a call without a bound has computed for %v", in.Computed())
	}
	// However slow its clock is, what does not end is ended.
	err = within(ctx, in, time.Second, "loop")
	if trap := (*TrapError)(nil); !errors.As(err, &trap) || trap.Func != "loop" || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if got := in.Computed(); got <= time.Second || got > time.Second+2*stretch {
		t.Errorf("it has computed for %v", got)
	}
	if err := within(ctx, in, time.Second, "count", uint32(1)); !errors.Is(err, ErrInstanceDead) {
		t.Error(err)
	}
}

// A guest that computes is charged for all of it.
func TestComputing(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "runaway.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, name := range []string{"loop", "tail", "grow-for-ever", "fill-for-ever", "call-for-ever", "tree"} {
		in := instantiate(t, c, runawayLinker())
		clocked(in, 3*time.Millisecond)
		if err := within(ctx, in, 20*time.Millisecond, name); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if got := in.Computed(); got <= 20*time.Millisecond || got > 20*time.Millisecond+2*stretch {
			t.Errorf("%s: it has computed for %v", name, got)
		}
		real := instantiate(t, c, runawayLinker())
		if err := within(ctx, real, 20*time.Millisecond, name); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, by the true clock: %v", name, err)
		}
	}
	in := instantiate(t, c, runawayLinker())
	for _, none := range []time.Duration{0, -1} {
		err := within(ctx, in, none, "count", uint32(1))
		if trap := (*TrapError)(nil); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &trap) {
			t.Errorf("nothing may be computed: %v", err)
		}
	}
	call(t, in, "count", uint32(1))
	if _, err := c.Instantiate(WithComputing(ctx, 0), runawayLinker()); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A host function lets the guest compute for longer in the call that runs.
func TestComputingAdded(t *testing.T) {
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "runaway.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	const bound = 20 * time.Millisecond
	for more, most := range map[time.Duration]time.Duration{0: bound, -time.Hour: bound, time.Second: bound + time.Second} {
		var in *Instance
		added := false
		l := NewLinker()
		l.Root().Func("nop", func(context.Context, []any) ([]any, error) {
			if !added {
				in.AddComputing(more)
			}
			added = true
			return nil, nil
		})
		in = instantiate(t, c, l)
		clocked(in, 3*time.Millisecond)
		if err := within(context.Background(), in, bound, "call-for-ever"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with %v more it ends with %v", more, err)
		}
		if got := in.Computed(); got <= most || got > most+2*stretch {
			t.Errorf("with %v more it has computed for %v", more, got)
		}
	}
}

// What a host function waits is not charged when it is put off, and otherwise as a stretch is.
func TestComputingPutOff(t *testing.T) {
	var in *Instance
	var clock *testClock
	var waits, putOff, then time.Duration
	l := echoLinker(map[string]any{})
	l.Root().Func("echo-u8", func(n uint8) uint8 {
		clock.at = clock.at.Add(waits)
		in.PutOff(putOff)
		clock.at = clock.at.Add(then)
		return n
	})
	in = testInstance(t, nil, "echo.wasm", l)
	clock = clocked(in, 0)
	for _, test := range []struct{ waits, putOff, then, want time.Duration }{
		{0, 0, 0, 0},
		{10 * time.Second, 0, 0, stretch},
		{10 * time.Second, 10 * time.Second, 0, 0},
		{10 * time.Second, 10*time.Second - 7*time.Millisecond, 0, 7 * time.Millisecond},
		{10 * time.Second, 10 * time.Second, 8 * time.Millisecond, 8 * time.Millisecond},
		{10 * time.Second, time.Hour, 9 * time.Millisecond, 9 * time.Millisecond}, // It is no credit.
	} {
		waits, putOff, then = test.waits, test.putOff, test.then
		if err := within(context.Background(), in, time.Second, "echo-u8", uint8(1)); err != nil || in.Computed() != test.want {
			t.Errorf("%+v: it has computed for %v, and ends with %v", test, in.Computed(), err)
		}
	}
}

// The deadline of a caller ends a guest that has computed for little, also behind a wait that was put off.
func TestComputingDeadline(t *testing.T) {
	var in *Instance
	var clock *testClock
	calls := 0
	l := NewLinker()
	l.Root().Func("nop", func(context.Context, []any) ([]any, error) {
		calls++
		clock.at = clock.at.Add(time.Hour)
		in.PutOff(time.Hour)
		return nil, nil
	})
	c, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "runaway.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"call-for-ever", "loop"} {
		in = instantiate(t, c, l)
		clock = clocked(in, time.Minute)
		ctx, cancel := context.WithDeadline(context.Background(), clock.at.Add(150*time.Minute))
		defer cancel()
		if err := within(ctx, in, 24*time.Hour, name); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := in.Computed(); got > 150*stretch || calls > 3 {
			t.Errorf("%s: it has computed for %v, and made %d calls of an hour", name, got, calls)
		}
	}
	in = instantiate(t, c, runawayLinker())
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := within(ctx, in, time.Hour, "loop"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What takes longer than a stretch since it is much at once is charged by how much it is: values that are lifted, and
// bulk operations.
func TestComputingAtOnce(t *testing.T) {
	in := testInstance(t, nil, "echo.wasm", echoLinker(map[string]any{}))
	computed := func(text string) time.Duration {
		clocked(in, 5*time.Second)
		if err := within(context.Background(), in, time.Hour, "echo-string", text); err != nil {
			t.Fatal(err)
		}
		return in.Computed()
	}
	// It is lifted as the argument of the host's function, and as the result.
	const quanta = 3
	if little, much := computed("x"), computed(strings.Repeat("x", quanta*liftQuantum)); much < little+2*quanta*stretch {
		t.Errorf("%d bytes are charged with %v, and one byte with %v", quanta*liftQuantum, much, little)
	}
	clock := clocked(in, 0)
	err := in.enter(WithComputing(context.Background(), time.Hour), "test", func() {
		counter := int32(-4 * quantum)
		stack := []uint64{uint64(uint32(counter))}
		safePoint(&in.callCtx, nil, stack)
		for _, want := range []time.Duration{5 * stretch, 6 * stretch} {
			clock.at = clock.at.Add(time.Minute)
			in.fuel.CheckTime()
			if got := in.fuel.computed; got != want {
				t.Errorf("a bulk operation of some quanta: %v, want %v", got, want)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRemoteComputing has the bound and the measure go over the wire.
func TestRemoteComputing(t *testing.T) {
	r := served(t, takenApart(t, "runaway.wasm"))
	const bound = 20 * time.Millisecond
	ctx := context.Background()
	if err := r.Instantiate(WithComputing(ctx, time.Hour), runawayLinker(), Limits{Memory: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Call(WithComputing(ctx, 0), "count", uint32(1)); !errors.Is(err, context.DeadlineExceeded) || r.Computed() != 0 {
		t.Errorf("nothing may be computed: %v, after %v", err, r.Computed())
	}
	if got := callRemote(t, r, "count", uint32(4)); got != uint32(10) {
		t.Error(got)
	}
	_, err := r.Call(WithComputing(ctx, bound), "loop")
	if trap := (*TrapError)(nil); !errors.As(err, &trap) || trap.Func != "loop" || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if got := r.Computed(); got <= bound || r.watch.expired != nil {
		t.Errorf("it has computed for %v; ended by the watch: %v", got, r.watch.expired)
	}
	none := served(t, takenApart(t, "runaway.wasm"))
	if err := none.Instantiate(WithComputing(ctx, -1), runawayLinker(), Limits{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	p, err := prepare(starting(build.Forever()), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	starts := served(t, p)
	if err := starts.Instantiate(WithComputing(ctx, bound), nil, Limits{}); !errors.Is(err, context.DeadlineExceeded) || starts.watch.expired != nil {
		t.Errorf("a start without end: %v; ended by the watch: %v", err, starts.watch.expired)
	}
}

// TestRemoteComputingHostile has the other process hang in a call with a bound on computing, and say what is not true
// of what it has computed.
func TestRemoteComputingHostile(t *testing.T) {
	p := takenApart(t, "echo.wasm")
	ctx := context.Background()
	hangs := hostile(t, p, func(_ *wire, c io.ReadWriter) { _, _ = io.Copy(io.Discard, c) })
	hangs.grace = 10 * time.Millisecond
	if _, err := hangs.Call(WithComputing(ctx, time.Millisecond), "echo-u8", uint8(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it hangs, and ends with %v", err)
	}
	if got := hangs.Computed(); got != time.Millisecond {
		t.Errorf("it has computed for %v", got)
	}
	for _, said := range []time.Duration{-1, 1 << 62} {
		lies := hostile(t, p, func(w *wire, _ io.ReadWriter) {
			_ = w.send(frameDone, (&usage{Computed: said}).append(nil), []byte{1})
		})
		begun := time.Now()
		if _, err := lies.Call(WithComputing(ctx, time.Hour), "echo-u8", uint8(1)); err != nil {
			t.Fatal(err)
		}
		if got := lies.Computed(); got < 0 || got > time.Since(begun) {
			t.Errorf("it says that it has computed for %v, and is believed %v", said, got)
		}
	}
	// What the host's functions take is not the process's.
	var ended bool
	r := &Remote{grace: remoteGrace, end: func() { ended = true }}
	watched := WithComputing(ctx, time.Minute)
	for name, test := range map[string]struct {
		begun, served time.Duration
		inHost, ends  bool
	}{
		"it begins":            {0, 0, false, false},
		"starved":              {9 * time.Minute, 0, false, false},
		"hung":                 {11 * time.Minute, 0, false, true},
		"the host waited":      {3 * time.Hour, 3*time.Hour - time.Minute, false, false},
		"the host waits":       {3 * time.Hour, 0, true, false},
		"hung behind the host": {3 * time.Hour, time.Hour, false, true},
	} {
		ended = false
		end := r.watch.begin(watched, r)
		r.watch.mu.Lock()
		r.watch.bounding.Stop()
		r.watch.begun, r.watch.served, r.watch.inHost, r.watch.entered = time.Now().Add(-test.begun), test.served, test.inHost, time.Now().Add(-test.begun)
		r.watch.bound(r)
		r.watch.mu.Unlock()
		end()
		if ended != test.ends {
			t.Errorf("%s: the process is ended: %t", name, ended)
		}
	}
}
