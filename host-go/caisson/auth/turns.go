package auth

import (
	"context"
	"sync"
)

// turns gives the goroutines of one process their turn of a key, in the order in which they come.
type turns struct {
	mu sync.Mutex
	of map[string]*turn
}

type turn struct {
	held  chan struct{} // full while one has it
	users int           // those who have it or wait for it
}

// take waits for the turn of a key, and gives what ends it, which may be called more than once.
func (t *turns) take(ctx context.Context, key string) (end func(), err error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	t.mu.Lock()
	if t.of == nil {
		t.of = map[string]*turn{}
	}
	one := t.of[key]
	if one == nil {
		one = &turn{held: make(chan struct{}, 1)}
		t.of[key] = one
	}
	one.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(t.of, key)
		}
	}
	select {
	case one.held <- struct{}{}:
		return sync.OnceFunc(func() {
			<-one.held
			leave()
		}), nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}
