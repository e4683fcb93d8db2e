package engine

import "sync"

// mailboxRoom is how many bytes of events may wait before whoever brings more is made to wait:
// enough for a few reads of every exchange, so that they reach the core in batches.
const mailboxRoom = 1 << 20

// An item is one thing for an instance to do: begin a call, give one up, take an event, or move to
// compiled code.
type item struct {
	begin  *call
	cancel *call
	event  event
	size   int // of the event, in bytes
	move   bool
}

// A mailbox brings work from any goroutine to the one that an instance belongs to, in order.
// Calls never wait for room: their number is bounded by their callers. Events do: that is the
// back-pressure on sockets and pipes.
type mailbox struct {
	mu     sync.Mutex
	items  []item
	bytes  int
	closed bool
	wake   chan struct{} // holds a token when there is something to take
	done   chan struct{} // closed when the mailbox is
	room   *sync.Cond
}

func newMailbox() *mailbox {
	m := &mailbox{wake: make(chan struct{}, 1), done: make(chan struct{})}
	m.room = sync.NewCond(&m.mu)
	return m
}

// put adds an item, and reports whether somebody will take it.
func (m *mailbox) put(it item) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for it.size > 0 && m.bytes > mailboxRoom && !m.closed {
		m.room.Wait()
	}
	if m.closed {
		return false
	}
	m.items = append(m.items, it)
	m.bytes += it.size
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

// take waits for items and gives all there are; ok is false when the mailbox is closed. The spare
// slice is used for the next ones.
func (m *mailbox) take(spare []item) (items []item, ok bool) {
	<-m.wake
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, false
	}
	clear(spare)
	items, m.items = m.items, spare[:0]
	m.bytes = 0
	m.room.Broadcast()
	return items, true
}

// close turns away everything that comes, frees whoever waits, and gives what was left.
func (m *mailbox) close() []item {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := m.items
	if !m.closed {
		close(m.done)
	}
	m.items, m.bytes, m.closed = nil, 0, true
	select {
	case m.wake <- struct{}{}:
	default:
	}
	m.room.Broadcast()
	return left
}
