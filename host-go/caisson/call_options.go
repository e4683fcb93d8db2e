package caisson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/internal/engine"
	"github.com/caisson-dev/caisson/host-go/internal/exact"
)

// CallOptions say more about the calls that are made with a context; see [WithCallOptions].
type CallOptions struct {
	// OnProgress gets the call's progress, in order, in a goroutine of its own, and all of it before the
	// call returns (specification, basic/utilities/progress). When the call becomes a task, it gets each
	// state of the task too: the message is the server's for the state, or the status, and the numbers are
	// the last ones that the server gave. Default: progress is dropped.
	OnProgress func(*mcp.ProgressNotificationParams)
	// Timeout bounds the time without progress: each sign of progress begins it anew. When it ends, the
	// call fails with [CodeTimeout], and the core cancels the request on the server. Default: only the
	// context bounds the call.
	Timeout time.Duration
	// MaxTimeout bounds the whole call, with or without progress. Default: only the context bounds the call.
	MaxTimeout time.Duration
	// TaskTTL is how long a server of revision 2025-11-25 is asked to keep the task that
	// [Session.StartTask] begins, from then on, in whole milliseconds. Default: as long as it likes.
	TaskTTL time.Duration
	// AfterNotifications has a call return its result only when the handlers of notifications, and
	// [ClientOptions].OnNotification, have heard everything that the server told before: for a program that passes
	// on what belongs to the call. Such a handler must not make such a call: it would wait for itself. Default: the
	// call returns at once.
	AfterNotifications bool
}

type callOptionsKey struct{}

// WithCallOptions returns a context whose calls have these options: for code that takes a [Caller], or
// another type with the Go SDK's method set. [Session.With] is the direct way.
func WithCallOptions(ctx context.Context, options CallOptions) context.Context {
	return context.WithValue(ctx, callOptionsKey{}, options)
}

// CallOptionsOf returns the options of the calls that are made with a context, as [WithCallOptions] has set them: for
// a [Caller] that is not a [Session]. ok is false when there are none.
func CallOptionsOf(ctx context.Context) (options CallOptions, ok bool) {
	options, ok = ctx.Value(callOptionsKey{}).(CallOptions)
	return options, ok
}

// With returns the same session with options for its calls:
//
//	session.With(caisson.CallOptions{Timeout: time.Minute}).CallTool(ctx, params)
//
// Options of a call's context ([WithCallOptions]) replace them. Closing either session closes both.
func (s *Session) With(options CallOptions) *Session { return &Session{s.session, &options} }

// callOptions returns the options of a call: its context's, or the session's; nil for none.
func (s *Session) callOptions(ctx context.Context) *CallOptions {
	if o, ok := CallOptionsOf(ctx); ok {
		return &o
	}
	return s.options
}

// errTimeout is the cause of the end of a context that ran out of an option's time.
type errTimeout struct {
	option string
	after  time.Duration
}

func (e *errTimeout) Error() string {
	return fmt.Sprintf("CallOptions.%s of %v is over", e.option, e.after)
}

// timedOut returns the failure of a call whose context ran out of an option's time.
func timedOut(ctx context.Context) *engine.Failure {
	var late *errTimeout
	if !errors.As(context.Cause(ctx), &late) {
		return nil
	}
	return &engine.Failure{Kind: engine.Timeout, Message: late.Error(), Err: late}
}

// apply puts a context's trace and its call options into an operation. The returned function stops the
// timers and the progress that apply has begun.
func (s *Session) apply(ctx context.Context, op *engine.Operation) (context.Context, func(), error) {
	if trace := traceMeta(ctx, s.client.options.Propagator); trace != nil && s.ProtocolVersion() >= firstOfTheNewEra {
		var err error
		if op.Params, err = addMeta(op.Params, trace); err != nil {
			return nil, nil, s.invalid(op, err)
		}
	}
	o := s.callOptions(ctx)
	if o == nil || op.Export == "notify" {
		return ctx, func() {}, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := []func(){func() { cancel(nil) }}
	after := func(option string, d time.Duration) *time.Timer {
		t := time.AfterFunc(d, func() { cancel(&errTimeout{option, d}) })
		stop = append(stop, func() { t.Stop() })
		return t
	}
	if o.MaxTimeout > 0 {
		after("MaxTimeout", o.MaxTimeout)
	}
	if o.OnProgress != nil || o.Timeout > 0 {
		progress := &engine.Progress{}
		if err := s.setToken(op, progress); err != nil {
			return nil, nil, err
		}
		if o.Timeout > 0 {
			t := after("Timeout", o.Timeout)
			progress.OnProgress = func() { t.Reset(o.Timeout) }
		}
		if o.OnProgress != nil {
			last := mcp.ProgressNotificationParams{}
			_ = json.Unmarshal([]byte(progress.Token), &last.ProgressToken) // It has been read before, or made here.
			progress.Handle = func(params []byte) {
				p := &mcp.ProgressNotificationParams{}
				if exact.Unmarshal(params, p) == nil {
					last = *p
					o.OnProgress(p)
				}
			}
			progress.HandleTask = func(state []byte) {
				if p := taskProgress(state, &last); p != nil {
					o.OnProgress(p)
				}
			}
		}
		op.Progress = progress
	}
	return ctx, func() {
		for _, f := range stop {
			f()
		}
	}, nil
}

// setToken finds the progress token in an operation's params, or puts one there.
func (s *Session) setToken(op *engine.Operation, progress *engine.Progress) error {
	_, meta, err := splitMeta(op.Params)
	if err == nil {
		if token := meta["progressToken"]; token != nil {
			progress.Token = string(token)
			return nil
		}
		progress.Token = fmt.Sprintf(`"caisson-%d"`, s.tokens.Add(1))
		op.Params, err = addMeta(op.Params, map[string]json.RawMessage{"progressToken": json.RawMessage(progress.Token)})
	}
	if err != nil {
		return s.invalid(op, err)
	}
	return nil
}

func (s *Session) invalid(op *engine.Operation, err error) error {
	return &Error{Code: CodeInvalidArgument, Server: s.Name(), Step: op.Method, Message: "the params cannot be sent: " + err.Error(), Err: err}
}
