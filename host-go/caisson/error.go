package caisson

import (
	"context"
	"errors"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// A Code says what sort of failure an [Error] is. The set is closed: new ones come only with a
// new minor version. A Code is an error itself, as a target for [errors.Is]:
//
//	if errors.Is(err, caisson.CodeLimit) { … }
type Code int

const (
	// CodeUnknown is the zero Code. No function of this package fails with it; [CodeOf] gives it for
	// nil and for errors of other origin.
	CodeUnknown Code = iota
	// CodeInternal is a fault of Caisson's own. Please report it.
	CodeInternal
	// CodeInvalidArgument is a call, an option or a configuration that is wrong in itself.
	CodeInvalidArgument
	// CodeConnect says that there was no connection to the server, or that its command could not
	// be started, or that a plugin could not be loaded. Nothing was sent.
	CodeConnect
	// CodeRefused says that the session's grant does not cover what was asked: another origin, a
	// command that was not named. Trying again gets the same answer.
	CodeRefused
	// CodeTransport says that the connection broke. What was sent may have had an effect.
	CodeTransport
	// CodeHTTP says that the server answered with an HTTP error; see [Error.HTTPStatus].
	CodeHTTP
	// CodeProtocol says that the server broke the protocol: not JSON, not JSON-RPC, a result that does
	// not match its schema, or a file of a skill that is not what the skill's entry says.
	CodeProtocol
	// CodeRPC says that the server answered with a JSON-RPC error; errors.As finds it as a
	// [jsonrpc.Error], with its code, message and data.
	CodeRPC
	// CodeTimeout says that the operation took longer than an option allows. When the deadline of the
	// call's context passes, the call returns [context.DeadlineExceeded], and no [*Error]; [CodeOf]
	// gives this code for both.
	CodeTimeout
	// CodeCancelled says that the server cancelled the call's task; [CodeOf] also gives it for a context
	// that was cancelled.
	CodeCancelled
	// CodeClosed says that the session or the runtime is closed, or that something other than a bound
	// ended the session before; the message says what.
	CodeClosed
	// CodeLimit says that something was larger, or that there was more of it, than is allowed; the message
	// names the bound, and the option where there is one. Where it has ended the session, later calls
	// fail with this code and the same message too.
	CodeLimit
	// CodeOutputSchema says that a tool's result does not match the outputSchema that the tool was
	// listed with, or that the schema cannot be used; the message has the place and the rule.
	CodeOutputSchema
	// CodeNotRepeated says that the server had forgotten the session. A new one was begun, and the
	// call was not repeated, as it may have had an effect; the program may repeat it.
	CodeNotRepeated
	// CodeAuthorizationRequired says that the server wants authorization, and that there is none: nothing is
	// configured, nobody could be asked, or it was refused. errors.As finds what there is to know as a
	// [*auth.RequiredError], a [*auth.RefusedError] or a [*auth.ScopeError]. Where the server answered by
	// HTTP 401 in the end, [Error.HTTPStatus] says so.
	CodeAuthorizationRequired
	// CodeTrap says that the sandboxed core stopped: it ran out of its memory or its time, or
	// failed. Its session is dead; a new one works. It also says that a plugin trapped: its next call has a
	// new instance.
	CodeTrap
	// CodeDenied says that the policy does not allow it: see [ClientOptions].Policy. errors.As finds why as a
	// [*policy.DeniedError]. Nothing was sent, but for a result that is too large.
	CodeDenied
)

var codeNames = [...]string{
	CodeUnknown:               "unknown",
	CodeInternal:              "internal",
	CodeInvalidArgument:       "invalid argument",
	CodeConnect:               "connect",
	CodeRefused:               "refused by policy",
	CodeTransport:             "transport",
	CodeHTTP:                  "http",
	CodeProtocol:              "protocol",
	CodeRPC:                   "rpc",
	CodeTimeout:               "timeout",
	CodeCancelled:             "cancelled",
	CodeClosed:                "closed",
	CodeLimit:                 "limit",
	CodeOutputSchema:          "output schema",
	CodeNotRepeated:           "not repeated",
	CodeAuthorizationRequired: "authorization required",
	CodeTrap:                  "trap",
	CodeDenied:                "denied",
}

// String returns the code's name in words, as it stands in messages.
func (c Code) String() string {
	if c < 0 || int(c) >= len(codeNames) {
		return "unknown"
	}
	return codeNames[c]
}

// Error returns what [Code.String] gives, so that a Code is an error.
func (c Code) Error() string { return c.String() }

// ErrClosed matches, through [errors.Is], every error with [CodeClosed].
var ErrClosed = errors.New("caisson: closed")

// An Error is what the functions of this package fail with. The exceptions: when the context of a
// call ends, the call returns the context's own error; [CallToolAs] gives a tool's own failure as a
// [*ToolError]; [Runtime.Replay] fails with a [*ReplayError] where the recording is at fault; and an error
// that a [Middleware] makes comes through as it is.
//
// Elsewhere a tool's own failure is not an error: it is a result with IsError.
type Error struct {
	// Code says what sort of failure it is.
	Code Code
	// Server is the name of the server; empty when none is concerned.
	Server string
	// Step says what was being done: a method of the protocol such as "tools/call", or "connect",
	// "compile", "load config".
	Step string
	// Message says what went wrong and, where there is one, the remedy. No secret is in it.
	Message string
	// HTTPStatus is the status code of the answer when Code is [CodeHTTP], and 0 otherwise. It is the
	// authorization server's where Err is an [*auth.UnavailableError].
	HTTPStatus int
	// Err is the cause, or nil. For [CodeRPC] it is a [*jsonrpc.Error]; for a file of a skill that is not
	// what its entry says, a [*SkillError].
	Err error
}

// Error returns the server, the step, the sort of failure and the message, in this order; the step is
// left out where the sort of failure says the same.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("caisson: ")
	if e.Server != "" {
		b.WriteString(e.Server)
		b.WriteString(": ")
	}
	if e.Step != "" && e.Step != e.Code.String() { // Not "connect: connect".
		b.WriteString(e.Step)
		b.WriteString(": ")
	}
	b.WriteString(e.Code.String())
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the error's [Code], or is [ErrClosed] and the code is [CodeClosed].
// An error with [CodeTimeout], and with no other code, also is [context.DeadlineExceeded].
func (e *Error) Is(target error) bool {
	switch target {
	case e.Code:
		return true
	case ErrClosed:
		return e.Code == CodeClosed
	case context.DeadlineExceeded:
		return e.Code == CodeTimeout
	}
	return false
}

// Timeout reports whether the error is a timeout, as net.Error has it.
func (e *Error) Timeout() bool { return e.Code == CodeTimeout }

// CodeOf returns the code of the first [*Error] in err's tree. Without one it gives [CodeTimeout] for
// the deadline of a context, [CodeCancelled] for a context that was cancelled, and [CodeUnknown] for
// everything else: nil, and a tool's own failure ([*ToolError]), among it.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.DeadlineExceeded):
		return CodeTimeout
	case errors.Is(err, context.Canceled):
		return CodeCancelled
	}
	return CodeUnknown
}

// RPCError returns the JSON-RPC error that the server answered with, if err is one.
func RPCError(err error) (*jsonrpc.Error, bool) {
	var e *jsonrpc.Error
	ok := errors.As(err, &e)
	return e, ok
}
