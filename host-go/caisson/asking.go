package caisson

import (
	"context"
	"sync"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// asking stops the clocks of scripts while the program answers what a server asks. No server says which call a
// question belongs to: it stops the clocks of all scripts whose calls are underway in the session.
type asking struct {
	mu    sync.Mutex
	calls map[*askingCall]struct{}
}

// askingCall is a script's call that is underway.
type askingCall struct {
	ctx       context.Context
	questions int    // without an answer
	resume    func() // nil while the clock runs
}

// called notes a call. The caller calls done when it has ended.
func (a *asking) called(ctx context.Context) (done func()) {
	if !script.HasClock(ctx) {
		return func() {}
	}
	c := &askingCall{ctx: ctx}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls == nil {
		a.calls = map[*askingCall]struct{}{}
	}
	a.calls[c] = struct{}{}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.calls, c)
		c.goOn()
	}
}

// asked notes a question. The caller calls answered when it has an answer.
func (a *asking) asked() (answered func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var stopped []*askingCall
	for c := range a.calls {
		if c.questions++; c.questions == 1 {
			c.resume = script.StopClock(c.ctx)
		}
		stopped = append(stopped, c)
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, c := range stopped {
			if c.questions--; c.questions == 0 {
				c.goOn()
			}
		}
	}
}

// answering returns the context of a handler that answers a question. A script that the handler runs is run on account
// of one of the scripts whose calls are underway: it must not wait for a place that they have.
func (a *asking) answering(ctx context.Context) context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.calls {
		if p := placeOf(c.ctx); p != nil {
			return withPlace(ctx, p)
		}
	}
	return ctx
}

func (c *askingCall) goOn() {
	if c.resume != nil {
		c.resume()
		c.resume = nil
	}
}
