package policy

import (
	"encoding/json"
	"time"
)

// A SourceKind says what a call is made to.
type SourceKind string

// These are the kinds of sources.
const (
	Server SourceKind = "server"
	Plugin SourceKind = "plugin"
	Script SourceKind = "script"
)

// A Kind says what is called.
type Kind string

// These are the kinds of calls.
const (
	Tool     Kind = "tool"
	Resource Kind = "resource"
	Prompt   Kind = "prompt"
	// Method is a request of an extension, or of tasks that this client has not begun.
	Method Kind = "method"
	// Asked is what a server asks: see [Asking].
	Asked Kind = "question"
	// Use is everything that names none of these: connecting, lists, pings, levels of logs.
	Use Kind = "use"
)

// A Caller says who makes a call, on behalf of the principal.
type Caller string

// These are the callers.
const (
	// CallerProgram is the Go program itself. It is the default.
	CallerProgram Caller = "program"
	// CallerCommandLine is a person at a command line.
	CallerCommandLine Caller = "command-line"
	// CallerScript is a script, from inside.
	CallerScript Caller = "script"
	// CallerPlugin is a plugin, from inside.
	CallerPlugin Caller = "plugin"
	// CallerClient is an MCP client downstream of the program.
	CallerClient Caller = "client"
	// CallerRPC is a client of a daemon.
	CallerRPC Caller = "rpc"
)

var callers = []string{
	string(CallerProgram), string(CallerCommandLine), string(CallerScript), string(CallerPlugin), string(CallerClient), string(CallerRPC),
}

// A Call is what is decided about.
type Call struct {
	// Principal is on whose behalf it is made.
	Principal string
	// Caller makes it. Default: [CallerProgram].
	Caller Caller
	// Source and Server say what it is made to. Default: a [Server].
	Source SourceKind
	Server string
	// Kind and Name say what is called: the tool's or prompt's name, the URI, or the method.
	Kind Kind
	Name string
	// Arguments is the JSON object of the arguments, as it is sent. nil where there are none.
	Arguments json.RawMessage
	// ReadOnly says that the tool is annotated with readOnlyHint.
	ReadOnly bool
}

// An Effect is what is decided.
type Effect string

// These are the effects.
const (
	Allow       Effect = "allow"
	Deny        Effect = "deny"
	NeedsAnswer Effect = "ask"
)

// A Reason says which check has denied a call.
type Reason string

// These are the reasons, in the order of the checks.
const (
	// NotGranted says that no rule grants it. Nobody learns whether it exists.
	NotGranted Reason = "not granted"
	// NotPinned says that the definition, or the server's identity, is not the approved one.
	NotPinned Reason = "not approved"
	// BadArguments says that the arguments do not satisfy the rule.
	BadArguments Reason = "arguments"
	// TooLarge says that the arguments, or the result, have too many bytes.
	TooLarge Reason = "size"
	// TooOften says that there is no token in the bucket.
	TooOften Reason = "rate"
	// TooMany says that too many calls are under way.
	TooMany Reason = "concurrency"
	// NoApproval says that nobody said yes.
	NoApproval Reason = "approval"
	// NoAudit says that the decision could not be written.
	NoAudit Reason = "audit"
)

// A Decision is what the rules say of a call.
type Decision struct {
	// Effect is what is decided; [NeedsAnswer] where somebody has to say yes.
	Effect Effect
	// Rule is the key of the rule that decided, such as servers.files.tools[2]; "" when none fits.
	Rule string
	// Reason says why it is denied.
	Reason Reason
	// Message says more of the reason, for whoever may know the rules.
	Message string
	// Ask is the question's part of the rule, when Effect is [NeedsAnswer].
	Ask *Ask
	// Redact is what the rule keeps out of the log; nil for nothing.
	Redact *Redact
	// MaxResultBytes bounds the result; 0 for no bound.
	MaxResultBytes int

	source *source
	rule   *rule
}

// A DeniedError says that a call was not made, or that its result is kept back.
type DeniedError struct {
	Reason Reason
	// RetryAfter is when there will be a token in the bucket, for [TooOften].
	RetryAfter time.Duration
	// Err is the cause, or nil.
	Err error

	message string
}

// Denied makes an error of a decision, in words that may be shown to the caller.
func Denied(reason Reason, message string, err error) *DeniedError {
	return &DeniedError{Reason: reason, Err: err, message: message}
}

// Error says why, and not more than the caller may know.
func (e *DeniedError) Error() string { return e.message }

// Unwrap returns the cause.
func (e *DeniedError) Unwrap() error { return e.Err }
