// Package trap carries traps from their origin to the call of the host.
package trap

import "fmt"

// Trap is a trap on its way to the host. The Canonical ABI, a host function or the core runtime has panicked
// with it, and the call of the host recovers it.
type Trap struct {
	Err   error
	Stack string // of the guest, innermost frame first; may be empty
}

// Error returns the text of the cause.
func (t *Trap) Error() string { return t.Err.Error() }

// Unwrap returns the cause.
func (t *Trap) Unwrap() error { return t.Err }

// Throw traps with err as the cause.
func Throw(err error) { panic(&Trap{Err: err}) }

// Throwf traps with a formatted cause.
func Throwf(format string, args ...any) { Throw(fmt.Errorf(format, args...)) }
