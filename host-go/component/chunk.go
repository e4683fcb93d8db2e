package component

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// loadName is the export of the host module that has a chunk loaded.
const loadName = "load"

// chunks are the chunks of one core module: code that is compiled when it is
// first called.
type chunks struct {
	slots []int // the first of each chunk
	first int   // in Prepared.Chunk
	mu    sync.Mutex
	codes []wazero.CompiledModule
}

func newChunks(slots []int, first int) *chunks {
	return &chunks{slots: slots, first: first, codes: make([]wazero.CompiledModule, len(slots))}
}

// chunk compiles chunk k of a module, once.
func (c *Compiled) chunk(ctx context.Context, h *chunks, k int) (wazero.CompiledModule, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.codes[k] == nil {
		b, err := c.prepared.Chunk(h.first + k)
		if err != nil {
			return nil, err
		}
		if h.codes[k], err = c.r.compile(ctx, b, "", c.r.cfg.CompilationWorkers); err != nil {
			return nil, err
		}
	}
	return h.codes[k], nil
}

// load is called by a primary module when a slot is empty: it instantiates the
// chunk, which fills its slots. The time it takes is not the guest's.
func load(ctx context.Context, caller api.Module, stack []uint64) {
	began := time.Now()
	in := instanceOf(ctx)
	i := slices.Index(in.modules, caller)
	h := in.c.chunks[in.c.program.Instances[i].Module]
	slot := int(uint32(stack[0]))
	k, found := slices.BinarySearch(h.slots, slot)
	if !found {
		k--
	}
	err := in.loadChunk(h, k, caller)
	// The guest cannot go on without it, and what the host lacks now it may have
	// in a moment.
	for wait := firstWait; isLack(err) && wait <= lastWait && ctx.Err() == nil; wait *= 2 {
		time.Sleep(wait)
		err = in.loadChunk(h, k, caller)
	}
	if err != nil {
		panic(asTrap(fmt.Errorf("chunk %d of core module %d: %w", k, i, err)))
	}
	in.fuel.pause(time.Since(began))
}

// firstWait and lastWait are how long load waits before it tries again: a second
// in all.
const (
	firstWait = 16 * time.Millisecond
	lastWait  = 512 * time.Millisecond
)

func (in *Instance) loadChunk(h *chunks, k int, primary api.Module) error {
	// Not stopped by the end of the call: the next one would only begin anew.
	code, err := in.c.chunk(context.Background(), h, k)
	if err != nil {
		return err
	}
	return in.addChunk(code, primary)
}

func (in *Instance) addChunk(code wazero.CompiledModule, primary api.Module) error {
	ctx := experimental.WithImportResolver(context.Background(), func(name string) api.Module {
		if name == wasm.PrimaryModule {
			return primary
		}
		return nil
	})
	m, err := in.newModule(ctx, code)
	if err == nil {
		in.chunks = append(in.chunks, m)
	}
	return err
}

// CompileChunks compiles the chunks that are not in the runtime's cache, so
// that no call has to wait for one. It does nothing without a cache, and for a
// component that was not prepared. It ends early with the context's error.
func (c *Compiled) CompileChunks(ctx context.Context) error {
	if c.r.cache == nil {
		return nil
	}
	for _, h := range c.chunks {
		if h == nil {
			continue
		}
		for k := range h.slots {
			if err := ctx.Err(); err != nil {
				return err
			}
			b, err := c.prepared.Chunk(h.first + k)
			if err != nil {
				return err
			}
			if c.r.cache.HasWhole(codecache.Hash(b)) {
				continue
			}
			// It is not kept: most are never called.
			code, err := c.r.compile(ctx, b, "", c.r.cfg.CompilationWorkers)
			if err != nil {
				return errors.Join(err, ctx.Err())
			}
			if err := code.Close(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *chunks) close(ctx context.Context) (err error) {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, code := range h.codes {
		if code != nil {
			err = errors.Join(err, code.Close(ctx))
		}
	}
	return err
}
