package store

// An Error says what of the store does not work, and what to do.
type Error struct {
	// Place is the folder, or the address of NATS without its secrets.
	Place string
	// Step is what was to be done, such as "open".
	Step string
	// Message says what is wrong, and what to do.
	Message string
	// Err is the cause, or nil.
	Err error
}

// Error returns the place, the step and the message.
func (e *Error) Error() string { return "the store " + e.Place + ": " + e.Step + ": " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
