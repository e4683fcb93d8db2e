package component

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A watch ends the process of a Remote when a call takes too long, or nobody waits for it any more. The process itself
// stops a guest at the deadline; that it has not done so is noticed after the grace.
type watch struct {
	mu      sync.Mutex
	over    bool // the call has ended
	inHost  bool // a function of the host runs
	late    time.Duration
	timer   *time.Timer
	expired error // why the process was ended
}

// begin begins to watch a call of r, until the end.
func (w *watch) begin(ctx context.Context, r *Remote) (end func()) {
	w.mu.Lock()
	w.over, w.inHost, w.late, w.timer, w.expired = false, false, 0, nil, nil
	w.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if at, ok := ctx.Deadline(); ok && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			w.check(r, at)
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
		if w.timer != nil {
			w.timer.Stop()
		}
	}
}

// check ends the process when the deadline is over, and looks again later when it is not. Call it with the lock.
func (w *watch) check(r *Remote, deadline time.Time) {
	if w.over {
		return
	}
	left := time.Until(deadline.Add(w.late + r.grace))
	if w.inHost {
		left = max(left, r.grace)
	}
	if left <= 0 {
		w.expired = context.DeadlineExceeded
		r.end()
		return
	}
	w.timer = time.AfterFunc(left, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.check(r, deadline)
	})
}

func (w *watch) serving(now bool) {
	w.mu.Lock()
	w.inHost = now
	w.mu.Unlock()
}

func (w *watch) putOff(d time.Duration) {
	w.mu.Lock()
	w.late += d
	w.mu.Unlock()
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
