package component

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
)

// maxEnded is how many ended instances a Compiled keeps. Each one that ends makes room for the next that begins, so
// a few suffice for any number that run at once.
const maxEnded = 4

// ended are instances that have ended without a trap: new instances begin with what was made for them. Nothing of
// what they did is left: their memories and globals are as they began, and nothing else of a movable instance ever
// changes (wasm.Parts.Still), but for the chunks that it has loaded.
type ended struct {
	mu     sync.Mutex
	all    []*coreInstances
	closed bool
}

// coreInstances are what the core runtime has of an instance.
type coreInstances struct {
	modules []api.Module   // by core instance
	chunks  []api.Module   // the chunks that were loaded
	owners  []int          // the core instance of each memory
	first   [][]uint64     // the values that the globals of Instance.ownGlobals began with
	memory  memory.Rewound // the memories
	limit   uint64         // of Limits.Memory: the address space of the memories depends on it
}

// take returns those that were put last for the limit, or nil.
func (e *ended) take(limit uint64) *coreInstances {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, c := range slices.Backward(e.all) {
		if c.limit == limit {
			e.all = slices.Delete(e.all, i, i+1)
			return c
		}
	}
	return nil
}

// put keeps c. It returns those that there is no room for, or nil.
func (e *ended) put(c *coreInstances) (over *coreInstances) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return c
	}
	e.all = append(e.all, c)
	if len(e.all) > maxEnded {
		over = e.all[0]
		e.all = slices.Delete(e.all, 0, 1)
	}
	return over
}

// close closes all. Nothing is kept after that.
func (e *ended) close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	var errs []error
	for _, c := range e.all {
		errs = append(errs, c.close(ctx))
	}
	e.all = nil
	return errors.Join(errs...)
}

// close closes the core instances, the last first. c may be nil.
func (c *coreInstances) close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	var errs []error
	for _, m := range slices.Backward(slices.Concat(c.modules, c.chunks)) {
		if m != nil {
			errs = append(errs, m.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

// reuse gives the instance the core instances of one that has ended, if there are any.
func (in *Instance) reuse() {
	c := in.c.ended.take(in.limits.Memory)
	if c == nil {
		return
	}
	in.reused = true
	in.modules, in.chunks, in.first, in.owners = c.modules, c.chunks, c.first, c.owners
	in.allocator.Adopt(c.memory)
}

// rewind puts everything that may have changed in the core instances back to how it began, and keeps them for
// another instance. It returns false when they are of no use, and are to be closed.
func (in *Instance) rewind(ctx context.Context) (kept bool, err error) {
	if !in.c.movable || in.moved || len(in.memory) == 0 {
		return false, nil
	}
	c := &coreInstances{modules: in.modules, chunks: in.chunks, first: in.first, owners: in.owners, limit: in.limits.Memory}
	shrink := func() {
		for _, m := range in.memory {
			m.Grow(1)
		}
	}
	var ok bool
	if c.memory, ok = in.allocator.Rewind(shrink); !ok {
		return false, nil
	}
	for i := range in.modules {
		in.setGlobals(i, in.first[i])
	}
	in.modules, in.chunks = nil, nil
	return true, in.c.ended.put(c).close(ctx)
}
