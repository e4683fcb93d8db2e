package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/rounds"
)

// A question is what the core has asked the host; see ask in wit/host.wit.
type question struct {
	id     uint32
	cancel context.CancelFunc // nil when it was refused
}

// The codes of JSON-RPC 2.0, section 5.1.
const (
	codeMethodNotFound = -32601
	codeInternalError  = -32603
)

// ask begins to answer a question. The instance's goroutine calls it. The handler runs in a separate
// goroutine until it returns, even when the question is retracted.
func (in *instance) ask(id uint32, method, params string, place *rounds.Place) error {
	if in.asks[id] != nil {
		return fmt.Errorf("ask: question %d waits already", id)
	}
	q := &question{id: id}
	in.asks[id] = q
	handler := in.session.config.Ask
	if handler == nil {
		return in.refuseAsk(q, codeMethodNotFound, "the client does not answer "+method)
	}
	size := int64(eventSize + len(method) + len(params))
	if place != nil {
		size += int64(len(place.Key))
	}
	if over := in.budget.take(questions, 1); over != nil {
		return in.refuseAsk(q, codeInternalError, "the client has too many questions to answer already")
	}
	if over := in.budget.take(handlerBytes, size); over != nil {
		in.budget.give(questions, 1)
		return in.refuseAsk(q, codeInternalError, "the client holds too much already that its program has to look at")
	}
	var ctx context.Context
	ctx, q.cancel = context.WithCancel(in.session.ctx)
	if place != nil {
		ctx = rounds.With(ctx, *place)
	}
	go func() {
		defer func() {
			q.cancel()
			in.budget.give(handlerBytes, size)
			in.budget.give(questions, 1)
		}()
		select {
		case <-in.session.ready: // No handler hears of a session that is not there yet.
		case <-ctx.Done():
			return
		}
		result, err := handler(ctx, method, []byte(params))
		in.mailbox.put(item{event: answerEvent{q, result, err}, size: eventSize + len(result)})
	}()
	return nil
}

// decodePlace makes a place of an option<input> of wit/host.wit.
func decodePlace(input component.Option) *rounds.Place {
	if !input.Some {
		return nil
	}
	fields := input.Value.(component.Record)
	return &rounds.Place{Round: fields[0].(uint32), Key: fields[1].(string), Size: fields[2].(uint32)}
}

// refuseAsk answers a question without a handler.
func (in *instance) refuseAsk(q *question, code int64, message string) error {
	return in.refuse(answerEvent{q, nil, &jsonrpc.Error{Code: code, Message: message}})
}

// retract ends a question without an answer.
func (in *instance) retract(id uint32) {
	if q := in.asks[id]; q != nil {
		delete(in.asks, id)
		q.stop()
	}
}

// stop ends the handler's context.
func (q *question) stop() {
	if q.cancel != nil {
		q.cancel()
	}
}

// outcome makes a result<json, rpc-error>. The text of an error that is not JSON-RPC's stays in the
// program: it is not the server's business.
func (e *answerEvent) outcome() component.Result {
	if e.err == nil {
		return component.Result{OK: true, Value: valid(string(e.result))}
	}
	var wire *jsonrpc.Error
	if !errors.As(e.err, &wire) || wire == nil {
		wire = &jsonrpc.Error{Code: codeInternalError, Message: "the client could not answer"}
	}
	code := int32(codeInternalError)
	if int64(int32(wire.Code)) == wire.Code {
		code = int32(wire.Code)
	}
	data := component.None()
	if json.Valid(wire.Data) {
		data = component.Some(valid(string(wire.Data)))
	}
	return component.Result{Value: component.Record{code, valid(wire.Message), data}}
}
