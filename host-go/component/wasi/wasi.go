// Package wasi gives components the interfaces of WASI 0.2, versions 0.2.0 to
// 0.2.12: those of the world wasi:cli/command, and the outgoing half of
// wasi:http. By default nothing is granted but the time and random numbers:
// what a component prints is discarded, it has no arguments, no environment, no
// folder, no network. It links and runs all the same: what is not granted
// answers with the interface's own error or with nothing.
//
//	wasi.AddToLinker(linker, &wasi.Config{
//		Args:           []string{"program", "--flag"},
//		Stdout:         os.Stdout,
//		Mounts:         []wasi.Mount{{Path: "/", Root: root}},
//		AllowedOrigins: []string{"https://api.example.com"},
//	})
//
// Waiting for the clock, a stream or a response ends when the context of the
// call ends. docs/wasi.md in the repository has the table of interfaces.
package wasi

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// Config says what a component is granted. The zero value and nil grant the
// clocks and random numbers alone. It is copied when it is given.
type Config struct {
	// Args are the program's arguments, the name of the program first
	// (wasi:cli/environment).
	Args []string
	// Env is the environment, as pairs of name and value.
	Env [][2]string
	// Cwd is the working directory that the component is told, a path in one of
	// its mounts; "" is none, which programs take for "/".
	Cwd string

	// Stdin is the standard input; nil is one that has ended. It is read up to
	// 64 KiB ahead of the component, in a goroutine that lasts as long as the
	// Read does.
	Stdin io.Reader
	// Stdout and Stderr get what is printed; nil discards it. They are written
	// to by every instance of the linker, perhaps at once. A Write that is
	// running when the context of the call ends goes on by itself.
	Stdout, Stderr io.Writer
	// Terminal says which of the three a person reads or writes.
	Terminal Terminal

	// Mounts are the folders it is granted, in the order that
	// wasi:filesystem/preopens gives them.
	Mounts []Mount

	// AllowedOrigins are the origins that requests may go to
	// (wasi:http/outgoing-handler): scheme, host and, where it is not the
	// scheme's, port, such as "https://api.example.com" or
	// "http://127.0.0.1:8080". Names are compared as they are spelled, and not
	// resolved. What ParseOrigin refuses allows nothing. Redirects are not
	// followed: the component sees the response, and what it requests then is
	// looked at like any other request.
	AllowedOrigins []string
	// Transport sends the requests that are allowed; nil is one of the
	// package's own, which does not use a proxy.
	Transport http.RoundTripper

	// The clocks and the source of random bytes are used by every instance of
	// the linker, perhaps at once.

	// Now is the wall clock; nil is time.Now.
	Now func() time.Time
	// Monotonic is the monotonic clock; nil counts from when the configuration
	// was given.
	Monotonic func() time.Duration
	// Random is the source of random bytes; nil is crypto/rand.
	Random io.Reader
}

// Terminal says which standard streams are terminals (wasi:cli/terminal-stdin
// and its siblings).
type Terminal struct{ Stdin, Stdout, Stderr bool }

// ExitError is how a component that calls wasi:cli/exit ends: the *TrapError of
// the call wraps it. The instance is dead.
type ExitError struct {
	// Code is the exit code, 0 to 255; 0 is success.
	Code int
}

// Error tells the code.
func (e *ExitError) Error() string { return fmt.Sprintf("exit with code %d", e.Code) }

// version is any of the versions that the linker's semver match covers.
const version = "@0.2.12"

// AddToLinker defines the interfaces of WASI 0.2 in the linker. A nil config
// grants the least.
//
// The instances of a linker share its bounds, such as 1,024 open files and 64
// requests on their way: components that should not be able to use up what
// another has are better given a linker each.
func AddToLinker(l *component.Linker, cfg *Config) { newHost(l, cfg) }

func newHost(l *component.Linker, cfg *Config) *host {
	h := &host{table: newTable(), seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	if cfg != nil {
		h.cfg = *cfg
	}
	h.cfg.Mounts = slices.Clone(h.cfg.Mounts)
	if h.cfg.Now == nil {
		h.cfg.Now = time.Now
	}
	if h.cfg.Monotonic == nil {
		start := time.Now()
		h.cfg.Monotonic = func() time.Duration { return time.Since(start) }
	}
	if h.cfg.Random == nil {
		h.cfg.Random = rand.Reader
	}
	h.addIO(l)
	h.addCLI(l)
	h.addClocks(l)
	h.addRandom(l)
	h.addFilesystem(l)
	h.addSockets(l)
	h.addHTTP(l)
	return h
}

// host is the state behind one call of AddToLinker. Instances share it; the
// representations that one instance holds mean nothing to another.
type host struct {
	cfg   Config
	seeds [2]maphash.Seed
	open  limiter
	table *table

	errors      *resource[error]
	pollables   *resource[pollable]
	inputs      *resource[*inputStream]
	outputs     *resource[*outputStream]
	descriptors *resource[*descriptor]
	directories *resource[*directoryStream]
	http        httpHost
}

// unreachable makes a function of a resource that a component cannot come by.
func unreachable(iface string) component.HostFunc {
	return func(context.Context, []any) ([]any, error) {
		return nil, fmt.Errorf("%s: no such resource is granted", iface)
	}
}

// answer makes a function that always returns v.
func answer(v any) component.HostFunc {
	return func(context.Context, []any) ([]any, error) { return []any{v}, nil }
}
