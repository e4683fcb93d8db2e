package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// span is where a string or list lies: its address, and its length in units of
// its own.
type span struct{ ptr, n uint32 }

func (t *Transfer) getSpan(ptr uint32) span {
	return span{le.Uint32(t.buf[ptr:]), le.Uint32(t.buf[ptr+4:])}
}

func (t *Transfer) putSpan(ptr uint32, s span) {
	le.PutUint32(t.buf[ptr:], s.ptr)
	le.PutUint32(t.buf[ptr+4:], s.n)
}

func liftSpan(flat []uint64) span  { return span{uint32(flat[0]), uint32(flat[1])} }
func (s span) lower(flat []uint64) { flat[0], flat[1] = uint64(s.ptr), uint64(s.n) }

// bytesCodec is list<u8>.
type bytesCodec struct{ typ *types.Value }

func (c bytesCodec) load(t *Transfer, ptr uint32) any     { return t.loadBytes(t.getSpan(ptr)) }
func (c bytesCodec) lift(t *Transfer, flat []uint64) any  { return t.loadBytes(liftSpan(flat)) }
func (c bytesCodec) store(t *Transfer, ptr uint32, v any) { t.putSpan(ptr, t.storeBytes(c.value(v))) }

func (c bytesCodec) lower(t *Transfer, flat []uint64, v any) { t.storeBytes(c.value(v)).lower(flat) }

func (c bytesCodec) loadTo(t *Transfer, ptr uint32, p pointer) {
	*(*[]byte)(p) = t.loadBytes(t.getSpan(ptr))
}

func (c bytesCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	*(*[]byte)(p) = t.loadBytes(liftSpan(flat))
}

func (c bytesCodec) storeFrom(t *Transfer, ptr uint32, p pointer) {
	t.putSpan(ptr, t.storeBytes(*(*[]byte)(p)))
}

func (c bytesCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	t.storeBytes(*(*[]byte)(p)).lower(flat)
}

func (c bytesCodec) wit() fmt.Stringer { return c.typ }

func (c bytesCodec) value(v any) []byte {
	b, ok := v.([]byte)
	if !ok {
		mismatch(c.typ, v)
	}
	return b
}

func (t *Transfer) loadBytes(s span) []byte {
	t.checkList(s.ptr, uint64(s.n), 1)
	out := make([]byte, s.n)
	copy(out, t.buf[s.ptr:])
	return out
}

func (t *Transfer) storeBytes(b []byte) span {
	if len(b) > maxBytes {
		panic(&ValueError{Type: "list<u8>", Value: b, Msg: "longer than 256 MiB"})
	}
	ptr := t.Alloc(1, uint32(len(b)))
	copy(t.buf[ptr:], b)
	return span{ptr, uint32(len(b))}
}

// checkList traps when a list of size bytes does not lie in memory.
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

// elementSize is what an element of a []any takes, with the value that it points
// to.
const elementSize = 16 + 8

// listCodec is a list of any other type.
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

// fixedListCodec is a list of fixed length, which lies in place.
type fixedListCodec struct {
	typ  *types.Value
	elem codec
	size uint32
	flat int
}

func (c *fixedListCodec) wit() fmt.Stringer { return c.typ }

func (c *fixedListCodec) load(t *Transfer, ptr uint32) any {
	t.charge(uint64(c.typ.Length) * elementSize)
	out := make([]any, c.typ.Length)
	for i := range out {
		out[i] = c.elem.load(t, ptr)
		ptr += c.size
	}
	return out
}

func (c *fixedListCodec) lift(t *Transfer, flat []uint64) any {
	out := make([]any, c.typ.Length)
	for i := range out {
		out[i] = c.elem.lift(t, flat[i*c.flat:])
	}
	return out
}

func (c *fixedListCodec) elems(v any) []any {
	elems, ok := v.([]any)
	if !ok {
		mismatch(c.typ, v)
	}
	if len(elems) != int(c.typ.Length) {
		panic(&ValueError{Type: c.typ.String(), Value: v, Msg: "wrong number of elements"})
	}
	return elems
}

func (c *fixedListCodec) store(t *Transfer, ptr uint32, v any) {
	for _, e := range c.elems(v) {
		c.elem.store(t, ptr, e)
		ptr += c.size
	}
}

func (c *fixedListCodec) lower(t *Transfer, flat []uint64, v any) {
	for i, e := range c.elems(v) {
		c.elem.lower(t, flat[i*c.flat:], e)
	}
}
