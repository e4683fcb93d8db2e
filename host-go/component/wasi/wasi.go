// Package wasi gives components the interfaces of WASI 0.2, versions 0.2.0 to 0.2.12: those of the world
// wasi:cli/command, and the outgoing half of wasi:http. By default it grants only the time and random
// numbers: what a component prints is discarded, and it has no arguments, no environment, no folder and no
// network. Such a component links and runs all the same. A function that is not granted returns the
// interface's own error, or an empty result.
//
//	wasi.AddToLinker(linker, &wasi.Config{
//		Args:           []string{"program", "--flag"},
//		Stdout:         os.Stdout,
//		Mounts:         []wasi.Mount{{Path: "/", Root: root}},
//		AllowedOrigins: []string{"https://api.example.com"},
//	})
//
// The end of a call's context also ends the component's waiting for the clock, a stream or a response.
// docs/wasi.md in the repository has the table of interfaces.
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

// Config says what a component is granted. The zero value and nil grant only the clocks and random numbers.
// AddToLinker copies the Config.
type Config struct {
	// Args are the program's arguments (wasi:cli/environment). The first is the name of the program.
	Args []string
	// Env is the environment, as pairs of name and value.
	Env [][2]string
	// Cwd is the working directory that the component sees, a path in one of its mounts. "" means none, which
	// programs take for "/".
	Cwd string

	// Stdin is the standard input. nil is an input that has ended. A goroutine reads it up to 64 KiB ahead of
	// the component; the goroutine lasts as long as its Read.
	Stdin io.Reader
	// Stdout and Stderr get what the component prints. nil discards it. Every instance of the linker writes
	// to them, perhaps at once. A Write that runs when the context of the call ends goes on.
	Stdout, Stderr io.Writer
	// Terminal says which of the three standard streams are terminals.
	Terminal Terminal

	// Mounts are the folders that the component is granted, in the order in which wasi:filesystem/preopens
	// returns them.
	Mounts []Mount

	// AllowedOrigins are the origins that requests may go to (wasi:http/outgoing-handler): the scheme, the
	// host and, unless it is the scheme's default, the port, such as "https://api.example.com" or
	// "http://127.0.0.1:8080". Names are compared as they are spelled, and are not resolved. An entry that
	// ParseOrigin refuses allows nothing. Redirects are not followed: the component sees the response, and a
	// request that it then makes is checked like any other.
	AllowedOrigins []string
	// Transport sends the allowed requests. nil is the package's own transport, which does not use a proxy.
	Transport http.RoundTripper

	// Every instance of the linker uses the clocks and the source of random bytes, perhaps at once.

	// Now is the wall clock; nil is time.Now.
	Now func() time.Time
	// Monotonic is the monotonic clock. nil counts from the call of AddToLinker.
	Monotonic func() time.Duration
	// Random is the source of random bytes; nil is crypto/rand.
	Random io.Reader
}

// Terminal says which standard streams are terminals (wasi:cli/terminal-stdin
// and its siblings).
type Terminal struct{ Stdin, Stdout, Stderr bool }

// ExitError is the error of a component that calls wasi:cli/exit. The *TrapError of the call wraps it. The
// instance is dead.
type ExitError struct {
	// Code is the exit code, 0 to 255; 0 is success.
	Code int
}

// Error returns the code.
func (e *ExitError) Error() string { return fmt.Sprintf("exit with code %d", e.Code) }

// version stands for all versions: the linker matches them by semver.
const version = "@0.2.12"

// AddToLinker defines the interfaces of WASI 0.2 in the linker. A nil config grants the least.
//
// All instances of a linker share its bounds, such as 1,024 open files and 64 open requests. Give a component
// its own linker when it must not use up what another component needs.
func AddToLinker(l *component.Linker, cfg *Config) *Host { return &Host{newHost(l, cfg)} }

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

// host is the state of one call of AddToLinker. Instances share it. A representation of one instance means
// nothing to another.
type host struct {
	cfg   Config
	seeds [2]maphash.Seed
	open  limiter
	table *table

	stdin    *reader
	standard map[string]standard // stdout and stderr

	errors      *resource[error]
	pollables   *resource[pollable]
	inputs      *resource[*inputStream]
	outputs     *resource[*outputStream]
	descriptors *resource[*descriptor]
	directories *resource[*directoryStream]
	http        httpHost
}

// unreachable returns a function of a resource that a component cannot get.
func unreachable(iface string) component.HostFunc {
	return func(context.Context, []any) ([]any, error) {
		return nil, fmt.Errorf("%s: no such resource is granted", iface)
	}
}

// answer returns a function that always returns v.
func answer(v any) component.HostFunc {
	return func(context.Context, []any) ([]any, error) { return []any{v}, nil }
}
