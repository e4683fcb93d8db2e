package engine

import (
	"context"
	"sync"
)

// A notification is one of the server's, on its way to a handler.
type notification struct {
	method string
	params []byte
}

// size is about what a notification costs while it waits.
func (n *notification) size() int64 { return int64(eventSize + len(n.method) + len(n.params)) }

// A notificationQueue hands notifications to a handler, in order and in a goroutine of its own, so that a slow
// handler holds up nothing but itself. What waits, and what the handler has, is bounded in number
// and, by the session's budget, in bytes. A nil one has no handler.
type notificationQueue struct {
	room   int
	budget *budget
	closed chan struct{} // closed when no more come; those that wait are still handed out
	done   chan struct{} // closed when all have been handed out
	more   chan struct{} // holds a token when something waits

	mu      sync.Mutex
	waiting []notification
}

// newNotificationQueue makes a queue whose notifications wait until it is opened; nil is open.
func newNotificationQueue(room int, b *budget, opened <-chan struct{}, handle func(notification)) *notificationQueue {
	q := &notificationQueue{
		room: room, budget: b,
		closed: make(chan struct{}), done: make(chan struct{}), more: make(chan struct{}, 1),
	}
	go q.run(opened, handle)
	return q
}

func (q *notificationQueue) run(opened <-chan struct{}, handle func(notification)) {
	defer close(q.done)
	if opened != nil {
		select {
		case <-opened:
		case <-q.closed:
			select {
			case <-opened:
			default: // Nobody will ever hear of them.
				handle = func(notification) {}
			}
		}
	}
	for {
		if n, ok := q.next(); ok {
			handle(n)
			q.budget.give(handlerBytes, n.size())
			continue
		}
		select {
		case <-q.more:
		case <-q.closed:
			if q.empty() {
				return
			}
		}
	}
}

func (q *notificationQueue) next() (n notification, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return n, false
	}
	n, q.waiting[0] = q.waiting[0], notification{}
	if q.waiting = q.waiting[1:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return n, true
}

func (q *notificationQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) == 0
}

// put adds a notification, or says why there is no room for it. What comes after close is dropped.
func (q *notificationQueue) put(n notification) *overBudget {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-q.closed:
		return nil
	default:
	}
	if len(q.waiting) >= q.room {
		return &overBudget{&limit{int64(q.room), "notifications wait for the handler", "make it quicker, or raise ClientOptions.NotificationQueue"}}
	}
	if over := q.budget.take(handlerBytes, n.size()); over != nil {
		return over
	}
	q.waiting = append(q.waiting, n)
	select {
	case q.more <- struct{}{}:
	default:
	}
	return nil
}

// close says that no more come. It may be called more than once.
func (q *notificationQueue) close() {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-q.closed:
	default:
		close(q.closed)
	}
}

// drain closes the queue and waits until all have been handed out, or the context ends.
func (q *notificationQueue) drain(ctx context.Context) {
	if q == nil {
		return
	}
	q.close()
	select {
	case <-q.done:
	case <-ctx.Done():
	}
}
