package component

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/text"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
)

// Errors for states that a caller branches on.
var (
	// ErrInstanceDead is the error of a call on an instance that trapped or was
	// closed. It is never entered again: drop it and make a new one.
	ErrInstanceDead = errors.New("component: the instance is dead: it trapped or was closed")

	// ErrReentered is the error of a call on an instance that is in a call
	// already: from inside a host function, or from another goroutine. The call
	// that runs is not disturbed.
	ErrReentered = errors.New("component: the instance is in a call already: a component may not be re-entered")
)

// DecodeError is a component that cannot be loaded: malformed, invalid, or
// using what is not supported.
type DecodeError struct {
	// Offset is where in the file the fault is.
	Offset int
	// Msg names the fault or the construct. It is cut in the middle where it is
	// longer than 1,000 bytes.
	Msg string
	// Unsupported says that the component may be valid, and uses what is not
	// supported: Msg names it.
	Unsupported bool
	// Err is the cause, where there is one: a *ComplexityError, a *CodeMemoryError or
	// the core runtime's error about a core module, whose text is cut as Msg is.
	Err error
}

// Error tells the offset and the fault.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("component: %s at offset %#x", e.Msg, e.Offset)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// ComplexityError is a function of a core module that would take too much time
// and memory to compile: loops, branches and blocks by the thousand, or many
// values that live across them. The *DecodeError of Compile wraps it. With
// Config.Interpreter the component runs all the same.
type ComplexityError struct {
	// Module is the core module, in the order of the file.
	Module int
	// Function is the function's index in the module, imports first, and Name its
	// name, cut to 100 bytes, "" where the module does not tell.
	Function uint32
	Name     string
	// Effort is the estimated effort of compiling the function, as a multiple of
	// the limit. That stands for a few seconds of a quiet processor, and for less
	// than 1 GB of memory.
	Effort float64
}

// Error tells the function and how far it is over the limit.
func (e *ComplexityError) Error() string {
	name := ""
	if e.Name != "" {
		name = fmt.Sprintf(" (%q)", e.Name)
	}
	return fmt.Sprintf("function %d%s of core module %d is too complex to compile (%.1f times the limit; the interpreter takes it)", e.Function, name, e.Module, e.Effort)
}

// CodeMemoryError is code that would take too much memory in the interpreter. The
// *DecodeError of Compile wraps it. Compiled, the component may load all the same.
type CodeMemoryError struct {
	// Module is the core module, in the order of the file, and Size its size in
	// bytes.
	Module, Size int
	// Memory is the estimate of what its code and that of the modules before it would
	// take, Limit what they may: Config.InterpreterMemory. Both are in bytes.
	Memory, Limit uint64
}

// Error tells the module, how much it would take, the limit and what to do.
func (e *CodeMemoryError) Error() string {
	return fmt.Sprintf("core module %d (%d bytes) is too large to interpret: the code up to it would take %d bytes of memory, the limit is %d (compile the component, or allow more with Config.InterpreterMemory)", e.Module, e.Size, e.Memory, e.Limit)
}

// LinkError is an import that the Linker does not satisfy, with nothing or with a
// function of another type, or a component that no host can instantiate.
type LinkError struct {
	// Import is the import as interface#name, or name for one of the world
	// itself. Empty when the fault is not in one import. It and what follows is cut
	// in the middle where it is longer than 1,000 bytes.
	Import string
	// Type is the type wanted, as WIT.
	Type string
	// Msg names the fault, with the Go type of a function that does not fit.
	Msg string
}

// Error tells the import, the type wanted and the fault.
func (e *LinkError) Error() string {
	s := "component: link: "
	if e.Import != "" {
		s += "import " + e.Import + ": "
	}
	s += e.Msg
	if e.Type != "" {
		s += "; wanted: " + e.Type
	}
	return s
}

// linkError is the error of an import that the linker does not satisfy.
func linkError(imp fmt.Stringer, typ, msg string) error {
	return &LinkError{Import: text.Short(imp.String()), Type: text.Short(typ), Msg: text.Short(msg)}
}

// TrapError is a trap: the call ended, and its instance is dead.
type TrapError struct {
	// Func is the export that was called, cut in the middle where it is longer than
	// 1,000 bytes; "instantiate" when a core start function trapped.
	Func string
	// Stack is the wasm stack trace, innermost frame first; may be empty.
	Stack string
	// Err is the cause: a host function's error, the end of the context, or the
	// fault itself.
	Err error
}

// Error tells the export and the cause, without the stack.
func (e *TrapError) Error() string { return fmt.Sprintf("component: %s trapped: %v", e.Func, e.Err) }

// Unwrap returns the cause.
func (e *TrapError) Unwrap() error { return e.Err }

// LimitError is a limit that was reached; the *TrapError of the call wraps it.
type LimitError struct {
	// Resource is what ran out: "fuel"; "call depth"; "memory", "tables",
	// "globals", "handles", "functions", "core instances", "component instances" or
	// "stack" when it was Limits.Memory, and "values of one call".
	Resource string
	// Limit is how much there was: units of fuel, nested calls, or bytes, for all
	// that Limits.Memory bounds taken together. It is 0 for a stack that reached the
	// core runtime's own bound.
	Limit uint64
}

// Error tells the resource, and the limit with its unit.
func (e *LimitError) Error() string {
	unit := "bytes"
	switch {
	case e.Limit == 0:
		return "limit reached: " + e.Resource
	case e.Resource == "fuel":
		unit = "units"
	case e.Resource == "call depth":
		unit = "calls"
	}
	return fmt.Sprintf("limit reached: %s, %d %s", e.Resource, e.Limit, unit)
}

// ValueError is a Go value that does not fit the WIT type it is given for.
type ValueError struct {
	// Type is the WIT type wanted.
	Type string
	// Value is the Go value that was given; nil for a list that is too long.
	Value any
	// Msg says more, where the Go type alone is not the fault. It is cut in the middle
	// where it is longer than 1,000 bytes, and so is Type.
	Msg string
}

// valueError is the error of a value that does not fit: its texts have names of the
// component's.
func valueError(e *abi.ValueError) error {
	return &ValueError{Type: text.Short(e.Type), Value: e.Value, Msg: text.Short(e.Msg)}
}

// Error tells the type wanted and the value.
func (e *ValueError) Error() string {
	if e.Msg != "" {
		return fmt.Sprintf("component: %s: %s", e.Type, e.Msg)
	}
	return fmt.Sprintf("component: a Go value of type %s where WIT type %s is wanted", abi.GoName(reflect.TypeOf(e.Value)), e.Type)
}

const stackMark = "\nwasm stack trace:\n\t"

// asTrap makes a trap of what a core call returned. The innermost cause stays:
// a trap that came up through several core calls is one trap.
func asTrap(err error) *trap.Trap {
	t := &trap.Trap{Err: err}
	if inner := (*trap.Trap)(nil); errors.As(err, &inner) {
		*t = *inner
	} else if cause := errors.Unwrap(err); cause != nil {
		t.Err = cause
	}
	// The core runtime has no exported value for it.
	for cause := t.Err; cause != nil; cause = errors.Unwrap(cause) {
		if cause.Error() == "stack overflow" {
			t.Err = &LimitError{Resource: "stack"}
			break
		}
	}
	if _, stack, ok := strings.Cut(err.Error(), stackMark); ok && t.Stack == "" {
		t.Stack = stack
	}
	return t
}

// trapError is the error of a call of fn that trapped.
func trapError(fn string, t *trap.Trap) error {
	if excess, ok := t.Err.(*abi.ExcessError); ok {
		t.Err = &LimitError{Resource: "values of one call", Limit: excess.Limit}
	}
	return &TrapError{Func: text.Short(fn), Stack: t.Stack, Err: t.Err}
}
