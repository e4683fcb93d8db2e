package engine

import (
	"strings"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// An event is something that happened outside, on its way to the core; see `event` in wit/ingress.wit. The
// instance's goroutine calls encode, which returns the event's value there; ok is false when the core has
// given up the event's subject in the meantime.
type event interface {
	encode(in *instance) (value any, ok bool)
}

type (
	headEvent struct {
		exchange egress.Ref
		status   int
		header   [][2]string
	}
	bodyEvent struct {
		exchange egress.Ref
		chunk    []byte
	}
	endEvent struct {
		exchange egress.Ref
		err      *egress.Error
	}
	responseEvent struct {
		exchange egress.Ref
		status   int
		header   [][2]string
		body     string
	}
	dataEvent struct {
		pipe    egress.Ref
		message string
	}
	closedEvent struct {
		pipe egress.Ref
		err  *egress.Error
	}
	timerEvent  struct{ id uint32 }
	answerEvent struct {
		question *question
		result   []byte
		err      error
	}
)

// eventSize is about what an event costs beside its content.
const eventSize = 256

// The instance is the egress.Sink of its session: these are called from the goroutines of
// exchanges and pipes, and make them wait when the mailbox is full.

// HTTPHead implements [egress.Sink].
func (in *instance) HTTPHead(exchange egress.Ref, status int, header [][2]string) {
	in.mailbox.put(item{event: headEvent{exchange, status, header}, size: eventSize + headerSize(header)})
}

// HTTPBody implements [egress.Sink].
func (in *instance) HTTPBody(exchange egress.Ref, chunk []byte) {
	in.mailbox.put(item{event: bodyEvent{exchange, chunk}, size: eventSize + len(chunk)})
}

// HTTPEnd implements [egress.Sink].
func (in *instance) HTTPEnd(exchange egress.Ref, err *egress.Error) {
	in.mailbox.put(item{event: endEvent{exchange, err}, size: eventSize})
}

// HTTPResponse implements [egress.Sink].
func (in *instance) HTTPResponse(exchange egress.Ref, status int, header [][2]string, body string) {
	in.mailbox.put(item{event: responseEvent{exchange, status, header, body}, size: eventSize + headerSize(header) + len(body)})
}

// PipeData implements [egress.Sink].
func (in *instance) PipeData(pipe egress.Ref, message string, more bool) {
	it := item{event: dataEvent{pipe, message}, size: eventSize + len(message)}
	if more {
		in.mailbox.putFirst(it)
	} else {
		in.mailbox.put(it)
	}
}

// PipeClosed implements [egress.Sink].
func (in *instance) PipeClosed(pipe egress.Ref, err *egress.Error) {
	in.mailbox.put(item{event: closedEvent{pipe, err}, size: eventSize})
}

func (e headEvent) encode(in *instance) (any, bool) {
	value := component.Record{e.exchange.ID, uint16(e.status), encodeHeader(e.header)}
	return component.Variant{Case: "http-head", Value: value}, in.exchanges.has(e.exchange)
}

func headerSize(header [][2]string) (size int) {
	for _, h := range header {
		size += fieldSize + len(h[0]) + len(h[1])
	}
	return size
}

func encodeHeader(header [][2]string) []any {
	list := make([]any, len(header))
	for i, h := range header {
		list[i] = component.Tuple{h[0], h[1]}
	}
	return list
}

func (e bodyEvent) encode(in *instance) (any, bool) {
	value := component.Record{e.exchange.ID, e.chunk}
	return component.Variant{Case: "http-body", Value: value}, in.exchanges.has(e.exchange)
}

func (e endEvent) encode(in *instance) (any, bool) {
	if !in.exchanges.remove(e.exchange) {
		return nil, false
	}
	value := component.Record{e.exchange.ID, in.ioError(e.err)}
	return component.Variant{Case: "http-end", Value: value}, true
}

func (e responseEvent) encode(in *instance) (any, bool) {
	if !in.exchanges.remove(e.exchange) {
		return nil, false
	}
	value := component.Record{e.exchange.ID, uint16(e.status), encodeHeader(e.header), e.body}
	return component.Variant{Case: "http-response", Value: value}, true
}

func (e dataEvent) encode(in *instance) (any, bool) {
	value := component.Record{e.pipe.ID, e.message}
	return component.Variant{Case: "pipe-data", Value: value}, in.pipes.has(e.pipe)
}

func (e closedEvent) encode(in *instance) (any, bool) {
	if !in.pipes.remove(e.pipe) {
		return nil, false
	}
	value := component.Record{e.pipe.ID, in.ioError(e.err)}
	return component.Variant{Case: "pipe-closed", Value: value}, true
}

func (e timerEvent) encode(*instance) (any, bool) {
	return component.Variant{Case: "timer", Value: e.id}, true
}

func (e answerEvent) encode(in *instance) (any, bool) {
	if in.asks[e.question.id] != e.question {
		return nil, false
	}
	delete(in.asks, e.question.id)
	return component.Variant{Case: "answer", Value: component.Record{e.question.id, e.outcome()}}, true
}

// valid replaces what is not UTF-8 in a text for the core.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// ioError makes an option<io-error>.
func (in *instance) ioError(err *egress.Error) component.Option {
	if err == nil {
		return component.None()
	}
	return component.Some(in.encodeIOError(err))
}

func (in *instance) encodeIOError(err *egress.Error) component.Record {
	return component.Record{component.Enum(err.Kind.String()), valid(err.Message), in.causes.add(err)}
}

// refs are the exchanges, or the pipes, that the core has open. The core numbers them and may use
// a number again; the generation tells the uses apart.
type refs struct {
	open       map[uint32]egress.Ref
	generation uint64
}

// add opens one; ok is false when the id is in use.
func (r *refs) add(id uint32) (ref egress.Ref, ok bool) {
	if _, used := r.open[id]; used {
		return egress.Ref{}, false
	}
	if r.open == nil {
		r.open = map[uint32]egress.Ref{}
	}
	r.generation++
	ref = egress.Ref{ID: id, Generation: r.generation}
	r.open[id] = ref
	return ref, true
}

func (r *refs) has(ref egress.Ref) bool {
	open, ok := r.open[ref.ID]
	return ok && open == ref
}

func (r *refs) remove(ref egress.Ref) bool {
	if !r.has(ref) {
		return false
	}
	delete(r.open, ref.ID)
	return true
}
