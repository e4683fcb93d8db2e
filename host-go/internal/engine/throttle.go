package engine

import (
	"sync/atomic"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/timers"
)

// minPause is the shortest pause after the core was given what it has caused itself.
const minPause = time.Millisecond

// A throttle holds the events that the core causes itself: its timers, and the effects that were
// refused at once. Only the goroutine of the instance uses it; its alarm runs in a goroutine of its own.
//
// The core may cause the next such event while it handles one. So it gets them at most half of the
// time: after each delivery comes a pause that lasts as long as the core has computed. How long a busy
// machine kept it waiting meanwhile is no reason to have it wait again.
type throttle struct {
	mailbox     *mailbox
	timers      timers.Timers
	refused     []event
	pausedUntil time.Time // nothing is delivered before

	alarm  *time.Timer
	at     time.Time   // when the alarm goes off; zero when it is not set
	queued atomic.Bool // an item waits in the mailbox, and no second one is needed
}

func newThrottle(m *mailbox) *throttle { return &throttle{mailbox: m} }

func (th *throttle) has(id uint32) bool { return th.timers.Has(id) }

// set implements `set` of wit/timers.wit.
func (th *throttle) set(id uint32, delay time.Duration) {
	th.timers.Set(id, delay)
	th.arm()
}

// clear implements `clear` of wit/timers.wit, and reports whether there was one.
func (th *throttle) clear(id uint32) bool { return th.timers.Clear(id) }

// refuse adds the event of an effect that ended before it began.
func (th *throttle) refuse(e event) {
	th.refused = append(th.refused, e)
	th.arm()
}

// arm sets the alarm for the first event.
func (th *throttle) arm() {
	first, set := th.timers.First()
	if len(th.refused) > 0 {
		first, set = th.pausedUntil, true
	}
	if !set {
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
	for id, due := th.timers.Take(now); due; id, due = th.timers.Take(now) {
		events = append(events, timerEvent{id})
	}
	return events
}

// pause begins the pause after a delivery for which the core has computed so long.
func (th *throttle) pause(computed time.Duration) {
	th.pausedUntil = time.Now().Add(max(computed, minPause))
	th.arm()
}

// stop ends the alarm.
func (th *throttle) stop() {
	if th.alarm != nil {
		th.alarm.Stop()
	}
}
