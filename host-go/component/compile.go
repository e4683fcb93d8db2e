package component

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// ErrRuntimeClosed is the error of compiling with a Runtime that is closed.
var ErrRuntimeClosed = errors.New("component: the runtime is closed")

// workers returns how many goroutines compile a core module that was not prepared. Each goroutine keeps the
// memory of its costliest function, so workers returns fewer for costly functions.
func (r *Runtime) workers(b []byte) (int, error) {
	n := max(r.cfg.CompilationWorkers, fewWorkers)
	if n == fewWorkers || !r.compiles() {
		return n, nil
	}
	largest, err := wasm.LargestEffort(b)
	if err != nil {
		return 0, err
	}
	return max(fewWorkers, int(min(uint64(n), fewWorkers*maxEffort/max(largest, 1)))), nil
}

// fewWorkers is how many goroutines compile a module with functions of any effort up to maxEffort. It is two
// because the core runtime looks at the context between functions only when there are several goroutines.
const fewWorkers = 2

// compile compiles a core module with so many workers. compile returns when the context ends: the compiler then
// finishes its function in the background, and its output is dropped.
func (r *Runtime) compile(ctx context.Context, b []byte, workers int) (wazero.CompiledModule, error) {
	return r.compileModule(ctx, r.module(b), workers)
}

// module returns a module that is at hand.
func (r *Runtime) module(b []byte) codecache.Module {
	m := codecache.Module{Code: func() ([]byte, error) { return b, nil }}
	if r.cache != nil {
		m.Hash = codecache.Hash(b)
	}
	return m
}

// compileModule is compile of a module that may not be at hand.
func (r *Runtime) compileModule(ctx context.Context, m codecache.Module, workers int) (wazero.CompiledModule, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inner := experimental.WithCompilationWorkers(ctx, workers)
	return r.compiling.do(ctx, func() (wazero.CompiledModule, error) {
		return r.cache.Compile(inner, m, func(ctx context.Context, b []byte) (code wazero.CompiledModule, err error) {
			code, err = r.core.CompileModule(ctx, b)
			r.spare.lend(err, func() error {
				code, err = r.core.CompileModule(ctx, b)
				return err
			})
			return code, err
		})
	})
}

// compiling counts the compilations that run. The core runtime cannot be closed during one, so the last
// compilation that ends after Close closes the runtime.
type compiling struct {
	mu     sync.Mutex
	n      int
	closed bool
	close  func() error
}

// do has f compile a module. It returns when f returns or when the context ends.
func (c *compiling) do(ctx context.Context, f func() (wazero.CompiledModule, error)) (wazero.CompiledModule, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	type result struct {
		code wazero.CompiledModule
		err  error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() { done <- r }()
		defer recovered(&r.err)
		r.code, r.err = f()
	}()
	select {
	case r := <-done:
		return r.code, errors.Join(r.err, c.end())
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				_ = r.code.Close(context.Background())
			}
			_ = c.end()
		}()
		return nil, ctx.Err()
	}
}

func (c *compiling) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrRuntimeClosed
	}
	c.n++
	return nil
}

func (c *compiling) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	return c.closeWhenIdle()
}

// shut has close called as soon as no compilation runs: at once, or by the last compilation. busy reports
// whether one still runs.
func (c *compiling) shut(close func() error) (busy bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.n > 0, nil
	}
	c.closed, c.close = true, close
	return c.n > 0, c.closeWhenIdle()
}

func (c *compiling) closeWhenIdle() error {
	if !c.closed || c.n > 0 || c.close == nil {
		return nil
	}
	close := c.close
	c.close = nil
	return close()
}

// recovered turns a panic into an error. The core runtime's compiler panics when the system gives it no
// memory for code, and when the compiler has a bug.
func recovered(err *error) {
	if x := recover(); x != nil {
		*err = fmt.Errorf("the core runtime's compiler panicked: %v\n%s", x, debug.Stack())
		if cause, ok := x.(error); ok {
			*err = fmt.Errorf("the core runtime's compiler: %w", cause)
		}
	}
}
