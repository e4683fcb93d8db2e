package caisson

import (
	"bytes"
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
)

// maxConfigBytes bounds a configuration file.
const maxConfigBytes = 1 << 20

// A Config holds the servers of a configuration file, as they stand there: variables are filled
// in when a server is asked for. It is safe for concurrent use.
type Config struct {
	path    string
	entries map[string]json.RawMessage
}

// DefaultConfigPath gives the place of the user's own configuration file: "caisson/mcp.json" in
// the user's configuration folder. Whether there is one is not looked at.
func DefaultConfigPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &Error{
			Code: CodeInvalidArgument, Step: "load config", Err: err,
			Message: "there is no folder for the user's configuration: " + err.Error(),
		}
	}
	return filepath.Join(dir, "caisson", "mcp.json"), nil
}

// LoadConfig reads a configuration file in the format that MCP hosts share: a JSON object with
// the servers, by their names, under "mcpServers" (Claude, Cursor and others) or "servers"
// (VS Code). A server has
//
//   - command, args, env and cwd, or url and headers;
//   - type, or transport: stdio, http (also streamable-http, streamableHttp) or sse. Without it
//     [TransportAuto] is used;
//   - protocolVersions, the revisions to speak with it, when not all;
//   - disabled, when it is not to be used.
//
// Everything else in the file is ignored. A relative cwd begins at the working directory of this
// process, wherever the file is; a relative command there too, or at cwd. In command, args, the values of env, cwd, url and the
// values of headers, ${VAR} and ${env:VAR} stand for a variable of this process's environment,
// and ${VAR:-default} has a default for one that is unset or empty. [Config.Server] fills them
// in; a variable that is unset, and a ${ without its brace, are errors there.
//
// Such a file names commands to run: one that came with somebody else's folder is theirs, not the
// user's. Who loads one should have asked, as the command line does.
//
// It fails with [CodeInvalidArgument] when the file cannot be read, is larger than 1 MiB, is not
// JSON (the error names line and column), has no servers in it, or has two of the same name. What
// is wrong with one server fails in [Config.Server], so that the others can be used.
func LoadConfig(path string) (*Config, error) {
	data, err := readConfig(path)
	if err != nil {
		return nil, configError(path, "", err)
	}
	return ParseConfig(path, data)
}

// ParseConfig is [LoadConfig] with the text of a file that was read before; path names it in errors.
func ParseConfig(path string, data []byte) (*Config, error) {
	if len(data) > maxConfigBytes {
		return nil, configError(path, "", fmt.Errorf("the file is larger than %d bytes", maxConfigBytes))
	}
	// Editors on Windows put a byte order mark in front.
	entries, err := parseConfig(bytes.TrimPrefix(data, []byte("\uFEFF")))
	if err != nil {
		return nil, configError(path, "", err)
	}
	return &Config{path: path, entries: entries}, nil
}

// Names gives the names of all servers in the file, disabled ones too, sorted.
func (c *Config) Names() []string { return slices.Sorted(maps.Keys(c.entries)) }

// Disabled reports whether the file has a server of this name and disables it.
func (c *Config) Disabled(name string) bool {
	entry, err := c.entry(name)
	return err == nil && entry.disabled
}

// Server gives the server of this name, with the variables in it filled in from the environment
// as it is now.
//
// It fails with [CodeInvalidArgument], and an error that names the file, the server and the field,
// when there is no such server, when it is disabled, when it has both a url and a command or
// neither, when a value has the wrong type, and when a variable is unset and has no default. No
// value of env or headers is in an error.
func (c *Config) Server(name string) (Server, error) {
	entry, err := c.entry(name)
	if err != nil {
		return Server{}, configError(c.path, name, err)
	}
	server, err := entry.server(name)
	if err != nil {
		return Server{}, configError(c.path, name, err)
	}
	return server, nil
}

// entry decodes a server of the file.
func (c *Config) entry(name string) (*configEntry, error) {
	raw, ok := c.entries[name]
	if !ok {
		return nil, fmt.Errorf("there is no such server in the file; it has %s", nameList(c.Names()))
	}
	return parseEntry(raw)
}

// server makes the entry's Server.
func (e *configEntry) server(name string) (Server, error) {
	switch {
	case e.disabled:
		return Server{}, errors.New(`the server is disabled: remove "disabled" to use it`)
	case e.command != "" && e.url != "":
		return Server{}, errors.New("the server has both a command and a url: keep one of them")
	case e.command == "" && e.url == "":
		return Server{}, errors.New("the server has neither a command nor a url: add one of them")
	case e.kind != "" && e.transport != "" && e.kind != e.transport:
		return Server{}, errors.New("type and transport differ: keep one of them")
	}
	transport, err := parseTransport(orDefault(e.kind, e.transport))
	if err != nil {
		return Server{}, err
	}
	x := expander{lookup: os.LookupEnv}
	server := Server{
		Name:    name,
		Type:    transport,
		Command: x.text("command", e.command),
		Args:    x.list("args", e.args),
		Env:     x.values("env", e.env),
		Dir:     x.text("cwd", e.cwd),
		URL:     x.text("url", e.url),

		ProtocolVersions: e.protocolVersions,
	}
	headers := x.values("headers", e.headers)
	if x.err != nil {
		return Server{}, x.err
	}
	if server.Headers, err = headerOf(headers); err != nil {
		return Server{}, err
	}
	if _, _, wrong := server.check(); wrong != nil {
		return Server{}, errors.New(wrong.Message)
	}
	return server, nil
}

// parseTransport reads the names that hosts use for the transports.
func parseTransport(name string) (TransportType, error) {
	switch strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name)) {
	case "":
		return TransportAuto, nil
	case "stdio":
		return TransportStdio, nil
	case "http", "streamablehttp":
		return TransportHTTP, nil
	case "sse":
		return TransportSSE, nil
	}
	return "", fmt.Errorf("the transport %q is not known: use stdio, http or sse", name)
}

// readConfig reads a file, and one byte more than it may have at most.
func readConfig(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxConfigBytes+1))
}

// configError gives an error the form that users see.
func configError(path, server string, err error) *Error {
	message := err.Error()
	var pathError *os.PathError
	if !errors.As(err, &pathError) { // Which has the path in it.
		message = path + ": " + message
	}
	return &Error{Code: CodeInvalidArgument, Server: server, Step: "load config", Message: message, Err: err}
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
