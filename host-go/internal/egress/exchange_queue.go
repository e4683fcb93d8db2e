package egress

import "container/list"

// Bounds on what one core may have open, and begin. A session needs one command, and a second one for
// a moment when it restarts it.
const (
	// MaxExchanges is how many exchanges there may be at once: those that run, and those that wait.
	MaxExchanges = 8192
	// MaxReplies is how many of them may belong to no call of the program's.
	MaxReplies = MaxExchanges / 2
	// MaxRunning is how many exchanges of the program's calls run at once, each with a connection.
	MaxRunning = 1024
	// MaxRunningReplies is how many of the others run at once.
	MaxRunningReplies = 64
	// MaxPipes is how many commands run at once.
	MaxPipes = 4
	// MaxStarts is how many commands may be started in a moment; one more each second.
	MaxStarts = 16
)

// An exchangeQueue bounds how many exchanges run at once. The others wait in order, and take no
// goroutine. The session's lock guards it.
type exchangeQueue struct {
	room, most     int // there at once, and running
	there, running int
	waiting        list.List // of *exchange
}

// begin adds an exchange, and reports whether it runs at once.
func (q *exchangeQueue) begin(x *exchange) bool {
	q.there++
	if q.running < q.most {
		q.running++
		return true
	}
	x.place = q.waiting.PushBack(x)
	return false
}

// next removes an exchange that has run, and returns the next one, which runs now; nil for none.
func (q *exchangeQueue) next() *exchange {
	q.there--
	first := q.waiting.Front()
	if first == nil {
		q.running--
		return nil
	}
	x := q.waiting.Remove(first).(*exchange)
	x.place = nil
	return x
}

// leave removes an exchange that waits, and reports whether it did.
func (q *exchangeQueue) leave(x *exchange) bool {
	if x.place == nil {
		return false
	}
	q.waiting.Remove(x.place)
	x.place = nil
	q.there--
	return true
}
