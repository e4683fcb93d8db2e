package script

import (
	"context"
	"sync"
	"time"
)

// A clock is the time that an operation has left: it ends the operation's context when there is none. It stands
// still while somebody is asked on account of a call that the operation waits for.
type clock struct {
	outer *clock // of the script that has called the tool that runs this one; nil for none
	timer *time.Timer

	mu      sync.Mutex
	ends    time.Time     // while it runs
	left    time.Duration // while it stands
	stopped int           // by so many
	over    bool
}

type clockKey struct{}

// withClock returns a context that ends when the time is over, and its clock. Stop the clock's timer.
func withClock(ctx context.Context, left time.Duration) (context.Context, context.CancelFunc, *clock) {
	c := &clock{ends: time.Now().Add(left)}
	c.outer, _ = ctx.Value(clockKey{}).(*clock)
	ctx, cancel := context.WithCancel(context.WithValue(ctx, clockKey{}, c))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(left, func() {
		if c.strike() {
			cancel()
		}
	})
	return ctx, func() {
		c.mu.Lock()
		c.timer.Stop()
		c.mu.Unlock()
		cancel()
	}, c
}

// strike reports whether the time is over. The timer may be late for a clock that was stopped meanwhile.
func (c *clock) strike() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = c.over || c.stopped == 0 && !time.Now().Before(c.ends)
	return c.over
}

// isOver reports whether the clock has ended its context. A nil clock never has.
func (c *clock) isOver() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// remaining is how much time there is.
func (c *clock) remaining() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped > 0 {
		return c.left
	}
	return max(0, time.Until(c.ends))
}

func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped++; c.stopped == 1 {
		c.timer.Stop()
		c.left = max(0, time.Until(c.ends))
	}
}

func (c *clock) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped--; c.stopped == 0 {
		c.ends = time.Now().Add(c.left)
		c.timer.Reset(c.left)
	}
}

// HasClock reports whether a call of a tool with this context is a script's.
func HasClock(ctx context.Context) bool { return ctx.Value(clockKey{}) != nil }

// StopClock stops the time of the script that calls a tool with this context, and of those that wait for that
// script. The caller resumes it, once. It does nothing where no script calls.
func StopClock(ctx context.Context) (resume func()) {
	c, _ := ctx.Value(clockKey{}).(*clock)
	for each := c; each != nil; each = each.outer {
		each.stop()
	}
	return func() {
		for each := c; each != nil; each = each.outer {
			each.resume()
		}
	}
}
