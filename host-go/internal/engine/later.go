package engine

import (
	"container/heap"
	"sync/atomic"
	"time"
)

// A timer is one that the core has set.
type timer struct {
	id    uint32
	due   time.Time
	index int // in the heap
}

// minPause is how long the core is left alone, at least, after it was told what it has asked for.
const minPause = time.Millisecond

// later is what the core hears of without anybody outside: its timers, and what it was refused at
// once. It belongs to who has the instance, save for the alarm.
//
// The core may ask for such a thing whenever it hears of one. So it is told at most half of the
// time: after each telling it is left alone for as long as that took.
type later struct {
	mailbox *mailbox
	timers  map[uint32]*timer
	heap    timerHeap
	refused []event
	resting time.Time // nothing is told before

	alarm *time.Timer
	at    time.Time   // when the alarm goes off; zero when it is not set
	rung  atomic.Bool // an item waits in the mailbox, and no second one is needed
}

func newLater(m *mailbox) *later { return &later{mailbox: m, timers: map[uint32]*timer{}} }

func (l *later) has(id uint32) bool { return l.timers[id] != nil }

// set implements `set` of wit/timers.wit.
func (l *later) set(id uint32, delay time.Duration) {
	t := l.timers[id]
	if t == nil {
		t = &timer{id: id}
		l.timers[id] = t
		heap.Push(&l.heap, t)
	}
	t.due = time.Now().Add(delay)
	heap.Fix(&l.heap, t.index)
	l.arm()
}

// clear implements `clear` of wit/timers.wit, and reports whether there was one.
func (l *later) clear(id uint32) bool {
	t := l.timers[id]
	if t == nil {
		return false
	}
	delete(l.timers, id)
	heap.Remove(&l.heap, t.index)
	return true
}

// refuse has the core told of an effect that ends before it began.
func (l *later) refuse(e event) {
	l.refused = append(l.refused, e)
	l.arm()
}

// arm sets the alarm for what comes first.
func (l *later) arm() {
	var first time.Time
	switch {
	case len(l.refused) > 0:
		first = l.resting
	case len(l.heap) > 0:
		first = l.heap[0].due
	default:
		return
	}
	if first.Before(l.resting) {
		first = l.resting
	}
	if !l.at.IsZero() && !first.Before(l.at) {
		return
	}
	l.at = first
	wait := max(0, time.Until(first))
	if l.alarm == nil {
		l.alarm = time.AfterFunc(wait, l.ring)
	} else {
		l.alarm.Reset(wait)
	}
}

// ring is the alarm's.
func (l *later) ring() {
	if l.rung.CompareAndSwap(false, true) {
		l.mailbox.put(item{due: true})
	}
}

// take gives what is due.
func (l *later) take() (events []event) {
	l.rung.Store(false)
	l.at = time.Time{}
	now := time.Now()
	if now.Before(l.resting) {
		l.arm()
		return nil
	}
	events, l.refused = l.refused, nil
	for len(l.heap) > 0 && !l.heap[0].due.After(now) {
		t := heap.Pop(&l.heap).(*timer)
		delete(l.timers, t.id)
		events = append(events, timerEvent{t.id})
	}
	return events
}

// rest leaves the core alone after it was told something, which took so long.
func (l *later) rest(took time.Duration) {
	l.resting = time.Now().Add(max(took, minPause))
	l.arm()
}

// stop ends the alarm.
func (l *later) stop() {
	if l.alarm != nil {
		l.alarm.Stop()
	}
}

// A timerHeap has the timer first that is due first.
type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

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
