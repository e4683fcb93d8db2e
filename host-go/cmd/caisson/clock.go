package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// A clock bounds the time that a server takes. It stops while the program asks a person, and may be stopped
// for good. It is safe for concurrent use.
type clock struct {
	bound  time.Duration
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	left  time.Duration
	since time.Time // when it began to run
	holds int       // the clock runs while there are none
	timer *time.Timer
}

// errLate is the cause of a context's end when its clock ran out.
var errLate = errors.New("--timeout is over")

// newClock starts a clock, and returns a context that ends with the clock.
func newClock(parent context.Context, bound time.Duration) (context.Context, *clock, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	k := &clock{bound: bound, cancel: cancel, left: bound, since: time.Now()}
	k.timer = time.AfterFunc(bound, func() { cancel(errLate) })
	return ctx, k, func() {
		k.hold()
		cancel(nil)
	}
}

// hold stops the clock. Each hold needs a release before the clock goes on.
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

// end ends the clock's context: somebody who had the time that they have has not logged in.
func (k *clock) end(late *auth.LoginError) { k.cancel(late) }

// explain adds the reason to an error that the clock has caused.
func (k *clock) explain(ctx context.Context, err error, server, step string) error {
	var complete *caisson.Error
	var late *auth.LoginError
	if err != nil && !errors.As(err, &complete) && errors.As(context.Cause(ctx), &late) {
		return &caisson.Error{Code: caisson.CodeAuthorizationRequired, Server: late.Server, Step: step, Err: late, Message: late.Error()}
	}
	if err == nil || errors.As(err, &complete) || !errors.Is(context.Cause(ctx), errLate) {
		return err
	}
	message := fmt.Sprintf("it took longer than %v: allow more with --timeout", k.bound)
	if step == "connect" {
		message += ", or name the revision with --protocol-version where the server speaks an older one: it may keep silent when asked for the newest"
	}
	return &caisson.Error{Code: caisson.CodeTimeout, Server: server, Step: step, Err: err, Message: message}
}
