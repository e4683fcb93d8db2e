package engine

import (
	"context"
	"testing"
)

// TestHeard shows that heard waits for all notifications that came before it, the one in hand among them, and for no
// later ones.
func TestHeard(t *testing.T) {
	handling, release := make(chan string), make(chan struct{})
	q := newNotificationQueue(10, &budget{limits: budgetLimits(Limits{HandlerBytes: 1 << 20}, 1<<20)}, nil, func(n notification) {
		handling <- n.method
		<-release
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	q.heard(ctx) // There is nothing to wait for.
	for _, method := range []string{"a", "b"} {
		if over := q.put(notification{method: method}); over != nil {
			t.Fatal(over)
		}
	}
	<-handling // of a
	heard := make(chan struct{})
	waiting := make(chan struct{})
	go func() {
		close(waiting)
		q.heard(ctx)
		close(heard)
	}()
	<-waiting
	for { // until it is counted
		q.mu.Lock()
		n := len(q.awaited)
		q.mu.Unlock()
		if n == 1 {
			break
		}
	}
	if over := q.put(notification{method: "c"}); over != nil {
		t.Fatal(over)
	}
	release <- struct{}{} // a is done
	<-handling            // of b
	select {
	case <-heard:
		t.Error("it did not wait for b")
	default:
	}
	release <- struct{}{} // b is done
	<-heard               // while c is in hand
	<-handling
	release <- struct{}{}
	q.close()
	<-q.done
	q.heard(ctx)
	cancel()
	(*notificationQueue)(nil).heard(ctx)
}
