package engine

import "context"

// A notification is one of the server's, on its way to a handler.
type notification struct {
	method string
	params []byte
}

// A queue hands notifications to a handler, in order and in a goroutine of its own, so that a slow
// handler holds up nothing but itself. A nil queue has no handler.
type queue struct {
	waiting chan notification
	closed  chan struct{} // closed when no more come; those that wait are still handed out
	done    chan struct{} // closed when all have been handed out
}

func newQueue(room int, handle func(notification)) *queue {
	q := &queue{waiting: make(chan notification, room), closed: make(chan struct{}), done: make(chan struct{})}
	go q.run(handle)
	return q
}

func (q *queue) run(handle func(notification)) {
	defer close(q.done)
	for {
		select {
		case n := <-q.waiting:
			handle(n)
			continue
		default:
		}
		select {
		case n := <-q.waiting:
			handle(n)
		case <-q.closed:
			if len(q.waiting) == 0 {
				return
			}
		}
	}
}

// put adds a notification, and reports whether there was room.
func (q *queue) put(n notification) bool {
	select {
	case q.waiting <- n:
		return true
	default:
		return false
	}
}

// close says that no more come. It may be called more than once, by one goroutine at a time.
func (q *queue) close() {
	if q == nil {
		return
	}
	select {
	case <-q.closed:
	default:
		close(q.closed)
	}
}

// drain closes the queue and waits until all have been handed out, or the context ends.
func (q *queue) drain(ctx context.Context) {
	if q == nil {
		return
	}
	q.close()
	select {
	case <-q.done:
	case <-ctx.Done():
	}
}
