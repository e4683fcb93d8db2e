package split

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
)

// Chunks are the chunks of one core module. A chunk is code that is compiled when a guest first calls it.
// Chunks are safe for concurrent use. A nil Chunks has no chunks.
type Chunks struct {
	slots []int // the first slot of each chunk
	first int   // the number of the first chunk in the component
	mu    sync.Mutex
	codes []wazero.CompiledModule
}

// NewChunks returns the chunks that begin at these slots, or nil when there are none. first is the number of
// the first chunk in the component.
func NewChunks(slots []int, first int) *Chunks {
	if len(slots) == 0 {
		return nil
	}
	return &Chunks{slots: slots, first: first, codes: make([]wazero.CompiledModule, len(slots))}
}

// Len returns how many chunks there are.
func (c *Chunks) Len() int {
	if c == nil {
		return 0
	}
	return len(c.slots)
}

// Number returns the number of chunk k in the component.
func (c *Chunks) Number(k int) int { return c.first + k }

// With returns the chunk that fills a slot.
func (c *Chunks) With(slot int) int {
	k, found := slices.BinarySearch(c.slots, slot)
	if !found {
		k--
	}
	return k
}

// Code returns the compiled code of chunk k. It calls compile once, and again after a failure. number is the
// number of the chunk in the component.
func (c *Chunks) Code(k int, compile func(number int) (wazero.CompiledModule, error)) (wazero.CompiledModule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes[k] == nil {
		code, err := compile(c.Number(k))
		if err != nil {
			return nil, err
		}
		c.codes[k] = code
	}
	return c.codes[k], nil
}

// Close frees the code.
func (c *Chunks) Close(ctx context.Context) (err error) {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, code := range c.codes {
		if code != nil {
			err = errors.Join(err, code.Close(ctx))
		}
	}
	return err
}
