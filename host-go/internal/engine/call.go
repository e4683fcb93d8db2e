package engine

import (
	"context"
	"sync/atomic"
)

// An Operation is one call of the core's `client` interface; see wit/client.wit.
type Operation struct {
	Export   string    // the function's name there; "" for request
	Method   string    // the protocol's method; for request, part of the call
	Params   string    // JSON text of an object
	Progress *Progress // nil when nobody listens
	// Listening gets the notifications that a subscription is granted; see listening in wit/host.wit. The
	// instance's goroutine calls it, so it must not wait.
	Listening func(notifications []byte)
}

// The functions of the `client` interface, by the arguments that they take after the session.
const (
	connect      = "connect"
	closeSession = "close"
	ping         = "ping"
	request      = "request"
	notify       = "notify"
	cancelCall   = "cancel"
)

// withParams are those that take the params of their one method.
var withParams = []string{
	"list-tools", "call-tool",
	"list-resources", "list-resource-templates", "read-resource", "subscribe", "unsubscribe",
	"list-prompts", "get-prompt",
	"complete", "set-logging-level", "listen",
	"start-task", "get-task", "wait-task", "update-task", "cancel-task", "list-tasks",
	"list-skills", "get-skill", "read-skill", "read-skill-directory",
}

// A call is an operation under way. Its id belongs to the instance's goroutine.
type call struct {
	operation Operation
	session   *Session
	ctx       context.Context
	id        uint32             // 0 until it has begun
	task      bool               // it has become a task; the instance's goroutine's
	settled   chan outcome       // has room for the one outcome
	progress  *notificationQueue // nil when nobody listens
	drawn     atomic.Bool        // it is in the budget
	over      atomic.Bool        // it has its outcome
	givenUp   atomic.Bool        // the core knows, or will know, that nobody waits any more
}

// An outcome is what a call settles with: a result, or a failure.
type outcome struct {
	result  string
	failure *Failure
}

func newCall(ctx context.Context, s *Session, op Operation) *call {
	c := &call{operation: op, session: s, ctx: ctx, settled: make(chan outcome, 1)}
	if op.Progress != nil && op.Progress.Handle != nil {
		c.progress = newNotificationQueue(s.config.NotificationQueue, s.instance.budget, nil, op.Progress.handle)
	}
	return c
}

// settle gives the call its outcome; a second one is dropped.
func (c *call) settle(o outcome) {
	if c.over.CompareAndSwap(false, true) {
		c.settled <- o
	}
}

// drop settles a call that never reaches the core.
func (c *call) drop(f *Failure) {
	c.release()
	c.settle(outcome{failure: f})
}

// take takes a call from the budget. A call that closes the session is always allowed.
func (c *call) take() *overBudget {
	if c.operation.Export == closeSession {
		return nil
	}
	over := c.session.instance.budget.take(openCalls, 1)
	c.drawn.Store(over == nil)
	return over
}

// release returns what take has taken, once: it may be called again for a call that has settled.
func (c *call) release() {
	if c.drawn.CompareAndSwap(true, false) {
		c.session.instance.budget.give(openCalls, 1)
	}
}
