package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// fixedListCodec is a list of fixed length. Its elements lie in place.
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
