package component

import "github.com/caisson-dev/caisson/host-go/component/internal/types"

// bytesCodec is list<u8>.
type bytesCodec struct{}

func (bytesCodec) load(t *transfer, ptr uint32) any {
	return t.loadBytes(le.Uint32(t.buf[ptr:]), le.Uint32(t.buf[ptr+4:]))
}

func (bytesCodec) lift(t *transfer, flat []uint64) any {
	return t.loadBytes(uint32(flat[0]), uint32(flat[1]))
}

func (bytesCodec) store(t *transfer, ptr uint32, v any) {
	p, n := t.storeBytes(v)
	le.PutUint32(t.buf[ptr:], p)
	le.PutUint32(t.buf[ptr+4:], n)
}

func (bytesCodec) lower(t *transfer, flat []uint64, v any) {
	p, n := t.storeBytes(v)
	flat[0], flat[1] = uint64(p), uint64(n)
}

func (t *transfer) loadBytes(ptr, n uint32) []byte {
	t.checkList(ptr, uint64(n), 1)
	out := make([]byte, n)
	copy(out, t.buf[ptr:])
	return out
}

func (t *transfer) storeBytes(v any) (ptr, n uint32) {
	b, ok := v.([]byte)
	if !ok {
		mismatchPrim("list<u8>", v)
	}
	if len(b) > maxBytes {
		panic(&ValueError{Type: "list<u8>", Value: v, Msg: "longer than 256 MiB"})
	}
	ptr = t.alloc(1, uint32(len(b)))
	copy(t.buf[ptr:], b)
	return ptr, uint32(len(b))
}

// checkList traps when a list of size bytes does not lie in memory.
func (t *transfer) checkList(ptr uint32, size uint64, align uint32) {
	if size > maxBytes {
		trapf("list of %d bytes is longer than the limit of %d", size, maxBytes)
	}
	if ptr&(align-1) != 0 {
		trapf("list pointer is not aligned")
	}
	if uint64(ptr)+size > uint64(len(t.buf)) {
		trapf("list pointer/length out of bounds of memory: %d bytes at %#x", size, ptr)
	}
	t.charge(size)
}

// elementSize is what an element of a []any takes.
const elementSize = 16

// listCodec is a list of any other type.
type listCodec struct {
	typ         *types.Value
	elem        codec
	size, align uint32
}

func (c *listCodec) load(t *transfer, ptr uint32) any {
	return c.loadRange(t, le.Uint32(t.buf[ptr:]), le.Uint32(t.buf[ptr+4:]))
}

func (c *listCodec) lift(t *transfer, flat []uint64) any {
	return c.loadRange(t, uint32(flat[0]), uint32(flat[1]))
}

func (c *listCodec) store(t *transfer, ptr uint32, v any) {
	p, n := c.storeRange(t, v)
	le.PutUint32(t.buf[ptr:], p)
	le.PutUint32(t.buf[ptr+4:], n)
}

func (c *listCodec) lower(t *transfer, flat []uint64, v any) {
	p, n := c.storeRange(t, v)
	flat[0], flat[1] = uint64(p), uint64(n)
}

func (c *listCodec) loadRange(t *transfer, ptr, n uint32) any {
	t.checkList(ptr, uint64(n)*uint64(c.size), c.align)
	t.charge(uint64(n) * elementSize)
	out := make([]any, n)
	for i := range out {
		out[i] = c.elem.load(t, ptr)
		ptr += c.size
	}
	return out
}

func (c *listCodec) storeRange(t *transfer, v any) (ptr, n uint32) {
	elems, ok := v.([]any)
	if !ok {
		mismatch(c.typ, v)
	}
	size := uint64(len(elems)) * uint64(c.size)
	if size > maxBytes {
		panic(&ValueError{Type: c.typ.String(), Value: v, Msg: "longer than 256 MiB"})
	}
	ptr = t.alloc(c.align, uint32(size))
	p := ptr
	for _, e := range elems {
		c.elem.store(t, p, e)
		p += c.size
	}
	return ptr, uint32(len(elems))
}

// fixedListCodec is a list of fixed length, which lies in place.
type fixedListCodec struct {
	typ  *types.Value
	elem codec
	size uint32
	flat int
}

func (c *fixedListCodec) load(t *transfer, ptr uint32) any {
	out := make([]any, c.typ.Length)
	for i := range out {
		out[i] = c.elem.load(t, ptr)
		ptr += c.size
	}
	return out
}

func (c *fixedListCodec) lift(t *transfer, flat []uint64) any {
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

func (c *fixedListCodec) store(t *transfer, ptr uint32, v any) {
	for _, e := range c.elems(v) {
		c.elem.store(t, ptr, e)
		ptr += c.size
	}
}

func (c *fixedListCodec) lower(t *transfer, flat []uint64, v any) {
	for i, e := range c.elems(v) {
		c.elem.lower(t, flat[i*c.flat:], e)
	}
}
