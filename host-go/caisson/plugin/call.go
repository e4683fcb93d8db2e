//lint:file-ignore SA1019 The newest revision deprecates logging; plugins go on using it.

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A call is one call of a tool, as the instance's imports see it.
type call struct {
	ctx        context.Context
	token      any // of progress
	onProgress func(*mcp.ProgressNotificationParams)
	onLog      func(context.Context, *mcp.LoggingMessageParams)
	alive      func()       // puts off CallOptions.Timeout
	logs       atomic.Int64 // messages so far

	// What the plugin prints may come in another goroutine, and after the call.
	mu     sync.RWMutex
	begun  sync.Once
	over   bool
	events chan func() // to the handlers, in order; nil until the first one
	done   chan struct{}
}

// timeout is the cause of the end of a context that ran out of an option's time.
type timeout struct {
	option string
	after  time.Duration
}

func (t *timeout) Error() string { return fmt.Sprintf("%s of %v is over", t.option, t.after) }

// after cancels a context after a time. It returns what stops the clock.
func after(cancel context.CancelCauseFunc, option string, d time.Duration) (stop func() bool) {
	return time.AfterFunc(d, func() { cancel(&timeout{option, d}) }).Stop
}

// over reports whether a context has ended. A plugin may hear of a deadline before the context does.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// ended returns the error for a context that is over.
func (p *Plugin) ended(ctx context.Context, step string) error {
	var late *timeout
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return context.DeadlineExceeded
	case errors.As(cause, &late):
		return fault(caisson.CodeTimeout, p.name, step, late)
	case errors.Is(cause, errClosed):
		return fault(caisson.CodeClosed, p.name, step, errClosed)
	case errors.Is(cause, context.DeadlineExceeded):
		return context.DeadlineExceeded // The context of ours was cancelled by the program's.
	}
	return ctx.Err()
}

// run waits for its turn and makes a call.
func (p *Plugin) run(ctx context.Context, t *tool, params *mcp.CallToolParams, arguments json.RawMessage) (*mcp.CallToolResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.ctx, func() { cancel(errClosed) })()
	c := &call{ctx: ctx, token: params.GetProgressToken(), onLog: p.options.OnLog, alive: func() {}}
	if o, ok := caisson.CallOptionsOf(ctx); ok {
		c.onProgress = o.OnProgress
		if o.MaxTimeout > 0 {
			defer after(cancel, "CallOptions.MaxTimeout", o.MaxTimeout)()
		}
		if o.Timeout > 0 {
			clock := time.AfterFunc(o.Timeout, func() { cancel(&timeout{"CallOptions.Timeout", o.Timeout}) })
			defer clock.Stop()
			c.alive = func() { clock.Reset(o.Timeout) }
		}
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
	}
	if over(ctx) {
		return nil, p.ended(ctx, step)
	}
	defer after(cancel, "Limits.WallTime", p.limits.WallTime)()
	result, err := p.inInstance(ctx, c, func(in *instance) (*mcp.CallToolResult, error) {
		return t.call(ctx, in, t.Name, arguments)
	})
	c.finish()
	if err != nil && over(ctx) {
		return nil, p.ended(ctx, step)
	}
	return result, err
}

// inInstance has an instance for a call, and frees it after the call, or keeps it.
func (p *Plugin) inInstance(ctx context.Context, c *call, use func(*instance) (*mcp.CallToolResult, error)) (*mcp.CallToolResult, error) {
	var in *instance
	if p.options.KeepInstance { // The one slot is this call's.
		in, p.kept = p.kept, nil
	}
	if in == nil {
		var err error
		if in, err = p.newInstance(ctx, step); err != nil {
			return nil, err
		}
	}
	in.call.Store(c)
	result, err := use(in)
	in.flush()
	in.call.Store(nil)
	if p.options.KeepInstance && !in.dead {
		p.kept = in
	} else {
		in.close()
	}
	return result, err
}
