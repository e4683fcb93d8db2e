package engine

import "fmt"

// A Kind says what sort of failure a [Failure] is.
type Kind int

// The kinds are the cases of `failure` in wit/types.wit, and three of the host's own: Trap,
// ContextEnded, and Internal for both sides.
const (
	Internal Kind = iota
	InvalidArgument
	Refused
	Unreachable
	Transport
	HTTPStatus
	Protocol
	RPC
	Timeout
	Cancelled
	Closed
	Limit
	OutputSchema
	NotRepeated
	Unverified
	Unauthorized
	Trap
	ContextEnded
)

// A Failure is what an operation of a session fails with. The package's users give it their own
// form and their server's name.
type Failure struct {
	Kind       Kind
	Step       string // what was being done; "" when the core did not say
	Message    string // for people
	HTTPStatus int    // with HTTPStatus
	Err        error  // the cause, or nil; the context's error with ContextEnded
}

// Error returns the step and the message.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %s", f.Step, f.Message) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// An UnverifiedFile is the Err of a Failure with [Unverified]: a file of a skill that is not what the
// skill's entry says.
type UnverifiedFile struct {
	Reason string // a case of unverified-reason in wit/types.wit
	URI    string
}

// Error returns the reason and the file.
func (f *UnverifiedFile) Error() string { return f.URI + ": " + f.Reason }

// causes remembers the errors behind the io-errors that the core got, so that the failures that follow can
// have them as causes. It keeps the last few: a failure follows soon, or never.
type causes struct {
	last uint32
	errs [64]error
}

// add returns the number that stands for err.
func (c *causes) add(err error) uint32 {
	c.last++
	c.errs[c.last%uint32(len(c.errs))] = err
	return c.last
}

// find returns the error behind a number; nil for a number that is too old or unknown.
func (c *causes) find(cause uint32) error {
	if cause > c.last || c.last-cause >= uint32(len(c.errs)) {
		return nil
	}
	return c.errs[cause%uint32(len(c.errs))]
}
