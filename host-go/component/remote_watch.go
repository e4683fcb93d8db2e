package component

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// A watch ends the process of a Remote when a call takes too long, or nobody waits for it any more. The process itself
// stops a guest at the deadline, and when it has computed for too long; that it has not done so is noticed after the
// grace.
type watch struct {
	mu     sync.Mutex
	over   bool // the call has ended
	inHost bool // a function of the host runs
	late   time.Duration
	timer  *time.Timer // for the deadline
	// computing is the bound on computing, 0 for none, and bounding the timer for it. The call began at begun;
	// functions of the host have run for served, and the one that runs since entered.
	computing      time.Duration
	bounding       *time.Timer
	begun, entered time.Time
	served         time.Duration
	expired        error // why the process was ended
}

// starved is how many times as long as a guest may compute its process may take, by the wall clock and without the
// functions of the host. The guest computes by a clock of its own, which only its process has, and a process that gets a
// tenth of a processor has done nothing wrong. One that hangs, or that somebody has taken over, is ended all the
// same.
const starved = 10

// begin begins to watch a call of r, until the end.
func (w *watch) begin(ctx context.Context, r *Remote) (end func()) {
	computing, _ := computingOf(ctx)
	w.mu.Lock()
	w.over, w.inHost, w.late, w.timer, w.expired = false, false, 0, nil, nil
	w.computing, w.bounding, w.begun, w.served = computing, nil, time.Now(), 0
	if computing > 0 {
		w.bound(r)
	}
	w.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if at, ok := ctx.Deadline(); ok && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			w.check(r, &w.timer, func() time.Duration { return time.Until(at.Add(w.late + r.grace)) })
		} else if !w.over {
			w.expired = ctx.Err()
			r.end()
		}
	})
	return func() {
		stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = true
		for _, t := range []*time.Timer{w.timer, w.bounding} {
			if t != nil {
				t.Stop()
			}
		}
	}
}

// check ends the process when nothing is left of a time, and looks again, by that time's own timer, when something is.
// Call it with the lock, with which it calls left.
func (w *watch) check(r *Remote, timer **time.Timer, left func() time.Duration) {
	if w.over {
		return
	}
	d := left()
	if w.inHost {
		d = max(d, r.grace)
	}
	if d <= 0 {
		w.expired = context.DeadlineExceeded
		r.end()
		return
	}
	*timer = time.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.check(r, timer, left)
	})
}

// bound begins to check that the process does not take far longer than the guest may compute. Call it with the lock.
func (w *watch) bound(r *Remote) {
	most := time.Duration(math.MaxInt64)
	if w.computing < (most-r.grace)/starved {
		most = starved*w.computing + r.grace
	}
	w.check(r, &w.bounding, func() time.Duration { return most - w.taken() })
}

// taken returns how long the call has taken without the functions of the host. Call it with the lock.
func (w *watch) taken() time.Duration {
	taken := time.Since(w.begun) - w.served
	if w.inHost {
		taken -= time.Since(w.entered)
	}
	return max(0, taken)
}

func (w *watch) serving(now bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inHost = now; now {
		w.entered = time.Now()
	} else {
		w.served += time.Since(w.entered)
	}
}

// putOff puts off the deadline, but not in a call with a bound on computing.
func (w *watch) putOff(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.computing == 0 {
		w.late += d
	}
}

// atMost returns how long the guest has computed, of what its process says.
func (w *watch) atMost(said time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(max(0, said), time.Since(w.begun))
}

// spent returns what the guest has computed at most, within its bound: a process that has ended has not said it.
func (w *watch) spent() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(w.computing, w.taken())
}

// cause returns the end of the context for which the process was ended, or nil.
func (w *watch) cause(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.expired != nil {
		return w.expired
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return nil
}
