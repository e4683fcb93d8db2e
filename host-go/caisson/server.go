package caisson

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/confinement"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// A TransportType is a way to talk to a server (specification, basic/transports).
type TransportType string

const (
	// TransportAuto chooses: stdio for a command; for a URL streamable HTTP, and SSE when the server does
	// not speak that.
	TransportAuto TransportType = ""
	// TransportStdio is a command's standard input and output.
	TransportStdio TransportType = "stdio"
	// TransportHTTP is streamable HTTP.
	TransportHTTP TransportType = "http"
	// TransportSSE is HTTP with server-sent events, the transport of revision 2024-11-05.
	TransportSSE TransportType = "sse"
	// TransportCustom is [Server].Transport: the program's own.
	TransportCustom TransportType = "custom"
)

// protocolVersions are the revisions that the core speaks.
var protocolVersions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}

// A Server says how to reach an MCP server: by a URL, or by a command. A session is granted only this
// origin or this command, and nothing else.
type Server struct {
	// Name names the server in messages. When empty, it is the host of the URL, the base name of the
	// command, or "server" for a Transport.
	Name string
	// Type is the way to talk to it; [TransportAuto] when empty. It is "type" in a configuration file.
	Type TransportType

	// ProtocolVersions are the revisions of the protocol to speak with the server, such as "2025-06-18".
	// It is for servers that implement a revision wrongly. Default: all revisions, the newest first.
	ProtocolVersions []string

	// URL is the server's address, http or https. Its query often has secrets, so it stays outside the
	// sandbox: the host adds it to requests for exactly this URL, and to no others. A name of the public
	// DNS must not lead to a private address; see [ClientOptions].PrivateAddresses.
	URL string
	// Headers are added to every request to the URL's origin. The sandboxed core never sees them, so this
	// is the place for an Authorization header; HTTPTransport can set one that changes. The names are read
	// in any spelling, as those of HTTP are.
	Headers http.Header

	// Auth is how to prove to the server who the user is, when it asks: see package auth. It is for a URL, and
	// without an Authorization in Headers. [auth.None] logs in nowhere. Default: [ClientOptions].Auth.
	Auth auth.Method

	// Command is the program to start: a path, or a name that is looked up in PATH. A relative path
	// begins at Dir.
	Command string
	// Args are its arguments, one each: no shell splits a line.
	Args []string
	// Env is added to its environment. Without InheritEnv the rest of it is the few variables
	// that a program needs to run at all, such as PATH, HOME and the locale, so that secrets in
	// the environment of this process do not reach every server. A name has no "=" in it.
	Env map[string]string
	// InheritEnv gives it the whole environment of this process.
	InheritEnv bool
	// Dir is its working directory; the one of this process when empty.
	Dir string

	// Transport reads and writes the messages itself, in place of a URL and a command: one of the Go
	// SDK's, such as the client's end of mcp.NewInMemoryTransports, or the program's own. It is connected
	// with again where a command would be started again: once when the connection ends before the server has
	// answered anything, and as [Limits].Restarts says. Its connection must end a Read and a Write when it is
	// closed, and [Session.Close] waits until it has.
	Transport mcp.Transport
	// HTTPTransport carries the requests for this server, in place of [ClientOptions].HTTPTransport: for a
	// certificate authority or a client's certificate of its own, say, a proxy, a Unix socket, or a token
	// that is renewed. It must not follow redirects. [ClientOptions].PrivateAddresses does not apply to
	// it, neither to the addresses that it dials nor to those of a proxy: a transport that must keep
	// public names away from private addresses has to check each address that it dials. Default: the
	// client's transport.
	HTTPTransport http.RoundTripper
}

// name is what the server is called in messages.
func (s *Server) name() string {
	if s.Name != "" {
		return s.Name
	}
	if s.Command != "" {
		base := s.Command[strings.LastIndexAny(s.Command, `/\`)+1:]
		return base
	}
	if u, err := egress.ParseURL(s.URL); err == nil {
		return u.Host
	}
	return "server"
}

// Validate finds what is wrong with the server's description, without connecting: the error with
// [CodeInvalidArgument] that [Client.Connect] would fail with.
func (s *Server) Validate() error {
	if _, _, wrong := s.check(); wrong != nil {
		return wrong
	}
	return nil
}

// check finds what is wrong with the server's description, and returns the transport to use.
func (s *Server) check() (TransportType, *url.URL, *Error) {
	wrong := func(message string) (TransportType, *url.URL, *Error) {
		return "", nil, &Error{Code: CodeInvalidArgument, Server: s.name(), Step: "connect", Message: message}
	}
	switch {
	case s.Transport != nil && (s.URL != "" || s.Command != ""):
		return wrong("the server has a Transport beside a URL or a command: set only one of Server.Transport, Server.URL and Server.Command")
	case s.Transport != nil && s.Type != TransportAuto && s.Type != TransportCustom:
		return wrong("Server.Transport is spoken to as it is, and not over " + string(s.Type) + ": leave out Server.Type")
	case s.HTTPTransport != nil && s.URL == "":
		return wrong("Server.HTTPTransport is for a server with a URL: set Server.URL")
	case s.Auth != nil && s.URL == "":
		return wrong("Server.Auth is for a server with a URL: give a command its credentials in Server.Env")
	case s.Transport == nil && s.URL == "" && s.Command == "":
		return wrong("the server has neither a URL nor a command: set Server.URL, Server.Command or Server.Transport")
	case s.URL != "" && s.Command != "":
		return wrong("the server has both a URL and a command: set only one of Server.URL and Server.Command")
	case s.URL == "" && len(s.Headers) > 0:
		return wrong("Server.Headers are for a server with a URL: set Server.URL, or leave them out")
	case s.Command == "" && (len(s.Args) > 0 || len(s.Env) > 0 || s.InheritEnv || s.Dir != ""):
		return wrong("Server.Args, Env, InheritEnv and Dir are for a command: set Server.Command, or leave them out")
	}
	for _, version := range s.ProtocolVersions {
		if !slices.Contains(protocolVersions, version) {
			return wrong("there is no revision " + version + " of the protocol here: there are " + strings.Join(protocolVersions, ", "))
		}
	}
	if s.Transport != nil {
		return TransportCustom, nil, nil
	}
	if s.Command != "" {
		if message := s.checkEnv(); message != "" {
			return wrong(message)
		}
		if s.Type != TransportAuto && s.Type != TransportStdio {
			return wrong("a command is spoken to over stdio, not " + string(s.Type) + ": set Server.URL for a server on HTTP")
		}
		return TransportStdio, nil, nil
	}
	if message := s.checkHeaders(); message != "" {
		return wrong(message)
	}
	if s.Type != TransportAuto && s.Type != TransportHTTP && s.Type != TransportSSE {
		return wrong("a URL is spoken to over http or sse, not " + string(s.Type))
	}
	if message := s.checkAuth(); message != "" {
		return wrong(message)
	}
	u, err := egress.ParseURL(s.URL)
	if err != nil { // It quotes nothing: what cannot be read cannot be redacted either.
		return wrong(err.Error())
	}
	if u.User != nil {
		return wrong("the URL has a user name or password in it: put it into an Authorization header")
	}
	return s.Type, u, nil
}

// hasAuthorization reports whether the headers prove who the user is.
func (s *Server) hasAuthorization() bool {
	for name := range s.Headers {
		if strings.EqualFold(name, "Authorization") {
			return true
		}
	}
	return false
}

// checkAuth says what is wrong with the way to authorize.
func (s *Server) checkAuth() string {
	if _, none := s.Auth.(*auth.None); none || s.Auth == nil {
		return ""
	}
	if s.hasAuthorization() {
		return "the server has an Authorization header beside Server.Auth: set only one of the two"
	}
	if err := authorization.Check(s.Auth); err != nil {
		return err.Error()
	}
	return ""
}

// checkEnv says what is wrong with the environment. It quotes neither names nor values: a name that is
// wrong may be a whole "NAME=secret".
func (s *Server) checkEnv() string {
	for name, value := range s.Env {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return `the name of a variable in env is empty, or has a "=" or a NUL in it: a variable is its name and, apart from it, its value`
		case strings.ContainsRune(value, 0):
			return "the value of the variable " + name + " in env has a NUL in it: remove it"
		}
	}
	return ""
}

// checkHeaders says what is wrong with the headers, without a word of their values.
func (s *Server) checkHeaders() string {
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		if len(s.Headers[name]) == 0 {
			return "a header has no value: leave it out"
		}
		for _, value := range s.Headers[name] {
			switch err := egress.ValidField(name, value); {
			case errors.Is(err, egress.ErrFieldName): // It may be a header that was written in one piece.
				return `the name of a header is not valid: it has letters, digits and "-", and its value stands apart from it`
			case err != nil:
				return err.Error() + ": correct it"
			}
		}
	}
	return ""
}

// grant is what the sandbox may reach on the server's behalf.
func (s *Server) grant(u *url.URL, confined *confinement.Rules) egress.Grant {
	g := egress.Grant{Server: s.name(), URL: u}
	if u != nil {
		g.Header = http.Header{}
		for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
			for _, value := range s.Headers[name] {
				g.Header.Add(name, value)
			}
		}
		return g
	}
	if s.Transport != nil {
		g.Dial = dial(s.Transport)
		return g
	}
	g.Command = &egress.Command{Path: s.Command, Args: slices.Clone(s.Args), Env: s.environ(), Dir: s.Dir, Confinement: confined}
	return g
}

// baseEnv are the variables that a command gets without InheritEnv: the ones a program needs to
// find its files, its user and its language. The official SDKs hand down the same sort of list.
var baseEnv = map[bool][]string{
	false: {"HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"},
	true:  {"APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "NUMBER_OF_PROCESSORS", "OS", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE", "PROGRAMDATA", "PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "WINDIR"},
}

// environ is the command's whole environment.
func (s *Server) environ() []string {
	var env []string
	windows := runtime.GOOS == "windows"
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if windows {
			name = strings.ToUpper(name)
		}
		if s.InheritEnv || slices.Contains(baseEnv[windows], name) {
			env = append(env, pair)
		}
	}
	for name, value := range s.Env {
		env = append(env, name+"="+value)
	}
	return env
}
