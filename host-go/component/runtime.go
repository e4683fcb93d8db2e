package component

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
	"github.com/caisson-dev/caisson/host-go/component/internal/split"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// features are the core features that guests may use: those of WebAssembly 2.0, and those of 3.0 that
// toolchains emit. They leave out exceptions, which the core runtime supports: package wasm says why.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesTailCall

// Runtime compiles components. It is safe for concurrent use.
type Runtime struct {
	cfg   Config
	core  wazero.Runtime
	cache *codecache.Cache // nil for none
	// compiling counts the compilations that run. spare is a file descriptor for them.
	compiling compiling
	spare     spare
}

// NewRuntime returns a Runtime. A nil config is the default. NewRuntime uses the context only while it runs.
// The error is that of the cache folder; see Config.CacheDir.
func NewRuntime(ctx context.Context, cfg *Config) (*Runtime, error) {
	r := &Runtime{cfg: cfg.withDefaults()}
	var rc wazero.RuntimeConfig
	if r.cfg.Interpreter {
		rc = wazero.NewRuntimeConfigInterpreter()
	} else {
		rc = wazero.NewRuntimeConfig()
	}
	rc = rc.WithCoreFeatures(features).WithDebugInfoEnabled(false)
	if r.cfg.CacheDir != "" {
		var err error
		if r.cache, err = codecache.Open(r.cfg.CacheDir, r.cfg.CacheBytes); err != nil {
			return nil, fmt.Errorf("component: compile cache %s: %w", r.cfg.CacheDir, err)
		}
		rc = rc.WithCompilationCache(r.cache.Core())
		r.spare.open()
	}
	r.core = wazero.NewRuntimeWithConfig(ctx, rc)
	return r, nil
}

// compiles reports whether core code is compiled; otherwise it is interpreted.
func (r *Runtime) compiles() bool { return !r.cfg.Interpreter && CompilerSupported() }

// Compile decodes, links and compiles a component. It may be called from several goroutines at once. It does
// not keep wasm. The error is a *DecodeError when the component is at fault.
//
// Compiling a large component takes seconds. When the context ends, Compile returns the context's error. The
// function that is being compiled then is finished in the background; [ComplexityError] bounds its cost.
func (r *Runtime) Compile(ctx context.Context, wasm []byte) (*Compiled, error) {
	program, err := link.Load(ctx, wasm)
	if err != nil {
		return nil, decodeError(err)
	}
	c := &Compiled{r: r, program: program}
	if err := c.compile(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// CompilePrepared compiles the code that a prepared component needs at its start. The rest is compiled when
// it is called, or by [Compiled.CompileChunks]. The error is a *DecodeError when the component is at fault,
// or the error of reading its parts.
func (r *Runtime) CompilePrepared(ctx context.Context, p *Prepared) (*Compiled, error) {
	c := &Compiled{r: r, prepared: p}
	if err := c.compilePrepared(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// Cached reports whether the cache has compiled code for what the component needs at its start. A damaged
// entry counts too, but is compiled anew when it is used.
func (r *Runtime) Cached(p *Prepared) bool {
	if r.cache == nil || r.cfg.Interpreter {
		return false
	}
	b, err := p.beginning()
	return err == nil && !slices.ContainsFunc(b.Modules, func(hash string) bool { return !r.cache.Has(hash) })
}

// CacheErr returns the reason that the cache cannot keep compiled code. Entries that are there already are
// used all the same. It returns nil when the cache can keep code, and when there is no cache.
func (r *Runtime) CacheErr() error {
	return r.cache.Err()
}

// CheckCache checks a folder for a cache, and makes the folder when it is missing. It returns the error of
// NewRuntime or CacheErr for the folder.
func CheckCache(ctx context.Context, dir string) error {
	c, err := codecache.Open(dir, defaultCacheBytes)
	if err != nil {
		return err
	}
	return errors.Join(c.Err(), c.Core().Close(ctx), c.Close())
}

// Close frees everything that was made with the Runtime, instances included. A compilation that goes on after
// its context ended is freed when it is done.
func (r *Runtime) Close(ctx context.Context) error {
	busy, err := r.compiling.shut(func() error {
		err := r.core.Close(ctx)
		if r.cache != nil {
			err = errors.Join(err, r.cache.Core().Close(ctx), r.cache.Close())
		}
		r.spare.close()
		return err
	})
	if busy && r.cache != nil {
		err = errors.Join(err, r.cache.Close()) // The process may end before the last compilation does.
	}
	return err
}

// decodeError turns a fault of a component into a *DecodeError, and returns other errors as they are.
func decodeError(err error) error {
	var be *binary.Error
	if errors.As(err, &be) {
		return &DecodeError{Offset: be.Offset, Msg: be.Msg, Unsupported: be.Unsupported}
	}
	var damaged *split.Error
	if errors.As(err, &damaged) {
		return &DecodeError{Msg: damaged.Error()}
	}
	var module *split.ModuleError
	if errors.As(err, &module) {
		return moduleError(module.Offset, module.Err)
	}
	var le *link.Error
	if errors.As(err, &le) {
		return &DecodeError{Offset: le.Offset, Msg: le.Msg, Unsupported: le.Unsupported}
	}
	if errors.As(err, &types.Exhausted{}) {
		return &DecodeError{Msg: err.Error()}
	}
	return err
}
