package engine

import "sync"

// mailboxRoom is how many bytes of events may wait. Beyond it, a goroutine that brings more must wait:
// enough for a few reads of every exchange, so that they reach the core in batches.
const mailboxRoom = 1 << 20

// batchBytes is about how many bytes of events one entry of the core gets.
const batchBytes = 64 << 10

// An item is one task for an instance: begin a call, cancel one, take an event, move to compiled code, or
// deliver what the throttle holds.
type item struct {
	begin  *call
	cancel *call
	event  event
	size   int  // of the event, in bytes
	move   bool // to compiled code
	due    bool // see throttle
}

// A mailbox brings work from any goroutine to the instance's own, in order. Calls never wait for room:
// the budget bounds their number. Events do: that is the back-pressure on sockets and pipes.
type mailbox struct {
	mu     sync.Mutex
	items  []item
	spare  []item // empty, for the next ones
	bytes  int
	closed bool
	done   chan struct{} // closed when the mailbox is
	more   *sync.Cond    // there is something to do, or the mailbox is closed
	room   *sync.Cond
}

func newMailbox() *mailbox {
	m := &mailbox{done: make(chan struct{})}
	m.more, m.room = sync.NewCond(&m.mu), sync.NewCond(&m.mu)
	return m
}

// put adds an item, and reports whether somebody will do it.
func (m *mailbox) put(it item) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.add(it) {
		return false
	}
	m.more.Signal()
	return true
}

// putFirst adds an item of several that come at once: another put follows.
func (m *mailbox) putFirst(it item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(it)
}

// add waits for room and adds an item; false when the mailbox is closed.
func (m *mailbox) add(it item) bool {
	for it.size > 0 && m.bytes > mailboxRoom && !m.closed {
		m.more.Signal()
		m.room.Wait()
	}
	if m.closed {
		return false
	}
	m.items = append(m.items, it)
	m.bytes += it.size
	return true
}

// take waits until there is something to do, and gives all of it; ok is false when the mailbox is
// closed. done are the items that were taken before.
func (m *mailbox) take(done []item) (items []item, ok bool) {
	clear(done)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spare = done[:0]
	for len(m.items) == 0 && !m.closed {
		m.more.Wait()
	}
	items = m.items
	m.items, m.spare, m.bytes = m.spare, nil, 0
	m.room.Broadcast()
	return items, !m.closed
}

// close refuses new items, wakes the goroutines that wait, and returns the items that are left.
func (m *mailbox) close() []item {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := m.items
	if !m.closed {
		close(m.done)
	}
	m.items, m.bytes, m.closed = nil, 0, true
	m.more.Signal()
	m.room.Broadcast()
	return left
}
