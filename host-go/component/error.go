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

// A caller may branch on these errors.
var (
	// ErrInstanceDead is the error of a call on an instance that trapped or was
	// closed. It is never entered again: drop it and make a new one.
	ErrInstanceDead = errors.New("component: the instance is dead: it trapped or was closed")

	// ErrReentered is the error of a call on an instance that already runs a call, from a host function or
	// from another goroutine. The call that runs goes on.
	ErrReentered = errors.New("component: the instance is in a call already: a component may not be re-entered")
)

// DecodeError says why a component cannot be loaded: it is malformed or invalid, or it uses an unsupported
// feature.
type DecodeError struct {
	// Offset is the position of the fault in the file, in bytes.
	Offset int
	// Msg names the fault or the construct. A Msg longer than 1,000 bytes is cut in the middle.
	Msg string
	// Unsupported says that the component uses the unsupported feature that Msg names. The component may be
	// valid.
	Unsupported bool
	// Err is the cause, if there is one: a *ComplexityError, a *CodeMemoryError or the core runtime's error
	// about a core module. The text of the last is cut as Msg is.
	Err error
}

// Error returns the offset and the fault.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("component: %s at offset %#x", e.Msg, e.Offset)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// ComplexityError is a function of a core module that would take too much time and memory to compile: it has
// thousands of loops, branches and blocks, or many values that live across them. The *DecodeError of Compile
// wraps it. With Config.Interpreter the component runs all the same.
type ComplexityError struct {
	// Module is the index of the core module, in the order of the file.
	Module int
	// Function is the function's index in the module; imports come first. Name is its name, cut to 100 bytes,
	// or "" when the module does not name it.
	Function uint32
	Name     string
	// Effort is the estimated effort of compiling the function, as a multiple of the limit. The limit stands
	// for a few seconds of an otherwise idle processor, and for less than 1 GB of memory.
	Effort float64
}

// Error names the function and says how far it is over the limit.
func (e *ComplexityError) Error() string {
	name := ""
	if e.Name != "" {
		name = fmt.Sprintf(" (%q)", e.Name)
	}
	return fmt.Sprintf("function %d%s of core module %d is too complex to compile (%.1f times the limit; the interpreter takes it)", e.Function, name, e.Module, e.Effort)
}

// CodeMemoryError is code that would take too much memory in the interpreter. The *DecodeError of Compile
// wraps it. The compiler may load the component all the same.
type CodeMemoryError struct {
	// Module is the index of the core module, in the order of the file. Size is the module's size in bytes.
	Module, Size int
	// Memory is the estimate for the code of this module and those before it. Limit is
	// Config.InterpreterMemory. Both are in bytes.
	Memory, Limit uint64
}

// Error names the module, the estimate, the limit and the remedy.
func (e *CodeMemoryError) Error() string {
	return fmt.Sprintf("core module %d (%d bytes) is too large to interpret: the code up to it would take %d bytes of memory, the limit is %d (compile the component, or allow more with Config.InterpreterMemory)", e.Module, e.Size, e.Memory, e.Limit)
}

// LinkError is an import for which the Linker has nothing, or has a function of another type. It may also be
// a component that no host can instantiate.
type LinkError struct {
	// Import is the import as interface#name, or name for an import of the world itself. It is empty when the
	// fault is not in one import. Import, Type and Msg are cut in the middle when longer than 1,000 bytes.
	Import string
	// Type is the type wanted, as WIT.
	Type string
	// Msg names the fault, with the Go type of a function that does not fit.
	Msg string
}

// Error returns the import, the type wanted and the fault.
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

// linkError returns the *LinkError of an import.
func linkError(imp fmt.Stringer, typ, msg string) error {
	return &LinkError{Import: text.Short(imp.String()), Type: text.Short(typ), Msg: text.Short(msg)}
}

// TrapError is a trap: the call ended, and its instance is dead.
type TrapError struct {
	// Func is the export that was called, or "instantiate" when a core start function trapped. It is cut in
	// the middle when longer than 1,000 bytes.
	Func string
	// Stack is the wasm stack trace, innermost frame first. It may be empty.
	Stack string
	// Err is the cause: the error of a host function, the end of the context, or the fault of the guest.
	Err error
}

// Error returns the export and the cause, without the stack.
func (e *TrapError) Error() string { return fmt.Sprintf("component: %s trapped: %v", e.Func, e.Err) }

// Unwrap returns the cause.
func (e *TrapError) Unwrap() error { return e.Err }

// LimitError is a limit that a call reached. The *TrapError of the call wraps it.
type LimitError struct {
	// Resource is what ran out: "fuel", "call depth", "values of one call", or a resource that Limits.Memory
	// bounds: "memory", "tables", "globals", "handles", "functions", "core instances", "component instances"
	// or "stack".
	Resource string
	// Limit is how much there was: units of fuel, nested calls, or bytes. For a resource that Limits.Memory
	// bounds it is the limit of all of them together. It is 0 for a stack that reached the core runtime's own
	// bound.
	Limit uint64
}

// Error returns the resource, and the limit with its unit.
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

// ValueError is a Go value that does not fit its WIT type.
type ValueError struct {
	// Type is the WIT type wanted.
	Type string
	// Value is the Go value that was given. It is nil for a list that is too long.
	Value any
	// Msg says what is wrong when the Go type itself is right. Msg and Type are cut in the middle when longer
	// than 1,000 bytes.
	Msg string
}

// valueError returns the *ValueError of a value that does not fit. It cuts the texts, which have names that
// the component chose.
func valueError(e *abi.ValueError) error {
	return &ValueError{Type: text.Short(e.Type), Value: e.Value, Msg: text.Short(e.Msg)}
}

// Error returns the type wanted and the value.
func (e *ValueError) Error() string {
	if e.Msg != "" {
		return fmt.Sprintf("component: %s: %s", e.Type, e.Msg)
	}
	return fmt.Sprintf("component: a Go value of type %s where WIT type %s is wanted", abi.GoName(reflect.TypeOf(e.Value)), e.Type)
}

const stackMark = "\nwasm stack trace:\n\t"

// asTrap returns the trap of a core call that returned err. It keeps only the innermost cause: a trap that
// passed through several core calls is one trap.
func asTrap(err error) *trap.Trap {
	t := &trap.Trap{Err: err}
	if inner := (*trap.Trap)(nil); errors.As(err, &inner) {
		*t = *inner
	} else if cause := errors.Unwrap(err); cause != nil {
		t.Err = cause
	}
	// The core runtime does not export its error for a full stack.
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

// trapError returns the *TrapError of a call of fn.
func trapError(fn string, t *trap.Trap) error {
	if excess, ok := t.Err.(*abi.ExcessError); ok {
		t.Err = &LimitError{Resource: "values of one call", Limit: excess.Limit}
	}
	return &TrapError{Func: text.Short(fn), Stack: t.Stack, Err: t.Err}
}
