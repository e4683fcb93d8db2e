// Package timers keeps the timers that an instance has set, as wit/timers.wit has them.
package timers

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// Timers are the timers of an instance. The zero value has none. It is for one goroutine at a time.
type Timers struct {
	byID map[uint32]*timer
	heap timerHeap
	last uint64
}

type timer struct {
	id    uint32
	due   time.Time
	order uint64 // of those that are due at the same time, the first that was set
	index int    // in the heap
}

// Len returns how many are set.
func (ts *Timers) Len() int { return len(ts.heap) }

// Has reports whether a timer is set.
func (ts *Timers) Has(id uint32) bool { return ts.byID[id] != nil }

// Set sets a timer, or sets one anew.
func (ts *Timers) Set(id uint32, delay time.Duration) { ts.set(id, time.Now(), delay) }

func (ts *Timers) set(id uint32, now time.Time, delay time.Duration) {
	t := ts.byID[id]
	if t == nil {
		t = &timer{id: id}
		if ts.byID == nil {
			ts.byID = map[uint32]*timer{}
		}
		ts.byID[id] = t
		heap.Push(&ts.heap, t)
	}
	ts.last++
	t.due, t.order = now.Add(delay), ts.last
	heap.Fix(&ts.heap, t.index)
}

// Clear clears a timer, and reports whether there was one.
func (ts *Timers) Clear(id uint32) bool {
	t := ts.byID[id]
	if t == nil {
		return false
	}
	delete(ts.byID, id)
	heap.Remove(&ts.heap, t.index)
	return true
}

// First returns when the next timer is due; false when none is set.
func (ts *Timers) First() (time.Time, bool) {
	if len(ts.heap) == 0 {
		return time.Time{}, false
	}
	return ts.heap[0].due, true
}

// Take takes the next timer, if its time has come.
func (ts *Timers) Take(now time.Time) (id uint32, ok bool) {
	if len(ts.heap) == 0 || ts.heap[0].due.After(now) {
		return 0, false
	}
	t := heap.Pop(&ts.heap).(*timer)
	delete(ts.byID, t.id)
	return t.id, true
}

// A Timer is one timer as it is saved.
type Timer struct {
	ID   uint32        `json:"id"`
	Left time.Duration `json:"left"` // until it is due
}

// Save returns the timers, in the order in which those of the same time come.
func (ts *Timers) Save() []Timer {
	var out []Timer
	now := time.Now()
	byOrder := slices.SortedFunc(slices.Values(ts.heap), func(a, b *timer) int { return cmp.Compare(a.order, b.order) })
	for _, t := range byOrder {
		out = append(out, Timer{t.id, t.due.Sub(now)})
	}
	return out
}

// Restore sets the timers that were saved so long ago, in place of those that are set.
func (ts *Timers) Restore(saved []Timer, ago time.Duration) {
	*ts = Timers{}
	now := time.Now().Add(-ago) // The same for all: what was due at the same time still is.
	for _, t := range saved {
		ts.set(t.ID, now, t.Left)
	}
}

// A timerHeap has the timer first that is due first.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].order < h[j].order
	}
	return h[i].due.Before(h[j].due)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements [heap.Interface].
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop implements [heap.Interface].
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return t
}
