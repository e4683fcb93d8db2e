package component

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// features are the core features that guests may use: WebAssembly 2.0, and what
// toolchains emit of 3.0. Exceptions are not among them, though the core runtime
// has them: package wasm says why.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesTailCall

// Runtime compiles components. It is safe for concurrent use.
type Runtime struct {
	cfg   Config
	core  wazero.Runtime
	cache *cache // nil for none
}

// NewRuntime returns a Runtime. A nil config is the default. The context is
// for set-up alone. The error is that of the cache folder.
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
		if r.cache, err = openCache(r.cfg.CacheDir, r.cfg.CacheBytes); err != nil {
			return nil, fmt.Errorf("component: compile cache %s: %w", r.cfg.CacheDir, err)
		}
		rc = rc.WithCompilationCache(r.cache.core)
	}
	r.core = wazero.NewRuntimeWithConfig(ctx, rc)
	return r, nil
}

// Compile decodes, links and compiles a component. It may be called from
// several goroutines at once. wasm is not kept. The error is a *DecodeError
// when the component is at fault.
//
// Compiling a large component takes seconds, and does not stop before its end
// when the context ends.
func (r *Runtime) Compile(ctx context.Context, wasm []byte) (*Compiled, error) {
	program, err := decode(wasm)
	if err != nil {
		return nil, err
	}
	c := &Compiled{r: r, program: program}
	if err := c.compile(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// CompilePrepared compiles what a prepared component needs at its start. The
// rest is compiled as it is called, or by [Compiled.CompileChunks]. The error is
// a *DecodeError when the component is at fault, or what reading its parts
// failed with.
func (r *Runtime) CompilePrepared(ctx context.Context, p *Prepared) (*Compiled, error) {
	parts := p.parts()
	if parts.err != nil {
		return nil, parts.err
	}
	c := &Compiled{r: r, program: parts.program, prepared: p}
	if err := c.compilePrepared(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// Cached says whether the cache has compiled code for what the component needs
// at its start. When that turns out to be damaged it is compiled all the same.
func (r *Runtime) Cached(p *Prepared) bool {
	if r.cache == nil || r.cfg.Interpreter {
		return false
	}
	parts := p.parts()
	for i := range parts.index.Modules {
		if !r.cache.has(parts.index.Modules[i].Hash) {
			return false
		}
	}
	return parts.err == nil
}

// compile compiles a core module. Its hash is that of codeHash, "" to have it
// made.
func (r *Runtime) compile(ctx context.Context, b []byte, hash string) (wazero.CompiledModule, error) {
	if hash == "" && r.cache != nil {
		hash = codeHash(b)
	}
	ctx = experimental.WithCompilationWorkers(ctx, r.cfg.CompilationWorkers)
	return r.cache.compile(hash, func() (wazero.CompiledModule, error) { return r.core.CompileModule(ctx, b) })
}

// Close frees everything made with the Runtime: instances end with it.
func (r *Runtime) Close(ctx context.Context) error {
	err := r.core.Close(ctx)
	if r.cache != nil {
		err = errors.Join(err, r.cache.core.Close(ctx), r.cache.close())
	}
	return err
}

func decodeError(err error) error {
	var be *binary.Error
	if errors.As(err, &be) {
		return &DecodeError{Offset: be.Offset, Msg: be.Msg, Unsupported: be.Unsupported}
	}
	var le *link.Error
	if errors.As(err, &le) {
		return &DecodeError{Offset: le.Offset, Msg: le.Msg, Unsupported: le.Unsupported}
	}
	return err
}
