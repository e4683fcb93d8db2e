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
	busy    bool            // the handler has one
	handled uint64          // how many the handler has had
	awaited []*awaitedCount // in order
}

// An awaitedCount is somebody who waits until so many have been handled.
type awaitedCount struct {
	count uint64
	done  chan struct{}
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
			q.had()
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

// had counts one that was handled.
func (q *notificationQueue) had() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handled++
	q.busy = false
	for len(q.awaited) > 0 && q.awaited[0].count <= q.handled {
		close(q.awaited[0].done)
		q.awaited = q.awaited[1:]
	}
}

// heard waits until all that are in the queue now have been handled, until the queue is done, or until the context
// ends. A handler must not call it.
func (q *notificationQueue) heard(ctx context.Context) {
	if q == nil {
		return
	}
	q.mu.Lock()
	ahead := uint64(len(q.waiting))
	if q.busy {
		ahead++
	}
	if ahead == 0 {
		q.mu.Unlock()
		return
	}
	a := &awaitedCount{q.handled + ahead, make(chan struct{})}
	q.awaited = append(q.awaited, a)
	q.mu.Unlock()
	select {
	case <-a.done:
	case <-q.done:
	case <-ctx.Done():
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
	q.busy = true
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
