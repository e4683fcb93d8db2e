// Package egress carries out the effects of a session's core outside the sandbox: HTTP exchanges on
// net/http, and pipes to commands on os/exec, each only within the session's Grant.
//
// The package is the host's side of the interface egress in wit/egress.wit. Its calls return at once
// and do not fail; it tells their outcomes to a Sink, as the interface ingress in wit/ingress.wit
// promises to the core.
package egress

import (
	"context"
	"net/http"
	"net/url"

	"github.com/caisson-dev/caisson/host-go/internal/confinement"
)

// Grant names everything that one session may reach.
type Grant struct {
	// Server is the server's name, for messages.
	Server string
	// URL grants HTTP with its origin: scheme, host and port. The host sends the URL's user name and
	// password as basic authentication, unless Header has an Authorization. The host adds the URL's
	// query to the core's requests for this URL without a query, and the core never sees that query:
	// see GuestURL. Nil grants no HTTP.
	URL *url.URL
	// Header holds the fields that the host adds to every exchange. They override the core's fields,
	// and the core never sees them. No error and no log has their values. When Header has an
	// Accept-Encoding, the host does not decompress.
	Header http.Header
	// Command is the program that a pipe starts. Nil grants no process.
	Command *Command
	// Authorization proves to the server who the user is, with each request. Nil does not.
	Authorization Authorization
	// Dial connects a pipe with the server in place of a command: one pipe at a time. Nil grants none.
	Dial func(ctx context.Context) (Messages, error)
}

// Command is a program to start.
type Command struct {
	// Path is the program. The host looks up a Path without a path separator in the PATH of Env, or in
	// its own PATH when Env has none.
	Path string
	// Args are its arguments, without the program's own name.
	Args []string
	// Env is its whole environment, "KEY=value" each. Nil is the host's own. No error and no log has
	// the values.
	Env []string
	// Dir is its working directory. Empty is the host's own.
	Dir string
	// Confinement is what the kernel confines it to. Nil is nothing.
	Confinement *confinement.Rules
}
