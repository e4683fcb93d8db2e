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
// toolchains emit of 3.0.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExceptionHandling

// Runtime compiles components. It is safe for concurrent use.
type Runtime struct {
	cfg   Config
	core  wazero.Runtime
	cache wazero.CompilationCache
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
	rc = rc.WithCoreFeatures(features).WithMemoryLimitPages(r.cfg.MemoryLimitPages).WithDebugInfoEnabled(false)
	if r.cfg.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(r.cfg.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("component: compile cache %s: %w", r.cfg.CacheDir, err)
		}
		r.cache = cache
		rc = rc.WithCompilationCache(cache)
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
	tree, err := binary.Decode(wasm)
	if err != nil {
		return nil, decodeError(err)
	}
	program, err := link.Link(tree)
	if err != nil {
		return nil, decodeError(err)
	}
	c := &Compiled{r: r, program: program}
	if err := c.compile(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// Close frees everything made with the Runtime: instances end with it.
func (r *Runtime) Close(ctx context.Context) error {
	err := r.core.Close(ctx)
	if r.cache != nil {
		err = errors.Join(err, r.cache.Close(ctx))
	}
	return err
}

func decodeError(err error) error {
	var be *binary.Error
	if errors.As(err, &be) {
		return &DecodeError{Offset: be.Offset, Msg: be.Msg}
	}
	var le *link.Error
	if errors.As(err, &le) {
		return &DecodeError{Offset: le.Offset, Msg: le.Msg}
	}
	return err
}
