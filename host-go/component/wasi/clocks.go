package wasi

import (
	"context"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

func (h *host) addClocks(l *component.Linker) {
	l.Interface("wasi:clocks/monotonic-clock"+version).
		Func("now", func(context.Context, []any) ([]any, error) {
			return []any{uint64(h.cfg.Monotonic())}, nil
		}).
		Func("resolution", answer(uint64(1))).
		Func("subscribe-instant", func(_ context.Context, args []any) ([]any, error) {
			return one(h.subscribe(h.alarm(args[0].(uint64))))
		}).
		Func("subscribe-duration", func(_ context.Context, args []any) ([]any, error) {
			now := uint64(h.cfg.Monotonic())
			at := now + args[0].(uint64)
			if at < now {
				at = 1<<64 - 1
			}
			return one(h.subscribe(h.alarm(at)))
		})
	l.Interface("wasi:clocks/wall-clock"+version).
		Func("now", func(context.Context, []any) ([]any, error) {
			return []any{datetime(h.cfg.Now())}, nil
		}).
		Func("resolution", answer(component.Record{uint64(0), uint32(1)}))
	// A component does not have to know the host's time zone.
	l.Interface("wasi:clocks/timezone"+version).
		Func("display", answer(component.Record{int32(0), "UTC", false})).
		Func("utc-offset", answer(int32(0)))
}

// datetime is the record of wasi:clocks/wall-clock. It cannot be before 1970.
func datetime(t time.Time) component.Record {
	if t.Unix() < 0 {
		return component.Record{uint64(0), uint32(0)}
	}
	return component.Record{uint64(t.Unix()), uint32(t.Nanosecond())}
}
