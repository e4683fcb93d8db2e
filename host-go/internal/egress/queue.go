package egress

import "sync"

// queue holds the messages of a pipe until its command reads them.
type queue struct {
	mu       sync.Mutex
	changed  sync.Cond
	limit    int64
	size     int64 // of the messages that are not sent, with their overhead
	messages []string
	closed   bool
}

// overhead is what a message costs besides its bytes.
const overhead = 32

func newQueue(limit int64) *queue {
	q := &queue{limit: limit}
	q.changed.L = &q.mu
	return q
}

// push appends a message, and reports whether there was room for it. A closed queue drops it.
func (q *queue) push(message string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return true
	}
	size := int64(len(message)) + overhead
	if q.size+size > q.limit {
		return false
	}
	q.size += size
	q.messages = append(q.messages, message)
	q.changed.Signal()
	return true
}

// next waits for messages and takes them all. It returns none when the queue is closed and empty.
func (q *queue) next() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.messages) == 0 && !q.closed {
		q.changed.Wait()
	}
	batch := q.messages
	q.messages = nil
	return batch
}

// empty reports whether all that came in is sent.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size == 0
}

// sent makes room for as much as batch took.
func (q *queue) sent(batch []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, message := range batch {
		q.size -= int64(len(message)) + overhead
	}
}

// close lets no message in any more. What is in is still to be sent.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Signal()
}
