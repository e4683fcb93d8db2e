package engine

import "context"

// An OperationKind names an export of the core's `client` interface.
type OperationKind int

// The operations of a session that is open; see wit/client.wit.
const (
	ListTools OperationKind = iota
	CallTool
	Ping
	Request
	connect
	closeSession
)

// An Operation is one call of the core's `client` interface.
type Operation struct {
	Kind   OperationKind
	Method string // the protocol's method; for Request, part of the call
	Params string // JSON text of an object
}

// A call is an operation under way. Its id belongs to the instance's goroutine.
type call struct {
	operation Operation
	session   *Session
	ctx       context.Context
	id        uint32       // 0 until it has begun
	settled   chan outcome // has room for the one outcome
}

// An outcome is what a call settles with: a result, or a failure.
type outcome struct {
	result  string
	failure *Failure
}

func newCall(ctx context.Context, s *Session, op Operation) *call {
	return &call{operation: op, session: s, ctx: ctx, settled: make(chan outcome, 1)}
}

// settle gives the call its outcome; a second one is dropped.
func (c *call) settle(o outcome) {
	select {
	case c.settled <- o:
	default:
	}
}
