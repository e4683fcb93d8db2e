package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// asking is full while the library is at work. The library has no contexts: it may wait for ever for a service that does not
// answer, or for a person who does not. What waits then is one goroutine, however often the keyring is asked.
var asking = make(chan struct{}, 1)

// within runs what may never return. When the time is over or the context ends, it leaves it alone.
func within[T any](ctx context.Context, timeout time.Duration, do func() (T, error)) (result T, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it did not answer within %v", timeout))
	defer cancel()
	if err := reachable(); err != nil {
		return result, err
	}
	select {
	case asking <- struct{}{}:
	case <-ctx.Done():
		return result, context.Cause(ctx)
	}
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() { <-asking }()
		// The library trusts the service: an answer of another type, or the end of the connection, panics.
		defer func() {
			if fault := recover(); fault != nil {
				done <- outcome{err: errors.New("its answer makes no sense")}
			}
		}()
		result, err := do()
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		return result, context.Cause(ctx)
	}
}
