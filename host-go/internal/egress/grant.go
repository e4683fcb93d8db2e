// Package egress is what a session's core may do outside its sandbox: HTTP exchanges on net/http,
// and pipes to commands on os/exec, each only as far as the session's Grant goes.
//
// It is the host's side of the interface egress in wit/egress.wit. Its calls return at once and do
// not fail; what becomes of them is told to a Sink, as the interface ingress in wit/ingress.wit
// promises it to the core.
package egress

import (
	"context"
	"net/http"
	"net/url"
)

// Grant is what one session may reach; nothing else.
type Grant struct {
	// Server is the server's name, for messages.
	Server string
	// URL grants HTTP with its origin: scheme, host and port. Its user name and password are sent
	// as basic authentication, unless Header has an Authorization. Its query is sent with what the core
	// asks of this URL without one, and the core never sees it: see GuestURL. Nil grants no HTTP.
	URL *url.URL
	// Header is added to every exchange. It wins over what the core sets, and the core never sees
	// it. Its values are in no error and no log. With an Accept-Encoding in it, the host does not
	// decompress.
	Header http.Header
	// Command is what a pipe starts. Nil grants no process.
	Command *Command
	// Dial connects a pipe with the server in place of a command: one pipe at a time. Nil grants none.
	Dial func(ctx context.Context) (Messages, error)
}

// Command is a program to start.
type Command struct {
	// Path is the program. One without a path separator is looked up in the PATH of Env, or in the
	// host's when Env has none.
	Path string
	// Args are its arguments, without the program's own name.
	Args []string
	// Env is its whole environment, "KEY=value" each. Nil is the host's own. Its values are in no
	// error and no log.
	Env []string
	// Dir is its working directory. Empty is the host's own.
	Dir string
}
