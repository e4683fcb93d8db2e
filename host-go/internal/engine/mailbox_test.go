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
		m.release(items)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			items, ok := m.take()
			if !ok {
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
				switch last := n == each-1; {
				case (n+by)%3 == 0 && !last:
					m.putFirst(it)
				case (n+by)%3 == 1:
					m.put(it)
				default:
					if items := m.putOrTake(it); len(items) > 0 {
						work(items)
					}
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
	if items := m.putOrTake(item{}); len(items) > 0 {
		t.Error("a closed mailbox gives the instance")
	}
}

// TestMailboxClosedByOther closes a mailbox while somebody has it: the instance's own goroutine ends
// when that one has let go.
func TestMailboxClosedByOther(t *testing.T) {
	t.Parallel()
	m := newMailbox()
	items := m.putOrTake(item{move: true})
	if len(items) != 1 {
		t.Fatalf("%d items, want 1", len(items))
	}
	if !m.put(item{move: true}) {
		t.Fatal("it is not taken")
	}
	if left := m.close(); len(left) != 1 {
		t.Errorf("%d items are left, want 1", len(left))
	}
	ended := make(chan bool)
	go func() {
		_, ok := m.take()
		ended <- ok
	}()
	select {
	case <-ended:
		t.Fatal("two have it at once")
	default:
	}
	m.release(items)
	if <-ended {
		t.Error("a closed mailbox gives something to do")
	}
}
