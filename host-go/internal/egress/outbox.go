package egress

import "sync"

// An outbox holds the messages of a pipe until its command reads them.
type outbox struct {
	mu       sync.Mutex
	changed  sync.Cond
	limit    int64
	size     int64 // of the messages that are not sent, with their overhead
	messages []string
	closed   bool
}

// overhead is what a message costs besides its bytes.
const overhead = 32

func newOutbox(limit int64) *outbox {
	o := &outbox{limit: limit}
	o.changed.L = &o.mu
	return o
}

// push appends a message, and reports whether there was room for it. A closed queue drops it.
func (o *outbox) push(message string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return true
	}
	size := int64(len(message)) + overhead
	if o.size+size > o.limit {
		return false
	}
	o.size += size
	o.messages = append(o.messages, message)
	o.changed.Signal()
	return true
}

// next waits for messages and takes them all. It returns none when the queue is closed and empty.
func (o *outbox) next() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.messages) == 0 && !o.closed {
		o.changed.Wait()
	}
	batch := o.messages
	o.messages = nil
	return batch
}

// empty reports whether all that came in is sent.
func (o *outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size == 0
}

// sent makes room for as much as batch took.
func (o *outbox) sent(batch []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, message := range batch {
		o.size -= int64(len(message)) + overhead
	}
}

// close lets no message in any more. What is in is still to be sent.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.changed.Signal()
}
