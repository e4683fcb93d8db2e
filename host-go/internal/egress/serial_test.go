package egress

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// alone is a writer that may have one writer at a time.
type alone struct {
	t      *testing.T
	inside atomic.Int32
	bytes  int // the race detector looks at it
}

func (a *alone) Write(b []byte) (int, error) {
	if a.inside.Add(1) != 1 {
		a.t.Error("two write at once")
	}
	a.bytes += len(b)
	time.Sleep(time.Millisecond)
	a.inside.Add(-1)
	return len(b), nil
}

// TestStderrIsSerial has the commands of several sessions write to one writer.
func TestStderrIsSerial(t *testing.T) {
	to := &alone{t: t}
	opts := unhurried
	opts.Stderr = Serial(to)
	var all sync.WaitGroup
	for range 4 {
		s, sink := start(t, Grant{Command: child(t, `err one\n`, `err two\n`, `err three\n`)}, opts)
		all.Go(func() {
			if err := s.PipeOpen(ref(1)); err != nil {
				t.Error(err)
			}
			_, _ = sink.ended(t, ref(1))
		})
	}
	all.Wait()
	if want := 4 * len("one\ntwo\nthree\n"); to.bytes != want {
		t.Errorf("%d bytes are written, want %d", to.bytes, want)
	}
}
