package engine

import (
	"context"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/caisson-dev/caisson/host-go/component"
)

// maxAsks is how many questions of one server may wait for the host's answers at a time. More are
// refused: each is a goroutine of the program's, and often a person to be asked.
const maxAsks = 64

// A question is what the core has asked the host; see ask in wit/host.wit.
type question struct {
	id     uint32
	cancel context.CancelFunc
}

// The codes of JSON-RPC 2.0, section 5.1.
const (
	codeMethodNotFound = -32601
	codeInternalError  = -32603
)

// ask begins to answer a question. It is called by who has the instance; the handler has a goroutine
// of its own.
func (in *instance) ask(id uint32, method string, params []byte) {
	ctx, cancel := context.WithCancel(in.session.ctx)
	q := &question{id: id, cancel: cancel}
	in.asks[id] = q
	handler := in.session.config.Ask
	switch {
	case handler == nil:
		in.answer(q, nil, &jsonrpc.Error{Code: codeMethodNotFound, Message: "the client does not answer " + method})
	case len(in.asks) > maxAsks:
		in.answer(q, nil, &jsonrpc.Error{Code: codeInternalError, Message: "the client has too many questions to answer already"})
	default:
		go func() {
			result, err := handler(ctx, method, params)
			in.answer(q, result, err)
		}()
	}
}

// answer brings an answer to the core. It may be called from any goroutine.
func (in *instance) answer(q *question, result []byte, err error) {
	q.cancel()
	in.mailbox.put(item{event: answerEvent{q, result, err}})
}

// retract gives a question up.
func (in *instance) retract(id uint32) {
	if q := in.asks[id]; q != nil {
		delete(in.asks, id)
		q.cancel()
	}
}

// outcome makes a result<json, rpc-error>. An error that is not JSON-RPC's stays in the program: a
// server has no business with its text.
func (e *answerEvent) outcome() component.Result {
	if e.err == nil {
		return component.Result{OK: true, Value: string(e.result)}
	}
	var wire *jsonrpc.Error
	if !errors.As(e.err, &wire) {
		wire = &jsonrpc.Error{Code: codeInternalError, Message: "the client could not answer"}
	}
	code := int32(codeInternalError)
	if int64(int32(wire.Code)) == wire.Code {
		code = int32(wire.Code)
	}
	data := component.None()
	if len(wire.Data) > 0 {
		data = component.Some(string(wire.Data))
	}
	return component.Result{Value: component.Record{code, wire.Message, data}}
}
