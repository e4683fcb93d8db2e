package egress

import "container/list"

// Bounds on what one core may have open, and begin. A session needs one command, and a second one for
// a moment when it restarts it.
const (
	// MaxExchanges is how many exchanges there may be at once: those that run, and those that wait.
	MaxExchanges = 8192
	// MaxReplies is how many of them may be what nobody in the program has asked for.
	MaxReplies = MaxExchanges / 2
	// MaxRunning is how many of those that the program has asked for run at once, each with a
	// connection.
	MaxRunning = 1024
	// MaxRunningReplies is how many of the others do.
	MaxRunningReplies = 64
	// MaxPipes is how many commands run at once.
	MaxPipes = 4
	// MaxStarts is how many commands may be started in a moment; one more each second.
	MaxStarts = 16
)

// turns has so many exchanges run at once. The others wait for their turn, in order, and take no
// goroutine. It belongs to the session, with its lock.
type turns struct {
	room, most     int // there at once, and running
	there, running int
	waiting        list.List // of *exchange
}

// begin takes an exchange in, and reports whether it runs at once.
func (t *turns) begin(x *exchange) bool {
	t.there++
	if t.running < t.most {
		t.running++
		return true
	}
	x.place = t.waiting.PushBack(x)
	return false
}

// next takes out an exchange that has run, and gives the one whose turn it is; nil for none.
func (t *turns) next() *exchange {
	t.there--
	first := t.waiting.Front()
	if first == nil {
		t.running--
		return nil
	}
	x := t.waiting.Remove(first).(*exchange)
	x.place = nil
	return x
}

// leave takes out an exchange that waits, and reports whether it does.
func (t *turns) leave(x *exchange) bool {
	if x.place == nil {
		return false
	}
	t.waiting.Remove(x.place)
	x.place = nil
	t.there--
	return true
}
