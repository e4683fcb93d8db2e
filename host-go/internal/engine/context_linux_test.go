package engine

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"
)

// busy has a session's core compute for a long time, in an export that a caller begins, or in one that
// is told of an event.
func busy(t testing.TB, s *Session, export int) {
	t.Helper()
	does := inRequest().call(setTimer, 1, 0).settle()
	if export == onRequest {
		does = inRequest().spin()
	}
	go func() { _, _ = s.Call(context.Background(), Operation{Method: "run", Params: does.String()}) }()
	for begin := time.Now(); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		_, f := s.Call(ctx, Operation{Export: ping, Method: "ping"})
		cancel()
		if f != nil {
			return
		}
		if time.Since(begin) > patience {
			t.Fatal("the core does not compute")
		}
	}
}

// late gives how long after its context's end a call returns, of several that are made while the core
// computes.
func late(t testing.TB, s *Session, calls int) (most time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			wait := time.Duration(i+1) * 10 * time.Millisecond
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			defer cancel()
			begun := time.Now()
			_, f := s.Call(ctx, Operation{Export: ping, Method: "ping"})
			mu.Lock()
			defer mu.Unlock()
			if most = max(most, time.Since(begun)-wait); f == nil || f.Kind != ContextEnded {
				t.Errorf("the call ends with %v", f)
			}
		})
	}
	all.Wait()
	return most
}

// TestContextEndsWhileCoreComputes has the core compute, for a call and for an event: calls return at the end of
// their contexts all the same, and so does a call whose own work it is.
func TestContextEndsWhileCoreComputes(t *testing.T) {
	core := hostile(t)
	for name, export := range map[string]int{"a call": onRequest, "an event": onDeliver} {
		t.Run(name, func(t *testing.T) {
			e := newHostileEngine(t, core, io.Discard, 10*time.Second)
			defer e.Close()
			s := (&arena{engine: e}).session(t, func(*arena) *script { return first().settle().on(onDeliver).spin() })
			busy(t, s, export)
			// On a busy machine this is a matter of the machine; the figure is in the bench.
			if d := late(t, s, 10); d > 8*time.Second { // The guest may take ten.
				t.Errorf("a context's end takes effect after %v", d)
			}
			s.Close()
		})
	}
	t.Run("its own call", func(t *testing.T) {
		e := newHostileEngine(t, core, io.Discard, 10*time.Second)
		defer e.Close()
		s := (&arena{engine: e}).session(t, nil)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if _, f := s.Call(ctx, Operation{Method: "run", Params: inRequest().spin().String()}); f == nil || f.Kind != ContextEnded {
			t.Errorf("the call ends with %v", f)
		}
		if d := time.Since(begun); d > 8*time.Second { // The guest may take ten.
			t.Errorf("it takes effect after %v", d)
		}
		s.Close()
	})
}

// BenchmarkContextEndsWhileCoreComputes measures it: the latest of ten calls, in milliseconds, while the core
// computes without an end.
func BenchmarkContextEndsWhileCoreComputes(b *testing.B) {
	e := newHostileEngine(b, hostile(b), io.Discard, 110*time.Second)
	defer e.Close()
	s := (&arena{engine: e}).session(b, nil)
	busy(b, s, onRequest)
	var most time.Duration
	for b.Loop() {
		most = max(most, late(b, s, 10))
	}
	b.ReportMetric(float64(most)/1e6, "ms-late")
	s.Close()
}
