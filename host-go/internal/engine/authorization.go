package engine

import (
	"context"
	"errors"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// authorizedEvent is what became of begin or ask of wit/authorization.wit.
type authorizedEvent struct {
	text string
	err  *egress.Error
}

func (e authorizedEvent) encode(in *instance) (any, bool) {
	in.authorizing = false
	outcome := component.Result{OK: true, Value: valid(e.text)}
	if e.err != nil {
		outcome = component.Result{Value: in.encodeIOError(e.err)}
	}
	return component.Variant{Case: "authorized", Value: component.Record{in.session.id, outcome}}, true
}

var errNoAuthorization = &egress.Error{Kind: egress.Unauthorized, Message: "no authorization is configured: set Server.Auth"}

// errAuthorizing is a second step of a turn before the first one is over.
var errAuthorizing = errors.New("authorization: a step of the turn is not over yet")

// errTurn is a second turn before the first one has ended.
var errTurn = errors.New("authorization: the turn has not ended yet")

func (in *instance) beginAuthorization(args []any) error {
	if in.authorizing {
		return errAuthorizing // Before the flow is asked: it may be in the turn already, or not yet.
	}
	if flow := in.session.config.Authorization; flow != nil && flow.Turning() {
		return errTurn
	}
	record := args[1].(component.Record)
	challenge := authorization.Challenge{Status: int(record[0].(uint16)), Scope: text(record[1]), Error: text(record[2])}
	return in.authorize(func(ctx context.Context, flow *authorization.Flow) (string, *egress.Error) {
		return flow.Begin(ctx, challenge)
	})
}

func (in *instance) askAuthorization(args []any) error {
	url := args[1].(string)
	return in.authorize(func(ctx context.Context, flow *authorization.Flow) (string, *egress.Error) {
		return flow.Ask(ctx, url)
	})
}

// A server that takes no token has the core authorize with each request. So its steps are so many at once,
// and one more in each interval.
const mostSteps, stepInterval = 64, time.Second

// authorize takes a step of a turn in a goroutine of its own: a person may take their time.
func (in *instance) authorize(step func(context.Context, *authorization.Flow) (string, *egress.Error)) error {
	flow := in.session.config.Authorization
	if in.authorizing {
		return errAuthorizing
	}
	in.authorizing = true
	if flow == nil {
		return in.refuse(authorizedEvent{err: errNoAuthorization})
	}
	in.session.steps.Go(func() {
		ctx := in.session.ctx
		_ = in.steps.Wait(ctx) // Where the context ends, the step says so.
		text, err := step(ctx, flow)
		if in.session.ctx.Err() != nil {
			flow.End() // Nobody goes on with the turn.
		}
		in.mailbox.put(item{event: authorizedEvent{text, err}, size: eventSize + len(text)})
	})
	return nil
}

func (in *instance) endAuthorization([]any) error {
	if flow := in.session.config.Authorization; flow != nil {
		flow.End()
	}
	return nil
}

func (in *instance) forgetAuthorization(args []any) error {
	flow := in.session.config.Authorization
	if flow == nil {
		return nil
	}
	flow.Forget(in.session.ctx, args[1].(component.Enum) == "client")
	return nil
}

func (in *instance) requestAuthorization(args []any) error {
	request, size := decodeRequest(args[2].(component.Record))
	client := string(args[3].(component.Enum))
	flow := in.session.config.Authorization
	return in.send(args[0].(uint32), size, func(ref egress.Ref, how egress.Sending) error {
		if flow != nil {
			if over := flow.NoTurn(); over != nil {
				how.Freed()
				return over
			}
		}
		return in.session.egress.Authorize(ref, request, client, how)
	})
}

// text gives an option<string>, and "" for none.
func text(value any) string {
	if option := value.(component.Option); option.Some {
		return option.Value.(string)
	}
	return ""
}
