package wasi

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// pollable says when something is ready: now (0 and nil), when event is closed, or after wait.
type pollable func() (wait time.Duration, event <-chan struct{})

// whenReady is the pollable of a stream or a future. pending returns nil when it is ready.
func whenReady(pending func() <-chan struct{}) pollable {
	return func() (time.Duration, <-chan struct{}) { return 0, pending() }
}

// alarm is ready at an instant of the monotonic clock and after it.
func (h *host) alarm(at uint64) pollable {
	return func() (time.Duration, <-chan struct{}) {
		now := uint64(h.cfg.Monotonic())
		if now >= at {
			return 0, nil
		}
		return time.Duration(min(at-now, 1<<62)), nil
	}
}

// subscribe gives the component a pollable.
func (h *host) subscribe(p pollable) (component.Rep, error) { return h.pollables.own(p) }

// maxPoll bounds how many pollables one call waits for.
const maxPoll = 4096

func (h *host) addPoll(l *component.Linker) {
	i := l.Interface("wasi:io/poll" + version)
	h.pollables = addResource[pollable](h, i, "pollable", nil)
	h.pollables.method("ready", func(_ context.Context, p pollable, _ []any) (any, error) {
		wait, event := p()
		return wait == 0 && event == nil, nil
	})
	i.Func("[method]pollable.block", func(ctx context.Context, args []any) ([]any, error) {
		_, err := h.poll(ctx, args)
		return nil, err
	})
	i.Func("poll", func(ctx context.Context, args []any) ([]any, error) {
		return one(h.poll(ctx, args[0].([]any)))
	})
}

// poll waits until a pollable is ready, and returns the indices of all that are ready. The end of the context
// ends the wait.
func (h *host) poll(ctx context.Context, reps []any) ([]any, error) {
	if len(reps) == 0 {
		return nil, errors.New("wasi:io/poll#poll: the list is empty")
	}
	if len(reps) > maxPoll {
		return nil, fmt.Errorf("wasi:io/poll#poll: %d pollables are more than the limit of %d", len(reps), maxPoll)
	}
	ps := make([]pollable, len(reps))
	for i, v := range reps {
		p, err := h.pollables.get(v)
		if err != nil {
			return nil, err
		}
		ps[i] = p
	}
	for {
		var ready []any
		var first time.Duration = 1<<63 - 1
		var events []<-chan struct{}
		for i, p := range ps {
			switch wait, event := p(); {
			case event != nil:
				events = append(events, event)
			case wait == 0:
				ready = append(ready, uint32(i))
			default:
				first = min(first, wait)
			}
		}
		if ready != nil {
			return ready, nil
		}
		if err := waitAny(ctx, first, events); err != nil {
			return nil, err
		}
	}
}

// waitAny waits for d, for an event, or for the end of the context. It returns the error of a context that
// has ended.
func waitAny(ctx context.Context, d time.Duration, events []<-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var event <-chan struct{}
	if len(events) == 1 {
		event = events[0]
	}
	if len(events) < 2 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-event:
		}
		return nil
	}
	receive := func(c any) reflect.SelectCase {
		return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)}
	}
	cases := []reflect.SelectCase{receive(ctx.Done()), receive(timer.C)}
	for _, e := range events {
		cases = append(cases, receive(e))
	}
	if chosen, _, _ := reflect.Select(cases); chosen == 0 {
		return ctx.Err()
	}
	return nil
}
