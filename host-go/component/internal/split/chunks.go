package split

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
)

// Chunks are the chunks of one core module: code that is compiled when a guest first
// calls it. They are safe for concurrent use. A nil Chunks has none.
type Chunks struct {
	slots []int // the first of each chunk
	first int   // number of the first chunk among those of the component
	mu    sync.Mutex
	codes []wazero.CompiledModule
}

// NewChunks returns the chunks with these first slots, which begin at number first
// among those of the component; nil for none.
func NewChunks(slots []int, first int) *Chunks {
	if len(slots) == 0 {
		return nil
	}
	return &Chunks{slots: slots, first: first, codes: make([]wazero.CompiledModule, len(slots))}
}

// Len is how many chunks there are.
func (c *Chunks) Len() int {
	if c == nil {
		return 0
	}
	return len(c.slots)
}

// Number is the number of chunk k among those of the component.
func (c *Chunks) Number(k int) int { return c.first + k }

// With is the chunk that fills a slot.
func (c *Chunks) With(slot int) int {
	k, found := slices.BinarySearch(c.slots, slot)
	if !found {
		k--
	}
	return k
}

// Code is the compiled code of chunk k. Compile is called once: again where it has
// failed. It gets the number of the chunk among those of the component.
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
