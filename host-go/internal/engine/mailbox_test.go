package engine

import (
	"sync"
	"sync/atomic"
	"testing"
)

// numbered is an event that knows who brought it, and as which.
type numbered struct{ by, n int }

func (numbered) encode(*instance) (any, bool) { return nil, false }

// TestMailbox has many goroutines bring things in every way there is. Each thing is done once, those
// of one goroutine in their order, and by one goroutine at a time.
func TestMailbox(t *testing.T) {
	t.Parallel()
	const producers, each = 16, 2000
	m := newMailbox()
	var inside atomic.Int32
	next := make([]int, producers) // belongs to who has the mailbox
	done := 0
	all := make(chan struct{})
	work := func(items []item) {
		if inside.Add(1) != 1 {
			t.Error("two have it at once")
		}
		for _, it := range items {
			e := it.event.(numbered)
			if next[e.by] != e.n {
				t.Errorf("%d of %d came after %d", e.n, e.by, next[e.by]-1)
			}
			next[e.by] = e.n + 1
			if done++; done == producers*each {
				close(all)
			}
		}
		inside.Add(-1)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		var items []item
		for {
			var ok bool
			if items, ok = m.take(items); !ok {
				return
			}
			work(items)
		}
	}()
	var working sync.WaitGroup
	for by := range producers {
		working.Go(func() {
			for n := range each {
				it := item{event: numbered{by, n}, size: n * by % 3 * mailboxRoom / 4}
				if (n+by)%3 == 0 && n < each-1 {
					m.putFirst(it)
				} else {
					m.put(it)
				}
			}
		})
	}
	working.Wait()
	<-all
	m.close()
	<-stopped
	if m.put(item{}) {
		t.Error("a closed mailbox takes more")
	}
}
