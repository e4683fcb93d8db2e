package component

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/codecache"
	"github.com/caisson-dev/caisson/host-go/component/internal/split"
	"github.com/caisson-dev/caisson/host-go/component/internal/wasm"
)

// loadName is the export of the host module that loads a chunk.
const loadName = "load"

// chunk compiles chunk k of a module, or returns the chunk when it is compiled already.
func (c *Compiled) chunk(ctx context.Context, h *split.Chunks, k int) (wazero.CompiledModule, error) {
	return h.Code(k, func(number int) (wazero.CompiledModule, error) {
		b, err := c.prepared.Chunk(number)
		if err != nil {
			return nil, err
		}
		return c.r.compile(ctx, b, c.r.cfg.CompilationWorkers)
	})
}

// load instantiates a chunk, which fills its slots. A primary module calls load when a slot is empty. The time
// that load takes is put off, as by PutOff.
func load(ctx context.Context, caller api.Module, stack []uint64) {
	in := instanceOf(ctx)
	began := in.fuel.now()
	i := slices.Index(in.modules, caller)
	h := in.c.chunks[in.c.program.Instances[i].Module]
	k := h.With(int(uint32(stack[0])))
	err := in.loadChunk(h, k, caller)
	// The guest cannot go on without the chunk, and the host may have the resource again in a moment.
	for wait := firstWait; isExhausted(err) && wait <= lastWait && ctx.Err() == nil; wait *= 2 {
		time.Sleep(wait)
		err = in.loadChunk(h, k, caller)
	}
	if err != nil {
		panic(asTrap(fmt.Errorf("chunk %d of core module %d: %w", k, i, err)))
	}
	in.fuel.pause(in.fuel.now().Sub(began))
}

// load waits between its attempts: firstWait at first, then twice as long each time, up to lastWait. All the
// waits together take about a second.
const (
	firstWait = 16 * time.Millisecond
	lastWait  = 512 * time.Millisecond
)

func (in *Instance) loadChunk(h *split.Chunks, k int, primary api.Module) error {
	// The compilation goes on when the call ends: the next call would have to begin it anew.
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

// maxAhead is the costliest function that CompileChunks compiles, in wasm.Metering.Effort's units: it takes the
// compiler some 120 MB. What is costlier is most often a table of the program's start, which nobody calls again.
const maxAhead = 250_000_000

// CompileChunks compiles the chunks that are not in the runtime's cache, so that no call has to wait for one.
// Functions that would take much memory to compile are left to their first call.
// It does nothing without a cache, or for a component that was not prepared. It ends with the context, and
// returns the context's error.
func (c *Compiled) CompileChunks(ctx context.Context) error {
	if c.r.cache == nil {
		return nil
	}
	for _, h := range c.chunks {
		for k := range h.Len() {
			if err := ctx.Err(); err != nil {
				return err
			}
			b, err := c.prepared.Chunk(h.Number(k))
			if err != nil {
				return err
			}
			if c.r.cache.HasWhole(codecache.Hash(b)) {
				continue
			}
			effort, err := wasm.LargestEffort(b)
			if err != nil {
				return err
			}
			if effort > maxAhead {
				continue
			}
			if err := c.compileAhead(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// compileAhead puts the code of a chunk into the cache. The code is not kept in memory: most chunks are never called.
func (c *Compiled) compileAhead(ctx context.Context, b []byte) error {
	if turn := c.r.cfg.Turn; turn != nil {
		done, err := turn(ctx)
		if err != nil {
			return err
		}
		defer done()
	}
	code, err := c.r.compile(ctx, b, c.r.cfg.CompilationWorkers)
	if err != nil {
		return errors.Join(err, ctx.Err())
	}
	return code.Close(ctx)
}
