package engine

import (
	"context"
	"sync"
	"time"
)

// turns has the engines of a process compile one module at a time: what their compilers take of memory would add up.
// No turn begins while somebody waits for the interpreter: a compiler beside it makes a first run take several times as
// long. The zero value is ready for use, and safe for concurrent use.
type turns struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil when nobody waits
	taken   bool
	holds   int // of those who wait for the interpreter
	urgent  int // how many wait for a turn that somebody waits for
}

// compiling are the turns of the process.
var compiling turns

// begin waits for a turn, which done ends. urgent turns come before others. The error is the context's.
func (t *turns) begin(ctx context.Context, urgent bool) (done func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if urgent {
		t.urgent++
		defer func() {
			t.urgent--
			t.change()
		}()
	}
	for ctx.Err() == nil {
		if !t.taken && t.holds == 0 && (urgent || t.urgent == 0) {
			t.taken = true
			stop := make(chan struct{})
			go collectOften(stop)
			return sync.OnceFunc(func() {
				close(stop)
				t.end()
			}), nil
		}
		if t.changed == nil {
			t.changed = make(chan struct{})
		}
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		t.mu.Lock()
	}
	return nil, ctx.Err()
}

func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken = false
	t.change()
}

// hold keeps turns from beginning until release, and no longer than most. A turn that has begun goes on.
func (t *turns) hold(most time.Duration) (release func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holds++
	end := sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.holds--
		t.change()
	})
	late := time.AfterFunc(most, end)
	return func() {
		late.Stop()
		end()
	}
}

const (
	// giveWay is how long the compilers give way to a guest in the interpreter. A short run is over by then; a long one
	// is quicker in compiled code.
	giveWay = 500 * time.Millisecond
	// giveWayToMake is how long they give way to the making of the first guest. It takes a fraction of that, unless the
	// machine is very busy.
	giveWayToMake = 5 * time.Second
)

// change wakes all who wait. Call it with the lock.
func (t *turns) change() {
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}
