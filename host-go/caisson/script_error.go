package caisson

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/internal/script"
)

// A ScriptErrorKind says what sort of failure a [ScriptError] is.
type ScriptErrorKind string

// The kinds.
const (
	// ScriptSyntax says that the source is not of its language.
	ScriptSyntax ScriptErrorKind = "syntax"
	// ScriptRuntime says that the script has thrown, and did not catch it.
	ScriptRuntime ScriptErrorKind = "runtime"
	// ScriptTool says that a tool has failed, or could not be called, and that the script did not catch it.
	ScriptTool ScriptErrorKind = "tool"
	// ScriptNotFound says that a module has no such function, or a [ModuleFolder] no such module.
	ScriptNotFound ScriptErrorKind = "not-found"
	// ScriptInvalidArguments says that the arguments do not fit the function, that the value has no form in
	// JSON, or that it does not fit the Go type.
	ScriptInvalidArguments ScriptErrorKind = "invalid-arguments"
	// ScriptNeverSettled says that the script waits for something that cannot happen any more.
	ScriptNeverSettled ScriptErrorKind = "never-settled"
	// ScriptLimit says that the script has reached a bound of [ScriptLimits]; the message names it.
	ScriptLimit ScriptErrorKind = "limit"
	// ScriptTrap says that the sandbox has stopped for another reason.
	ScriptTrap ScriptErrorKind = "trap"
)

var scriptKinds = map[script.Kind]ScriptErrorKind{
	script.Syntax:           ScriptSyntax,
	script.Runtime:          ScriptRuntime,
	script.Tool:             ScriptTool,
	script.NotFound:         ScriptNotFound,
	script.InvalidArguments: ScriptInvalidArguments,
	script.NeverSettled:     ScriptNeverSettled,
	script.Limit:            ScriptLimit,
	script.Trap:             ScriptTrap,
}

// A ScriptError is what a script fails with.
type ScriptError struct {
	// Script is the name of the source: [Script].Name, or the file that the place is in.
	Script string
	// Kind says what sort of failure it is.
	Kind ScriptErrorKind
	// Message says what went wrong, in the script's own words where it has thrown.
	Message string
	// Line and Column are the place in the source, from 1; 0 where it is not known. Columns count characters.
	Line, Column int
	// Stack has the functions of the script that were running, one a line, the innermost first; a place is
	// NAME:LINE:COLUMN. It is empty where there are none.
	Stack string
	// Err is the cause, or nil.
	Err error
}

// A LoadError is how [Client.Load] fails when the script has begun.
type LoadError struct {
	// Result is what the script did until it failed: its log, its calls, and what it used.
	Result *ScriptResult
	// Err is a [*ScriptError], the end of the context, or an [*Error].
	Err error
}

// Error returns the text of the cause.
func (e *LoadError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *LoadError) Unwrap() error { return e.Err }

// Error returns the place, the kind and the message.
func (e *ScriptError) Error() string {
	place := e.Script
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", e.Script, e.Line, e.Column)
	}
	return fmt.Sprintf("caisson: %s: %s: %s", place, e.Kind, e.Message)
}

// Unwrap returns the cause.
func (e *ScriptError) Unwrap() error { return e.Err }
