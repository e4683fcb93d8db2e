package egress

import (
	"errors"
	"fmt"
)

// ErrInUse is returned for an id whose exchange or pipe has not ended. The core has broken its
// contract.
var ErrInUse = errors.New("egress: the id is in use")

// Kind says what sort of failure an Error is. It is io-error-kind of wit/types.wit, in its order.
type Kind uint8

const (
	// Refused: the session's grant does not cover it. Asking again gets the same answer.
	Refused Kind = iota
	// Connect: there was no connection, or no process. Nothing was sent.
	Connect
	// Transport: there was a connection, and it broke. What was sent may have had an effect.
	Transport
	// Limit: a message was larger, or there were more of something, than the host allows.
	Limit
	// Unauthorized: the server wants authorization, and there is none.
	Unauthorized
)

// String returns the name of the kind in wit/types.wit.
func (k Kind) String() string {
	switch k {
	case Refused:
		return "refused"
	case Connect:
		return "connect"
	case Transport:
		return "transport"
	case Limit:
		return "limit"
	case Unauthorized:
		return "unauthorized"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is why an exchange or a pipe failed.
type Error struct {
	// Kind is what sort of failure it was.
	Kind Kind
	// Server is the server's name, from the Grant.
	Server string
	// Message says what failed and what to do, for people. No secret is in it: of a URL it has the
	// origin only.
	Message string
	// Err is the cause; nil when there is none but Message. A *url.Error in it has the origin only.
	Err error
}

// Error returns the message, with the server's name in front of it.
func (e *Error) Error() string {
	if e.Server == "" {
		return e.Message
	}
	return fmt.Sprintf("server %q: %s", e.Server, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
