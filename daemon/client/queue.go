package client

import "sync"

// maxQueued and maxQueuedBytes bound what waits for slow handlers; what is beyond is dropped, the oldest first.
const (
	maxQueued      = 10_000
	maxQueuedBytes = 64 << 20
)

// A queue has calls of handlers that wait for the one before.
type queue struct {
	wake chan struct{} // has something in it when something has come, or the queue was closed

	mu     sync.Mutex
	calls  []queued
	bytes  int
	closed bool
}

type queued struct {
	bytes int
	call  func()
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// push adds a call that holds so many bytes.
func (q *queue) push(bytes int, call func()) {
	q.mu.Lock()
	q.calls = append(q.calls, queued{bytes, call})
	q.bytes += bytes
	for len(q.calls) > maxQueued || q.bytes > maxQueuedBytes && len(q.calls) > 1 {
		q.drop()
	}
	q.mu.Unlock()
	q.nudge()
}

// drop takes the oldest call out. With q.mu held.
func (q *queue) drop() func() {
	oldest := q.calls[0]
	q.calls[0] = queued{}
	q.calls = q.calls[1:]
	q.bytes -= oldest.bytes
	return oldest.call
}

// run makes the calls that wait, and reports whether more may come.
func (q *queue) run() bool {
	for {
		q.mu.Lock()
		if len(q.calls) == 0 {
			closed := q.closed
			q.mu.Unlock()
			return !closed
		}
		call := q.drop()
		q.mu.Unlock()
		call()
	}
}

// close says that nothing more comes.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.nudge()
}

func (q *queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
