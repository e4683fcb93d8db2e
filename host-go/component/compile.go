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

// ErrRuntimeClosed is the error of compiling with a Runtime that was closed.
var ErrRuntimeClosed = errors.New("component: the runtime is closed")

// workers is how many goroutines compile a core module that was not prepared. Each keeps the memory of its
// costliest function, so there are fewer for costly functions.
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

// fewWorkers compile functions of any effort up to maxEffort. The core runtime
// looks at the context between functions where there are several, and never where
// there is one.
const fewWorkers = 2

// compile compiles a core module with so many workers. Its hash is that of codecache.Hash, "" to have it
// made. It returns at the end of the context: the compiler goes on in the background to the end of a
// function, and its output is dropped.
func (r *Runtime) compile(ctx context.Context, b []byte, hash string, workers int) (wazero.CompiledModule, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if hash == "" && r.cache != nil {
		hash = codecache.Hash(b)
	}
	inner := experimental.WithCompilationWorkers(ctx, workers)
	return r.compiling.do(ctx, func() (wazero.CompiledModule, error) {
		return r.cache.Compile(hash, func() (code wazero.CompiledModule, err error) {
			if err := ctx.Err(); err != nil {
				return nil, err // It has waited for others.
			}
			code, err = r.core.CompileModule(inner, b)
			r.spare.lend(err, func() error {
				code, err = r.core.CompileModule(inner, b)
				return err
			})
			return code, err
		})
	})
}

// compiling are the compilations that run. The core runtime cannot be closed during one, so the last
// compilation that ends after Close closes it.
type compiling struct {
	mu     sync.Mutex
	n      int
	closed bool
	close  func() error
}

// do has f compile a module, and waits until it is done or the context has
// ended.
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

// shut calls close once no compilation runs any more. It says whether one still runs.
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

// recovered makes an error of a panic: the core runtime's compiler panics when
// the system gives it no memory for code, and where it is at fault itself.
func recovered(err *error) {
	if x := recover(); x != nil {
		*err = fmt.Errorf("the core runtime's compiler panicked: %v\n%s", x, debug.Stack())
		if cause, ok := x.(error); ok {
			*err = fmt.Errorf("the core runtime's compiler: %w", cause)
		}
	}
}
