// Package config reads the configuration of the daemon: caisson.yaml.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/caisson-dev/caisson/host-go/caisson"
	servers "github.com/caisson-dev/caisson/host-go/caisson/config"
	"github.com/caisson-dev/caisson/host-go/caisson/policyfile"

	"github.com/caisson-dev/caisson/daemon/internal/access"
)

// DefaultListen is where the daemon listens when the configuration does not say.
const DefaultListen = "127.0.0.1:3285"

// maxBytes bounds the file.
const maxBytes = 4 << 20

// A File is the configuration, with its defaults filled in and its paths made absolute.
type File struct {
	// Path is where it was read.
	Path string `yaml:"-"`
	// Listen are addresses, host:port or unix:PATH. Default: [DefaultListen].
	Listen Words `yaml:"listen"`
	// Metrics is the address of the metrics, host:port. Default: none, and they are not served.
	Metrics string `yaml:"metrics"`
	// Servers is the path of a file of servers in the format that MCP hosts share. Default: none.
	Servers string `yaml:"servers"`
	// MCPServers are servers in the same format, in this file. Default: none.
	MCPServers yaml.Node `yaml:"mcpServers"`
	// Policy is the path of the policy. Default: none, and everything that is configured may be called.
	Policy string `yaml:"policy"`
	// Lock is the path of the approved definitions. Default: caisson.lock beside the policy.
	Lock string `yaml:"lock"`
	// Credentials is the folder in which logins are kept, encrypted. Default: none; they end with the daemon.
	Credentials string `yaml:"credentials"`
	// Store is the folder of what the daemon keeps, or [NoStore]. Default: "store" in the daemon's own folder, see
	// [access.Folder]; none with NATS.
	Store string `yaml:"store"`
	// NATS are servers that keep it in place of the folder, for several daemons. Default: none.
	NATS *NATS `yaml:"nats"`
	// Access says who calls.
	Access Access `yaml:"access"`
	// Callers bound what those who call may have underway.
	Callers Callers `yaml:"callers"`
	// Sessions bound the sessions with servers.
	Sessions Sessions `yaml:"sessions"`
	// Pools say what is made of servers, by their names, and of equivalent servers, by names of their own. Default: of
	// each server one session for each principal, when it is first called.
	Pools map[string]Pool `yaml:"pools"`
	// Health says when a server counts as one that cannot be reached.
	Health Health `yaml:"health"`
	// Scripts say what scripts there are, and what they may cost.
	Scripts Scripts `yaml:"scripts"`
	// Isolation is where the sandboxes of sessions and scripts run: sandbox, or process. Default: sandbox.
	Isolation caisson.Isolation `yaml:"isolation"`
	// MaxWorkers bounds the processes of isolation: process. Default: 64.
	MaxWorkers int `yaml:"maxWorkers"`
	// DrainTimeout is how long calls that are underway may take when the daemon ends. Default: 30 s.
	DrainTimeout Duration `yaml:"drainTimeout"`
	// DrainDelay is how long the daemon goes on as before after SIGTERM, while its health says that it ends: until
	// whoever balances has seen it. Default: 0.
	DrainDelay Duration `yaml:"drainDelay"`
}

// NoStore is the store of a daemon that keeps nothing.
const NoStore = "none"

// NATS says which servers are used, and who this daemon is to them.
type NATS struct {
	// URL is nats://host:port or tls://host:port; several have commas between them.
	URL string `yaml:"url"`
	// Credentials is a file of a user, as nsc makes it (.creds), or of the seed of an NKey. Default: none.
	Credentials string `yaml:"credentials"`
	// CA is the authority of the servers' certificates, in PEM. Default: those of the system.
	CA string `yaml:"ca"`
	// Certificate and Key are this daemon's, in PEM. Default: none.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// CredentialsKey is the file of the key of the logins that the daemons share, and of runs that sleep, on all of them the
	// same: 32 bytes in base64. Default: none; each daemon has its own logins, and no run sleeps.
	CredentialsKey string `yaml:"credentialsKey"`
	// Replicas is how many of the servers have a copy of what is kept. Default: 1.
	Replicas int `yaml:"replicas"`
	// PlainText lets the servers be on other machines without TLS: for a network that is protected. Default: false.
	PlainText bool `yaml:"plainText"`
}

// Access says who calls.
type Access struct {
	// Tokens is the path of a file of tokens: see 'caisson serve token'. Default: none; where no issuer and no client
	// certificate is configured either, and the daemon listens on TCP, it makes one for the user of this machine.
	Tokens string `yaml:"tokens"`
	// Issuers are authorization servers whose JWTs are good; Audiences the values of aud, of which one is needed.
	Issuers   Words `yaml:"issuers"`
	Audiences Words `yaml:"audiences"`
	// URL is the origin at which clients reach the daemon. It is needed with issuers.
	URL string `yaml:"url"`
	// Origins are those of web pages that may call, such as https://app.example.com. Default: none; browsers let pages call
	// that come from the daemon's own origin alone.
	Origins Words `yaml:"origins"`
	// TLS has the daemon speak TLS on TCP.
	TLS *TLS `yaml:"tls"`
	// PlainText lets other machines connect without TLS: for a proxy in front that ends it. Default: false.
	PlainText bool `yaml:"plainText"`
	// UnixMode is the mode of the sockets of unix:PATH, in octal: who may write to one may connect. Default: "0600".
	UnixMode string `yaml:"unixMode"`
	// Scopes are what principals may do whose tokens have no scope of the daemon's, by their names; "*" stands for all
	// others. Default: caisson:mcp and caisson:scripts.
	Scopes map[string]Words `yaml:"scopes"`
}

// TLS is files of certificates, in PEM. They are read again when they change.
type TLS struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// ClientCAs are the authorities of client certificates. Default: none, and clients need none.
	ClientCAs string `yaml:"clientCAs"`
}

// Callers bound what those who call may have underway. What is 0 is the default.
type Callers struct {
	// MaxBytesPerPrincipal bounds the messages of one principal that are in flight, in bytes: from where one is read until
	// its call has ended. A call counts 16 KiB beside. Default: 256 MiB.
	MaxBytesPerPrincipal int64 `yaml:"maxBytesPerPrincipal"`
	// MaxBytes bounds those of all principals. Default: 1 GiB.
	MaxBytes int64 `yaml:"maxBytes"`
	// MaxConnections bounds the connections on TCP, and as much those on Unix sockets. Default: 10,000.
	MaxConnections int `yaml:"maxConnections"`
}

// leastCallerBytes is what the bounds of messages are at least.
const leastCallerBytes = 1 << 20

// Sessions bound the sessions with servers. What is 0 is the default.
type Sessions struct {
	// Max bounds the sessions of all principals. Default: 1000.
	Max int `yaml:"max"`
	// MaxPerPrincipal bounds those of one principal. Default: 100.
	MaxPerPrincipal int `yaml:"maxPerPrincipal"`
	// Idle is how long a session lives that nobody uses. Default: 10 minutes.
	Idle Duration `yaml:"idle"`
	// Age is how long a shared session lives; calls that are underway end before. Default: 24 hours.
	Age Duration `yaml:"age"`
	// ConnectTimeout bounds connecting with a server. Default: 60 s.
	ConnectTimeout Duration `yaml:"connectTimeout"`
	// PrivateAddresses lets the names of servers lead to private addresses. Default: false.
	PrivateAddresses bool `yaml:"privateAddresses"`
}

// Scripts say what scripts there are.
type Scripts struct {
	// Modules is the folder of the modules of RunFunction. Default: none.
	Modules string `yaml:"modules"`
	// Tools are folders of scripts that are tools, by names. Default: none.
	Tools map[string]string `yaml:"tools"`
	// Plugins are files of WebAssembly components, or folders with one, by names: their tools are for scripts and
	// RunTool. Default: none.
	Plugins map[string]string `yaml:"plugins"`
	// Limits bound each script; a request may lower them.
	Limits Limits `yaml:"limits"`
	// MaxPerPrincipal bounds the scripts of one principal that this daemon runs while a call waits for them. Default: 32.
	MaxPerPrincipal int `yaml:"maxPerPrincipal"`
	// MaxRuns bounds the submitted runs that one principal has underway. Default: 100.
	MaxRuns int `yaml:"maxRuns"`
	// MaxRunsAtOnce bounds the submitted runs that this daemon has underway at once, where there is a store; others wait.
	// Default: 64.
	MaxRunsAtOnce int `yaml:"maxRunsAtOnce"`
	// KeepRuns is how long the outcome of a submitted run is kept. Default: 1 hour.
	KeepRuns Duration `yaml:"keepRuns"`
}

// Limits are those of caisson.ScriptLimits. What is 0 is the default there.
type Limits struct {
	Computing     Duration `yaml:"computing"`
	Time          Duration `yaml:"time"`
	MemoryBytes   int64    `yaml:"memoryBytes"`
	Fuel          uint64   `yaml:"fuel"`
	OutputBytes   int      `yaml:"outputBytes"`
	ToolCalls     int      `yaml:"toolCalls"`
	ParallelCalls int      `yaml:"parallelCalls"`
}

// Words are one word or a list of them.
type Words []string

// UnmarshalYAML reads a word or a list.
func (w *Words) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*w = Words{node.Value}
		return nil
	}
	return node.Decode((*[]string)(w))
}

// A Duration is written as Go writes one, such as 30s.
type Duration time.Duration

// UnmarshalYAML reads a duration.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	parsed, err := time.ParseDuration(node.Value)
	if err != nil || parsed < 0 {
		return fmt.Errorf("line %d: %q is no duration, such as 30s or 10m", node.Line, node.Value)
	}
	*d = Duration(parsed)
	return nil
}

// An Error says what is wrong with the configuration.
type Error struct {
	// File is its path, Key what is wrong in it ("" for the whole file).
	File, Key string
	// Message says what is wrong, and what to do.
	Message string
	// Err is the cause, or nil.
	Err error
}

// Error returns the file, the key and the message.
func (e *Error) Error() string {
	if e.Key == "" {
		return e.File + ": " + e.Message
	}
	return e.File + ": " + e.Key + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Load reads a configuration. The error is an [*Error].
func Load(path string) (*File, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, &Error{File: path, Message: err.Error(), Err: err}
	}
	file, err := os.Open(whole)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{File: path, Message: `there is no such file: write it, such as "mcpServers: {files: {command: files-mcp}}", or name another one with --config`, Err: err}
	}
	if err != nil {
		return nil, &Error{File: path, Message: err.Error(), Err: err}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		err = fmt.Errorf("it has more than %d bytes", maxBytes)
	}
	if err != nil {
		return nil, &Error{File: path, Message: err.Error(), Err: err}
	}
	return Parse(whole, text)
}

// Parse reads the text of a configuration; see [Load].
func Parse(path string, text []byte) (*File, error) {
	f := &File{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(f); err != nil && !errors.Is(err, io.EOF) {
		return nil, &Error{File: path, Message: strings.TrimPrefix(err.Error(), "yaml: "), Err: err}
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, &Error{File: path, Message: "there is something behind the first document, which nobody would read: remove the --- before it", Err: err}
	}
	f.Path = path
	f.defaults()
	if err := f.Check(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) defaults() {
	beside := func(paths ...*string) {
		for _, path := range paths {
			if *path != "" && !filepath.IsAbs(*path) {
				*path = filepath.Join(filepath.Dir(f.Path), *path)
			}
		}
	}
	if len(f.Listen) == 0 {
		f.Listen = Words{DefaultListen}
	}
	for i, address := range f.Listen {
		if socket, unix := strings.CutPrefix(address, "unix:"); unix {
			beside(&socket)
			f.Listen[i] = "unix:" + socket
		}
	}
	if f.Lock == "" && f.Policy != "" {
		f.Lock = filepath.Join(filepath.Dir(f.Policy), "caisson.lock")
	}
	beside(&f.Servers, &f.Policy, &f.Lock, &f.Credentials, &f.Access.Tokens, &f.Scripts.Modules)
	for name, path := range f.Scripts.Tools {
		beside(&path)
		f.Scripts.Tools[name] = path
	}
	for name, path := range f.Scripts.Plugins {
		beside(&path)
		f.Scripts.Plugins[name] = path
	}
	if f.Store != NoStore {
		beside(&f.Store)
	}
	if n := f.NATS; n != nil {
		beside(&n.Credentials, &n.CA, &n.Certificate, &n.Key, &n.CredentialsKey)
		set(&n.Replicas, 1)
	}
	if t := f.Access.TLS; t != nil {
		beside(&t.Certificate, &t.Key, &t.ClientCAs)
	}
	if f.Access.UnixMode == "" {
		f.Access.UnixMode = "0600"
	}
	set(&f.Callers.MaxBytesPerPrincipal, 256<<20)
	set(&f.Callers.MaxBytes, 1<<30)
	set(&f.Callers.MaxConnections, 10000)
	set(&f.Sessions.Max, 1000)
	set(&f.Sessions.MaxPerPrincipal, 100)
	set(&f.Sessions.Idle, Duration(10*time.Minute))
	set(&f.Sessions.Age, Duration(24*time.Hour))
	set(&f.Sessions.ConnectTimeout, Duration(time.Minute))
	set(&f.Isolation, caisson.IsolationSandbox)
	set(&f.Scripts.MaxPerPrincipal, 32)
	set(&f.Scripts.MaxRuns, 100)
	set(&f.Scripts.MaxRunsAtOnce, 64)
	set(&f.Scripts.KeepRuns, Duration(time.Hour))
	set(&f.DrainTimeout, Duration(30*time.Second))
}

func set[T comparable](value *T, byDefault T) {
	if zero := *new(T); *value == zero {
		*value = byDefault
	}
}

// Check finds what is wrong without opening anything. Parse has done it; it is for who changes something afterwards. The
// error is an [*Error].
func (f *File) Check() error {
	wrong := func(key, format string, args ...any) error {
		return &Error{File: f.Path, Key: key, Message: fmt.Sprintf(format, args...)}
	}
	for _, address := range f.Listen {
		if path, unix := strings.CutPrefix(address, "unix:"); unix && path == "" {
			return wrong("listen", "unix: has no path behind it")
		} else if _, _, err := net.SplitHostPort(address); !unix && err != nil {
			return wrong("listen", "%q is neither host:port nor unix:PATH", address)
		}
	}
	if f.Metrics != "" {
		if _, _, err := net.SplitHostPort(f.Metrics); err != nil {
			return wrong("metrics", "%q is not host:port", f.Metrics)
		}
	}
	if mode, err := strconv.ParseUint(f.Access.UnixMode, 8, 32); err != nil || mode > 0o777 {
		return wrong("access.unixMode", "%q is no mode, such as 0660", f.Access.UnixMode)
	}
	if f.Servers != "" && f.MCPServers.Kind != 0 {
		return wrong("mcpServers", "there is a file in servers too: keep one of them")
	}
	if n := f.NATS; n != nil {
		if f.Store != "" {
			return wrong("nats", "there is a folder in store too: keep one of them")
		}
		if err := n.check(wrong); err != nil {
			return err
		}
	}
	if t := f.Access.TLS; t != nil && (t.Certificate == "" || t.Key == "") {
		return wrong("access.tls", "certificate and key need each other")
	}
	if len(f.Access.Issuers) > 0 && f.Access.URL == "" {
		return wrong("access.url", "it is missing: clients get their tokens of an issuer for it")
	}
	if len(f.Access.Audiences) > 0 && len(f.Access.Issuers) == 0 {
		return wrong("access.audiences", "there are no issuers for it")
	}
	for _, origin := range f.Access.Origins {
		if err := checkOrigin(origin); err != nil {
			return wrong("access.origins", "%v", err)
		}
	}
	for name, scopes := range f.Access.Scopes {
		for _, scope := range scopes {
			if !slices.Contains(access.Scopes, access.Scope(scope)) {
				return wrong("access.scopes."+name, "%q is not one of %s", scope, access.ListScopes())
			}
		}
	}
	if f.Isolation != caisson.IsolationSandbox && f.Isolation != caisson.IsolationProcess {
		return wrong("isolation", "%q is none: it may be %s or %s", f.Isolation, caisson.IsolationSandbox, caisson.IsolationProcess)
	}
	if f.MaxWorkers < 0 {
		return wrong("maxWorkers", "it is negative")
	}
	if c := f.Callers; c.MaxBytesPerPrincipal < leastCallerBytes || c.MaxBytes < leastCallerBytes {
		return wrong("callers", "maxBytesPerPrincipal and maxBytes are %d at least", leastCallerBytes)
	} else if c.MaxConnections < 1 {
		return wrong("callers.maxConnections", "it is negative")
	}
	for _, bound := range []struct {
		key string
		is  int
	}{
		{"sessions.max", f.Sessions.Max},
		{"sessions.maxPerPrincipal", f.Sessions.MaxPerPrincipal},
		{"scripts.maxPerPrincipal", f.Scripts.MaxPerPrincipal},
		{"scripts.maxRuns", f.Scripts.MaxRuns},
		{"scripts.maxRunsAtOnce", f.Scripts.MaxRunsAtOnce},
	} {
		if bound.is < 0 {
			return wrong(bound.key, "it is negative")
		}
	}
	return nil
}

// ReadServers reads the servers, of the file or of the configuration itself, and checks what the configuration makes of
// them. Without either there are none.
func (f *File) ReadServers() (caisson.Servers, error) {
	all, err := f.readServers()
	if err != nil {
		return nil, err
	}
	if err := f.checkPlugins(all.Names()); err != nil {
		return all, err
	}
	return all, f.checkPools(all.Names())
}

func (f *File) readServers() (caisson.Servers, error) {
	switch {
	case f.Servers != "":
		return servers.Load(f.Servers)
	case f.MCPServers.Kind == 0:
		return caisson.ServerMap{}, nil
	}
	text, err := yaml.Marshal(map[string]*yaml.Node{"mcpServers": &f.MCPServers})
	if err == nil {
		text, err = policyfile.ToJSON(f.Path, text)
	}
	if err != nil {
		return nil, &Error{File: f.Path, Key: "mcpServers", Message: err.Error(), Err: err}
	}
	return servers.Parse(f.Path, text)
}
