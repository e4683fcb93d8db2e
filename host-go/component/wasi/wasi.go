// Package wasi gives components the interfaces of WASI 0.2, versions 0.2.0 to
// 0.2.12. By default nothing is granted but the time and random numbers: what
// a component prints is discarded, it has no arguments, no environment, no
// folder, no network. It links and runs all the same: what is not granted
// answers with the interface's own error or with nothing.
package wasi

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// Config says what a component is granted. The zero value and nil grant the
// clocks and random numbers alone. It is copied when it is given.
type Config struct {
	// Args are the program's arguments, the name of the program first.
	Args []string
	// Env is the environment, as pairs of name and value.
	Env [][2]string
	// Stdin is the standard input; nil is one that has ended.
	Stdin io.Reader
	// Stdout and Stderr get what is printed; nil discards it. They are written
	// to by every instance of the linker, perhaps at once.
	Stdout, Stderr io.Writer
	// Now is the wall clock; nil is time.Now.
	Now func() time.Time
	// Monotonic is the monotonic clock; nil counts from when the configuration
	// was given.
	Monotonic func() time.Duration
	// Random is the source of random bytes; nil is crypto/rand.
	Random io.Reader
}

// ExitError is how a component that calls wasi:cli/exit ends: the *TrapError of
// the call wraps it. The instance is dead.
type ExitError struct {
	// Code is the exit code; 0 is success.
	Code int
}

// Error tells the code.
func (e *ExitError) Error() string { return fmt.Sprintf("exit with code %d", e.Code) }

// version is any of the versions that the linker's semver match covers.
const version = "@0.2.12"

// AddToLinker defines the interfaces of WASI 0.2 in the linker. A nil config
// grants the least.
func AddToLinker(l *component.Linker, cfg *Config) {
	h := &host{streams: newTable[any](), errors: newTable[error](), pollables: newTable[pollable]()}
	if cfg != nil {
		h.cfg = *cfg
	}
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
}

// host is the state behind one call of AddToLinker. Instances share it; the
// representations that one instance holds mean nothing to another.
type host struct {
	cfg       Config
	streams   *table[any]
	errors    *table[error]
	pollables *table[pollable]
}

// denied makes the functions of an interface that nothing is granted of. They
// can be linked; a component cannot come by a handle to call most of them with.
func denied(iface string) func(name string) component.HostFunc {
	return func(name string) component.HostFunc {
		return func(context.Context, []any) ([]any, error) {
			return nil, fmt.Errorf("%s#%s is not granted", iface, name)
		}
	}
}

// answer makes a function that always returns v.
func answer(v any) component.HostFunc {
	return func(context.Context, []any) ([]any, error) { return []any{v}, nil }
}
