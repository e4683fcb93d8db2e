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

// minPause is the shortest pause after the core was given what it has caused itself.
const minPause = time.Millisecond

// A throttle holds the events that the core causes itself: its timers, and the effects that were
// refused at once. Only the goroutine of the instance uses it; its alarm runs in a goroutine of its own.
//
// The core may cause the next such event while it handles one. So it gets them at most half of the
// time: after each delivery comes a pause that lasts as long as the delivery did.
type throttle struct {
	mailbox     *mailbox
	timers      map[uint32]*timer
	heap        timerHeap
	refused     []event
	pausedUntil time.Time // nothing is delivered before

	alarm  *time.Timer
	at     time.Time   // when the alarm goes off; zero when it is not set
	queued atomic.Bool // an item waits in the mailbox, and no second one is needed
}

func newThrottle(m *mailbox) *throttle { return &throttle{mailbox: m, timers: map[uint32]*timer{}} }

func (th *throttle) has(id uint32) bool { return th.timers[id] != nil }

// set implements `set` of wit/timers.wit.
func (th *throttle) set(id uint32, delay time.Duration) {
	t := th.timers[id]
	if t == nil {
		t = &timer{id: id}
		th.timers[id] = t
		heap.Push(&th.heap, t)
	}
	t.due = time.Now().Add(delay)
	heap.Fix(&th.heap, t.index)
	th.arm()
}

// clear implements `clear` of wit/timers.wit, and reports whether there was one.
func (th *throttle) clear(id uint32) bool {
	t := th.timers[id]
	if t == nil {
		return false
	}
	delete(th.timers, id)
	heap.Remove(&th.heap, t.index)
	return true
}

// refuse adds the event of an effect that ended before it began.
func (th *throttle) refuse(e event) {
	th.refused = append(th.refused, e)
	th.arm()
}

// arm sets the alarm for the first event.
func (th *throttle) arm() {
	var first time.Time
	switch {
	case len(th.refused) > 0:
		first = th.pausedUntil
	case len(th.heap) > 0:
		first = th.heap[0].due
	default:
		return
	}
	if first.Before(th.pausedUntil) {
		first = th.pausedUntil
	}
	if !th.at.IsZero() && !first.Before(th.at) {
		return
	}
	th.at = first
	wait := max(0, time.Until(first))
	if th.alarm == nil {
		th.alarm = time.AfterFunc(wait, th.fire)
	} else {
		th.alarm.Reset(wait)
	}
}

// fire runs when the alarm goes off.
func (th *throttle) fire() {
	if th.queued.CompareAndSwap(false, true) {
		th.mailbox.put(item{due: true})
	}
}

// take returns the events that are due.
func (th *throttle) take() (events []event) {
	th.queued.Store(false)
	th.at = time.Time{}
	now := time.Now()
	if now.Before(th.pausedUntil) {
		th.arm()
		return nil
	}
	events, th.refused = th.refused, nil
	for len(th.heap) > 0 && !th.heap[0].due.After(now) {
		t := heap.Pop(&th.heap).(*timer)
		delete(th.timers, t.id)
		events = append(events, timerEvent{t.id})
	}
	return events
}

// pause begins the pause after a delivery that took so long.
func (th *throttle) pause(took time.Duration) {
	th.pausedUntil = time.Now().Add(max(took, minPause))
	th.arm()
}

// stop ends the alarm.
func (th *throttle) stop() {
	if th.alarm != nil {
		th.alarm.Stop()
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
