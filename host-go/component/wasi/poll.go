package wasi

import (
	"context"
	"errors"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// pollable is something that becomes ready: it returns how long that takes at
// least, 0 when it is ready.
type pollable func(h *host) time.Duration

// always is the pollable of what never has to be waited for.
func always(*host) time.Duration { return 0 }

// alarm is ready from an instant of the monotonic clock.
func alarm(at uint64) pollable {
	return func(h *host) time.Duration {
		now := uint64(h.cfg.Monotonic())
		if now >= at {
			return 0
		}
		return time.Duration(min(at-now, 1<<62))
	}
}

var errFull = errors.New("too many open resources")

func (h *host) subscribe(p pollable) ([]any, error) {
	rep, ok := h.pollables.add(p)
	if !ok {
		return nil, errFull
	}
	return []any{component.Rep(rep)}, nil
}

func (h *host) addPoll(l *component.Linker) {
	l.Interface("wasi:io/poll"+version).
		Resource("pollable", func(_ context.Context, rep uint32) { h.pollables.remove(rep) }).
		Func("[method]pollable.ready", func(_ context.Context, args []any) ([]any, error) {
			p, err := h.pollable(args[0])
			if err != nil {
				return nil, err
			}
			return []any{p(h) == 0}, nil
		}).
		Func("[method]pollable.block", func(ctx context.Context, args []any) ([]any, error) {
			_, err := h.poll(ctx, args)
			return nil, err
		}).
		Func("poll", func(ctx context.Context, args []any) ([]any, error) {
			list := args[0].([]any)
			if len(list) == 0 {
				return nil, errors.New("wasi:io/poll#poll: the list is empty")
			}
			ready, err := h.poll(ctx, list)
			return []any{ready}, err
		})
}

func (h *host) pollable(v any) (pollable, error) {
	p, ok := h.pollables.get(uint32(v.(component.Rep)))
	if !ok {
		return nil, errors.New("unknown pollable")
	}
	return p, nil
}

// poll waits until one of the pollables is ready and returns the indices of
// those that are. The end of the context ends the wait.
func (h *host) poll(ctx context.Context, reps []any) ([]any, error) {
	ps := make([]pollable, len(reps))
	for i, v := range reps {
		p, err := h.pollable(v)
		if err != nil {
			return nil, err
		}
		ps[i] = p
	}
	for {
		var ready []any
		var wait time.Duration = 1<<63 - 1
		for i, p := range ps {
			if d := p(h); d == 0 {
				ready = append(ready, uint32(i))
			} else {
				wait = min(wait, d)
			}
		}
		if ready != nil {
			return ready, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}
