package script

import "strings"

// A Kind says what sort of failure a [Failure] is.
type Kind int

// The kinds are those of `script-failure-kind` in wit/script-host.wit, and the host's own.
const (
	Syntax Kind = iota
	Runtime
	Tool
	NotFound
	InvalidArguments
	NeverSettled
	Limit
	Trap
	ContextEnded
	Asleep // it goes on elsewhere
	Internal
)

var kinds = map[string]Kind{
	"syntax":            Syntax,
	"runtime":           Runtime,
	"tool":              Tool,
	"not-found":         NotFound,
	"invalid-arguments": InvalidArguments,
}

// words are the kinds in recordings.
var words = [...]string{
	Syntax: "syntax", Runtime: "runtime", Tool: "tool", NotFound: "not-found", InvalidArguments: "invalid-arguments",
	NeverSettled: "never-settled", Limit: "limit", Trap: "trap", ContextEnded: "context", Asleep: "asleep", Internal: "internal",
}

// A Failure is what a script ends with in place of a value.
type Failure struct {
	Kind         Kind
	Message      string
	Line, Column int // in the source that the instance was given; 0 where it is not known
	Stack        string
	Err          error // the cause, or nil; the context's error with ContextEnded
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// cut shortens a text.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
