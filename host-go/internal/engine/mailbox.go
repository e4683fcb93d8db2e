package engine

import "sync"

// mailboxRoom is how many bytes of events may wait before whoever brings more is made to wait:
// enough for a few reads of every exchange, so that they reach the core in batches.
const mailboxRoom = 1 << 20

// batchBytes is about how many bytes of events the core is entered with at once.
const batchBytes = 64 << 10

// An item is one thing for an instance to do: begin a call, give one up, take an event, move to
// compiled code, or tell the core what it has asked for.
type item struct {
	begin  *call
	cancel *call
	event  event
	size   int  // of the event, in bytes
	move   bool // to compiled code
	due    bool // see later
}

// A mailbox brings work from any goroutine to the one that has the instance, in order. Calls never
// wait for room: the budget bounds their number. Events do: that is the back-pressure on sockets and
// pipes.
//
// Nobody has the instance while there is nothing to do. A reader that brings the first thing may get
// it, and otherwise the instance's own goroutine does. A reader has it until it has done what it got,
// and gives it on to that goroutine when there is more.
type mailbox struct {
	mu     sync.Mutex
	items  []item
	spare  []item // empty, for the next ones
	bytes  int
	taken  bool // somebody has the instance
	closed bool
	wake   chan struct{} // holds a token when the instance's own goroutine has the instance
	done   chan struct{} // closed when the mailbox is
	room   *sync.Cond
}

func newMailbox() *mailbox {
	m := &mailbox{wake: make(chan struct{}, 1), done: make(chan struct{})}
	m.room = sync.NewCond(&m.mu)
	return m
}

// put adds an item, and reports whether somebody will do it.
func (m *mailbox) put(it item) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.add(it) {
		return false
	}
	m.give()
	return true
}

// putFirst adds an item of several that come at once: another put follows, or a take.
func (m *mailbox) putFirst(it item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(it)
}

// putOrTake is put, but gives the instance to the caller when nobody has it: then there are items.
func (m *mailbox) putOrTake(it item) []item {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.add(it) || m.taken {
		return nil
	}
	m.taken = true
	return m.all()
}

// add waits for room and adds an item; false when the mailbox is closed.
func (m *mailbox) add(it item) bool {
	for it.size > 0 && m.bytes > mailboxRoom && !m.closed {
		m.give()
		m.room.Wait()
	}
	if m.closed {
		return false
	}
	m.items = append(m.items, it)
	m.bytes += it.size
	return true
}

// give gives the instance to its own goroutine, when nobody has it.
func (m *mailbox) give() {
	if !m.taken {
		m.taken = true
		m.wake <- struct{}{}
	}
}

// take waits until the instance's own goroutine, which calls it, has the instance, and gives all the
// items that there are; ok is false when the mailbox is closed.
func (m *mailbox) take() (items []item, ok bool) {
	<-m.wake
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all(), !m.closed
}

// release is called by who has the instance, with the items that are done. When there is more to do,
// or never will be, the instance's own goroutine gets it.
func (m *mailbox) release(done []item) {
	clear(done)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spare = done[:0]
	m.taken = false
	if len(m.items) > 0 || m.closed {
		m.give()
	}
}

func (m *mailbox) all() []item {
	items := m.items
	m.items, m.spare, m.bytes = m.spare, nil, 0
	m.room.Broadcast()
	return items
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
	m.give()
	m.room.Broadcast()
	return left
}
