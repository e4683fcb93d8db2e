// Package engine runs the MCP client core: it compiles the component once, instantiates it for
// each session, brings calls and events into it, and carries out the effects that it asks for.
//
// The path of a call: [Session.Call] puts it into its instance's mailbox (mailbox.go); the
// instance's goroutine takes it and enters the core (instance.go); the core asks for effects while
// it runs (imports.go), whose outcomes come back as events through the mailbox; in the end the
// core settles the call, which wakes the caller.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/core"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// A Config says how an [Engine] works. Every field must be set, unless its comment says otherwise.
type Config struct {
	CacheDir     string // of compiled code; "" keeps none
	Interpreter  bool
	MemoryBytes  int64 // bound of one instance
	MaxGuestTime time.Duration
	Logger       *slog.Logger
	Egress       egress.Options
}

// An Engine holds the compiled core. It is safe for concurrent use.
type Engine struct {
	config   Config
	runtime  *component.Runtime
	compiled *component.Compiled
	idle     interface{ CloseIdleConnections() } // the engine's own HTTP transport; nil when it is the user's
}

const pageSize = 64 << 10

// New compiles the embedded core.
func New(ctx context.Context, config Config) (*Engine, error) {
	wasm, err := core.Wasm()
	if err != nil {
		return nil, err
	}
	runtime, err := component.NewRuntime(ctx, &component.Config{
		CacheDir:         config.CacheDir,
		Interpreter:      config.Interpreter,
		MemoryLimitPages: uint32(min((config.MemoryBytes+pageSize-1)/pageSize, 1<<16)),
		Unmetered:        isUnmetered(ctx),
	})
	if err != nil {
		return nil, err
	}
	compiled, err := runtime.Compile(ctx, wasm)
	if err != nil {
		_ = runtime.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("the embedded core does not compile: %w", err)
	}
	e := &Engine{config: config, runtime: runtime, compiled: compiled}
	if e.config.Egress.Transport == nil {
		transport := egress.NewTransport()
		e.config.Egress.Transport, e.idle = transport, transport
	}
	return e, nil
}

// Close frees the compiled core. Every session must be closed.
func (e *Engine) Close() {
	_ = e.runtime.Close(context.Background())
	if e.idle != nil {
		e.idle.CloseIdleConnections()
	}
}
