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
	line     []byte // room for one that is sent past the queue
}

// maxLine is how much room is kept for it.
const maxLine = 64 << 10

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

// direct sends a message past the queue, when nothing is before it, and reports whether it did. write
// takes as many bytes as it can without waiting; the rest of the message goes into the queue.
func (q *queue) direct(message string, write func([]byte) int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.size > 0 {
		return false
	}
	q.line = append(append(q.line[:0], message...), '\n')
	n := write(q.line)
	if n > 0 && n < len(q.line) {
		rest := message[n:]
		q.size += int64(len(rest)) + overhead
		q.messages = append(q.messages, rest)
		q.changed.Signal()
	}
	if len(q.line) > maxLine {
		q.line = nil
	}
	return n > 0
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
