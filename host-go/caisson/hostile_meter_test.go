package caisson_test

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// A cost is what an attack may make this process spend. Where a field is 0, usual has the bound; of
// processors there is none where it has none: who floods a client has it work.
type cost struct {
	peak        int64   // bytes of the heap beyond what there was, garbage with it
	kept        int64   // bytes of it when the session is closed
	goroutines  int     // at a time
	files       int     // descriptors, at a time
	log         int64   // bytes
	cpu         float64 // processors, from when the call has ended to the close
	connections int64   // at a time, as the server sees them
	requests    int64   // as the server sees them
}

// A connection has two goroutines at the client and one at the server of the test, which are in the same process.
var usual = cost{peak: 160 << 20, kept: 16 << 20, goroutines: 600, files: 200, log: 8 << 20, connections: 200, requests: 200}

func (c cost) orUsual() cost {
	c.peak, c.kept, c.log = or(c.peak, usual.peak), or(c.kept, usual.kept), or(c.log, usual.log)
	c.goroutines, c.files = or(c.goroutines, usual.goroutines), or(c.files, usual.files)
	c.cpu = or(c.cpu, usual.cpu)
	c.connections, c.requests = or(c.connections, usual.connections), or(c.requests, usual.requests)
	return c
}

func or[T int | int64 | float64](a, b T) T {
	if a == 0 {
		return b
	}
	return a
}

// exceeds says by what this is more than a bound.
func (c cost) exceeds(bound cost) (over []string) {
	check := func(what string, is, most float64) {
		if is > most {
			over = append(over, fmt.Sprintf("%s: %.4g, and %.4g is the bound", what, is, most))
		}
	}
	check("bytes of heap at the peak", float64(c.peak), float64(bound.peak))
	check("bytes of heap kept", float64(c.kept), float64(bound.kept))
	check("goroutines", float64(c.goroutines), float64(bound.goroutines))
	check("open files", float64(c.files), float64(bound.files))
	check("bytes of log", float64(c.log), float64(bound.log))
	if bound.cpu > 0 {
		check("processors", c.cpu, bound.cpu)
	}
	check("connections", float64(c.connections), float64(bound.connections))
	check("requests", float64(c.requests), float64(bound.requests))
	return over
}

// A meter looks at the process until it is stopped.
type meter struct {
	stop, stopped chan struct{}
	base, most    cost
}

func heapNow() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

func newMeter(t *testing.T) *meter {
	t.Helper()
	m := &meter{stop: make(chan struct{}), stopped: make(chan struct{})}
	m.base = cost{peak: heap(), goroutines: runtime.NumGoroutine(), files: openFiles(t)}
	go func() {
		defer close(m.stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			m.most.peak = max(m.most.peak, heapNow()-m.base.peak)
			m.most.goroutines = max(m.most.goroutines, runtime.NumGoroutine()-m.base.goroutines)
			if i%5 == 0 {
				m.most.files = max(m.most.files, openFiles(t)-m.base.files)
			}
			select {
			case <-tick.C:
			case <-m.stop:
				return
			}
		}
	}()
	return m
}

// nothingLeft waits until what the attack had is gone.
func (m *meter) nothingLeft(t *testing.T) {
	t.Helper()
	if !eventually(func() bool {
		hostileTransport.CloseIdleConnections() // They are the runtime's, and kept for a minute and a half.
		return runtime.NumGoroutine() <= m.base.goroutines+10 && openFiles(t) <= m.base.files+5
	}) {
		t.Errorf("%d goroutines and %d files are left; there were %d and %d", runtime.NumGoroutine(), openFiles(t), m.base.goroutines, m.base.files)
	}
}

// end gives the most that was spent.
func (m *meter) end() cost {
	close(m.stop)
	<-m.stopped
	m.most.kept = heap() - m.base.peak
	return m.most
}
