package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
)

// RuntimeOptions say how a [Runtime] works. The zero value, or nil, is what most programs want.
type RuntimeOptions struct {
	// Logger gets diagnostics: why the cache cannot be used, and the stacks of traps. Default: nothing is logged.
	Logger *slog.Logger
	// CacheDir is the folder that keeps compiled plugins; several processes may share it, and so may the core of a
	// [caisson.Runtime]. Default: "caisson" in the user's cache folder.
	CacheDir string
	// NoCache compiles each plugin anew. CacheDir is ignored.
	NoCache bool
	// Interpreter interprets plugins in place of compiling them: quick to load, and tens of times slower after. It is
	// what runs on platforms that the compiler does not know.
	Interpreter bool
}

// A Runtime compiles plugins. Make one for the process. It is safe for concurrent use.
type Runtime struct {
	components *component.Runtime
	logger     *slog.Logger

	mu      sync.Mutex
	closed  bool
	plugins map[*Plugin]struct{}
}

// New makes a runtime. A nil options means the defaults. A cache that cannot be used is logged, and left out. New
// fails with [caisson.CodeInvalidArgument] when there is no folder for the cache.
func New(ctx context.Context, options *RuntimeOptions) (*Runtime, error) {
	var o RuntimeOptions
	if options != nil {
		o = *options
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := caisson.CacheDir(&caisson.RuntimeOptions{CacheDir: o.CacheDir, NoCache: o.NoCache})
	if err != nil {
		return nil, err
	}
	cfg := &component.Config{CacheDir: dir, Interpreter: o.Interpreter}
	r, err := component.NewRuntime(ctx, cfg)
	if err != nil && dir != "" {
		o.Logger.Warn("compiled plugins are not kept", "error", err)
		cfg.CacheDir = ""
		r, err = component.NewRuntime(ctx, cfg)
	}
	if err != nil {
		return nil, &caisson.Error{Code: caisson.CodeInternal, Step: "plugin runtime", Message: err.Error(), Err: err}
	}
	return &Runtime{components: r, logger: o.Logger, plugins: map[*Plugin]struct{}{}}, nil
}

// Close closes every plugin, and frees the compiled code. It waits for the calls that run. It may be called more
// than once.
func (r *Runtime) Close() error {
	if r.components == nil {
		return nil
	}
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	var all []*Plugin
	for p := range r.plugins {
		all = append(all, p)
	}
	r.mu.Unlock()
	var errs []error
	for _, p := range all {
		errs = append(errs, p.Close())
	}
	if first {
		errs = append(errs, r.components.Close(context.Background()))
	}
	return errors.Join(errs...)
}

// add adds a plugin; it returns false when the runtime is closed.
func (r *Runtime) add(p *Plugin) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.plugins[p] = struct{}{}
	}
	return !r.closed
}

func (r *Runtime) remove(p *Plugin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.plugins, p)
}

// fault is an error of a plugin.
func fault(code caisson.Code, plugin, step string, err error) *caisson.Error {
	return &caisson.Error{Code: code, Server: plugin, Step: step, Message: err.Error(), Err: err}
}

func faultf(code caisson.Code, plugin, step, format string, args ...any) *caisson.Error {
	return fault(code, plugin, step, fmt.Errorf(format, args...))
}
