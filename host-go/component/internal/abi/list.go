package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// checkList traps when a list of size bytes is outside of memory.
func (t *Transfer) checkList(ptr uint32, size uint64, align uint32) {
	if size > maxBytes {
		trap.Throwf("list of %d bytes is longer than the limit of %d", size, maxBytes)
	}
	if ptr&(align-1) != 0 {
		trap.Throwf("list pointer is not aligned")
	}
	if uint64(ptr)+size > uint64(len(t.buf)) {
		trap.Throwf("list pointer/length out of bounds of memory: %d bytes at %#x", size, ptr)
	}
	t.charge(size)
}

// elementSize is what an element of a []any takes, together with its value.
const elementSize = 16 + 8

// listCodec is a list of any type except list<u8>.
type listCodec struct {
	typ         *types.Value
	elem        codec
	size, align uint32
}

func (c *listCodec) wit() fmt.Stringer { return c.typ }

func (c *listCodec) load(t *Transfer, ptr uint32) any { return c.loadList(t, t.getSpan(ptr)) }

func (c *listCodec) lift(t *Transfer, flat []uint64) any     { return c.loadList(t, liftSpan(flat)) }
func (c *listCodec) store(t *Transfer, ptr uint32, v any)    { t.putSpan(ptr, c.storeList(t, v)) }
func (c *listCodec) lower(t *Transfer, flat []uint64, v any) { c.storeList(t, v).lower(flat) }

func (c *listCodec) loadList(t *Transfer, s span) any {
	t.checkList(s.ptr, uint64(s.n)*uint64(c.size), c.align)
	t.charge(uint64(s.n) * elementSize)
	out := make([]any, s.n)
	for i := range out {
		out[i] = c.elem.load(t, s.ptr)
		s.ptr += c.size
	}
	return out
}

func (c *listCodec) storeList(t *Transfer, v any) span {
	elems, ok := v.([]any)
	if !ok {
		mismatch(c.typ, v)
	}
	ptr := c.allocList(t, len(elems))
	p := ptr
	for _, e := range elems {
		c.elem.store(t, p, e)
		p += c.size
	}
	return span{ptr, uint32(len(elems))}
}

// allocList allocates n elements in the guest.
func (c *listCodec) allocList(t *Transfer, n int) uint32 {
	size := uint64(n) * uint64(c.size)
	if size > maxBytes {
		panic(&ValueError{Type: c.typ.String(), Msg: "longer than 256 MiB"})
	}
	return t.Alloc(c.align, uint32(size))
}
