// Package config reads servers from the mcpServers JSON that MCP hosts share, such as mcp.json: see
// [Load]. [caisson.Client.ConnectGroup] takes a [File].
package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/fieldname"
)

// maxBytes bounds a configuration file.
const maxBytes = 1 << 20

// A File holds the servers of a configuration file, as the file has them: [File.Server] fills variables
// in. It is safe for concurrent use.
type File struct {
	path    string
	entries map[string]json.RawMessage
}

// DefaultPath returns the place of the user's own configuration file: "caisson/mcp.json" in
// the user's configuration folder. It does not check that the file exists.
func DefaultPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &caisson.Error{
			Code: caisson.CodeInvalidArgument, Step: "load config", Err: err,
			Message: "there is no folder for the user's configuration: " + err.Error(),
		}
	}
	return filepath.Join(dir, "caisson", "mcp.json"), nil
}

// Load reads a configuration file in the format that MCP hosts share: a JSON object with
// the servers, by their names, under "mcpServers" (Claude, Cursor and others) or "servers"
// (VS Code). A server has
//
//   - command, args, env and cwd, or url and headers;
//   - type, or transport: stdio, http (also streamable-http, streamableHttp) or sse. Without it
//     [caisson.TransportAuto] is used;
//   - protocolVersions, the revisions to speak with it, when not all;
//   - oauth or auth, how to authorize, which is [caisson.Server].Auth: see below;
//   - disabled, when it is not to be used.
//
// Everything else in the file is ignored, also what belongs to a server of the other sort, but for oauth and auth
// beside a command, which are an error. A relative cwd
// begins at the working directory of this process, wherever the file is; a relative command there too, or
// at cwd. In command, args, the values of env, cwd, url and the values of headers, ${VAR} and ${env:VAR}
// stand for a variable of this process's environment, and ${VAR:-default} has a default for one that is
// unset or empty. In the values of env and of headers, in the query of url, and in every text of oauth and auth,
// where those of variables are read too, ${file:PATH} stands for the text of a file, and ${keyring:SERVICE/NAME} for
// an item of the operating system's keyring, in a program that imports package caisson/auth/keyring. [File.Server]
// fills them in; what is not there is a [*ReferenceError] there, and a ${ without its brace is an error too.
//
// An oauth, or an auth as Cursor has it, is an [auth.OAuth] whose Ask is an [*auth.Browser]; an auth with a
// type is one of the ways in package auth, and an oauth that is false, or not enabled, is an [*auth.None].
// docs/authorization.md has their members. A member of another
// host's that would change where a token goes, and that this package does not have, is an error.
//
// Such a file names commands to run, and one in somebody else's folder runs that person's commands. So ask
// the user before you load one, as the command line does.
//
// It fails with [caisson.CodeInvalidArgument] when the file cannot be read, is larger than 1 MiB, is not
// JSON (the error names line and column), has no servers in it, or has two of the same name. What
// is wrong with one server fails in [File.Server], so that the others can be used.
func Load(path string) (*File, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, configError(path, "", err)
	}
	return Parse(path, data)
}

// Parse is [Load] with the text of a file that was read before; path names it in errors.
func Parse(path string, data []byte) (*File, error) {
	if len(data) > maxBytes {
		return nil, configError(path, "", fmt.Errorf("the file is larger than %d bytes", maxBytes))
	}
	// Editors on Windows put a byte order mark in front.
	entries, err := parseFile(bytes.TrimPrefix(data, []byte("\uFEFF")))
	if err != nil {
		return nil, configError(path, "", err)
	}
	return &File{path: path, entries: entries}, nil
}

// Names returns the names of all servers in the file, disabled ones too, sorted.
func (c *File) Names() []string { return slices.Sorted(maps.Keys(c.entries)) }

// Disabled reports whether the file has a server of this name and disables it.
func (c *File) Disabled(name string) bool {
	entry, err := c.entry(name)
	return err == nil && entry.disabled
}

// Server returns the server of this name, with the variables in it filled in from the environment
// as it is now.
//
// It fails with [caisson.CodeInvalidArgument], and an error that names the file, the server and the field,
// when there is no such server, when it is disabled, when it has both a url and a command or
// neither, when a value has the wrong type, and when a variable is unset and has no default. No
// value of env or headers is in an error. Where a reference in headers, oauth or auth leads to nothing, the error
// is a [*ReferenceError], and the server is there too, without what the reference stands for: what needs no
// secret, such as a logout, can go on with it.
func (c *File) Server(name string) (caisson.Server, error) {
	entry, err := c.entry(name)
	if err != nil {
		return caisson.Server{}, configError(c.path, name, err)
	}
	server, err := entry.server(name)
	if err != nil {
		return server, configError(c.path, name, err)
	}
	return server, nil
}

// entry decodes a server of the file.
func (c *File) entry(name string) (*entry, error) {
	raw, ok := c.entries[name]
	if !ok {
		return nil, fmt.Errorf("there is no such server in the file; it has %s", nameList(c.Names()))
	}
	return parseEntry(raw)
}

// server makes the entry's Server.
func (e *entry) server(name string) (caisson.Server, error) {
	switch {
	case e.disabled:
		return caisson.Server{}, errors.New(`the server is disabled: remove "disabled" to use it`)
	case e.command != "" && e.url != "":
		return caisson.Server{}, errors.New("the server has both a command and a url: keep one of them")
	case e.command == "" && e.url == "":
		return caisson.Server{}, errors.New("the server has neither a command nor a url: add one of them")
	case e.kind != "" && e.transport != "" && e.kind != e.transport:
		return caisson.Server{}, errors.New("type and transport differ: keep one of them")
	}
	transport, err := parseTransport(cmp.Or(e.kind, e.transport))
	if err != nil {
		return caisson.Server{}, err
	}
	x, late := expander{lookup: os.LookupEnv}, expander{lookup: os.LookupEnv}
	server := caisson.Server{Name: name, Type: transport, ProtocolVersions: e.protocolVersions}
	var headers map[string]string
	// Other hosts pass over what is not for this sort of server, so their files may have it: but not a login, which
	// the user would believe to be there.
	if e.command != "" {
		if err := e.loginOfCommand(); err != nil {
			return caisson.Server{}, err
		}
		server.Command, server.Args = x.text("command", e.command), x.list("args", e.args)
		server.Env, server.Dir = x.secrets("env", e.env), x.text("cwd", e.cwd)
	} else {
		server.URL, headers = x.url("url", e.url), late.secrets("headers", e.headers)
		if server.Auth, err = e.method(&late); err != nil {
			return caisson.Server{}, err
		}
	}
	if x.err != nil {
		return caisson.Server{}, x.err
	}
	if server.Headers, err = headerOf(headers); err != nil {
		return caisson.Server{}, err
	}
	var missing *ReferenceError
	if errors.As(late.err, &missing) {
		return server, late.err
	}
	if err = cmp.Or(late.err, validate(&server)); err != nil {
		return caisson.Server{}, err
	}
	return server, nil
}

// validate finds what is wrong with a server, in the words of the file.
func validate(server *caisson.Server) error {
	err := server.Validate()
	var wrong *caisson.Error
	if errors.As(err, &wrong) {
		err = errors.New(fieldname.InFile(wrong.Message)) // The caller has the server's name.
	}
	return err
}

// parseTransport reads the names that hosts use for the transports.
func parseTransport(name string) (caisson.TransportType, error) {
	switch strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name)) {
	case "":
		return caisson.TransportAuto, nil
	case "stdio":
		return caisson.TransportStdio, nil
	case "http", "streamablehttp":
		return caisson.TransportHTTP, nil
	case "sse":
		return caisson.TransportSSE, nil
	}
	return "", fmt.Errorf("the transport %q is not known: use stdio, http or sse", name)
}

// readFile reads a file, and one byte more than it may have at most.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxBytes+1))
}

// configError gives an error the form that users see.
func configError(path, server string, err error) *caisson.Error {
	message := err.Error()
	var pathError *os.PathError
	if !errors.As(err, &pathError) || pathError.Path != path { // One has the path in it.
		message = path + ": " + message
	}
	return &caisson.Error{Code: caisson.CodeInvalidArgument, Server: server, Step: "load config", Message: message, Err: err}
}

// headerOf makes a header of the members of "headers". A JSON object tells names apart by their letters,
// and HTTP does not.
func headerOf(members map[string]string) (http.Header, error) {
	if len(members) == 0 {
		return nil, nil
	}
	header := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if header.Values(name) != nil {
			return nil, errors.New("the header " + http.CanonicalHeaderKey(name) + " is there twice, in other letters: keep one of them")
		}
		header.Set(name, members[name])
	}
	return header, nil
}
