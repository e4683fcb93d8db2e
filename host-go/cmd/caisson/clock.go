package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A clock bounds the time that a server takes. It stands still while a person is asked, and may be
// stopped for good. It is safe for concurrent use.
type clock struct {
	bound time.Duration

	mu    sync.Mutex
	left  time.Duration
	since time.Time // when it began to run
	holds int       // it runs while there are none
	timer *time.Timer
}

// errLate is the cause of the end of a context whose clock ran out.
var errLate = errors.New("--timeout is over")

// newClock starts a clock, and gives a context that ends with it.
func newClock(parent context.Context, bound time.Duration) (context.Context, *clock, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	k := &clock{bound: bound, left: bound, since: time.Now()}
	k.timer = time.AfterFunc(bound, func() { cancel(errLate) })
	return ctx, k, func() {
		k.hold()
		cancel(nil)
	}
}

// hold stops the clock until release was called once for each hold.
func (k *clock) hold() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.holds++; k.holds == 1 {
		k.timer.Stop()
		k.left -= time.Since(k.since)
	}
}

func (k *clock) release() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.holds--; k.holds == 0 {
		k.since = time.Now()
		k.timer.Reset(max(k.left, 0))
	}
}

// explain adds to an error that the clock has caused what the error does not say.
func (k *clock) explain(ctx context.Context, err error, server, step string) error {
	var complete *caisson.Error
	if err == nil || errors.As(err, &complete) || !errors.Is(context.Cause(ctx), errLate) {
		return err
	}
	message := fmt.Sprintf("it took longer than %v: allow more with --timeout", k.bound)
	if step == "connect" {
		message += ", or name the revision with --protocol-version where the server speaks an older one: it may keep silent when asked for the newest"
	}
	return &caisson.Error{Code: caisson.CodeTimeout, Server: server, Step: step, Err: err, Message: message}
}
