package engine

import "time"

// A timer is one that the core has set.
type timer struct {
	id   uint32
	wait *time.Timer
}

// setTimer implements `set` of wit/timers.wit.
func (in *instance) setTimer(id uint32, delay time.Duration) {
	in.clearTimer(id)
	t := &timer{id: id}
	t.wait = time.AfterFunc(delay, func() { in.mailbox.put(item{event: timerEvent{t}, size: eventSize}) })
	in.timers[id] = t
}

// clearTimer implements `clear` of wit/timers.wit. An event that is on its way is dropped when it
// arrives: it is not this timer's any more.
func (in *instance) clearTimer(id uint32) {
	if t := in.timers[id]; t != nil {
		t.wait.Stop()
		delete(in.timers, id)
	}
}
