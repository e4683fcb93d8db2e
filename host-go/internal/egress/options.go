package egress

import (
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Options tune a Broker. The zero value is ready to use.
type Options struct {
	// MaxMessage is the largest message to receive, in bytes: a line of a command, a response body,
	// or one event of a text/event-stream. What is larger ends with Limit. A compressed body counts
	// decompressed. Zero is 32 MiB.
	MaxMessage int64
	// Transport does the HTTP. Its owner closes its idle connections. Nil is one from NewTransport
	// of the session's own, closed by Broker.Close.
	Transport http.RoundTripper
	// PrivateAddresses lets names of the public DNS lead to private addresses; see NewTransport. It
	// has no effect on a Transport that is given.
	PrivateAddresses bool
	// Logger gets the command's standard error, a record a line, at level Info, with the attribute
	// server. Nil drops them.
	Logger *slog.Logger
	// Stderr gets the command's standard error instead of Logger, as it comes. Commands of several
	// pipes write to it at the same time: see Serial. A Write that never returns holds up
	// Broker.Close.
	Stderr io.Writer
	// Challenged hears what a server says of the authorization that it wants (RFC 9110, section 11.6.1), where the
	// Grant has none. It must not wait. Nil is nobody.
	Challenged func(challenge string)
	// CloseWait is how long a command may take to end once its standard input is closed. After
	// that its process group is asked to terminate. Zero is 2 s.
	CloseWait time.Duration
	// TermWait is how long it may take to end once asked. After that its process group is killed.
	// Zero is 2 s.
	TermWait time.Duration
}

const (
	defaultMaxMessage = 32 << 20
	defaultWait       = 2 * time.Second
)

// withDefaults returns o with every zero replaced by its default.
func (o Options) withDefaults() Options {
	if o.MaxMessage <= 0 {
		o.MaxMessage = defaultMaxMessage
	}
	if o.CloseWait <= 0 {
		o.CloseWait = defaultWait
	}
	if o.TermWait <= 0 {
		o.TermWait = defaultWait
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
