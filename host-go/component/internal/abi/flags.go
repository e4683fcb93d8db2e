package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// flagsCodec is flags. Lifting drops the bits beyond the labels.
type flagsCodec struct {
	typ  *types.Value
	size uint32
	mask Flags
}

func (c *flagsCodec) wit() fmt.Stringer { return c.typ }

func (c *flagsCodec) get(t *Transfer, ptr uint32) Flags {
	return Flags(discriminant{c.size}.load(t, ptr)) & c.mask
}

func (c *flagsCodec) bits(v any) uint32 {
	f, ok := v.(Flags)
	if !ok {
		mismatch(c.typ, v)
	}
	return c.checked(f)
}

func (c *flagsCodec) checked(f Flags) uint32 {
	if f&^c.mask != 0 {
		panic(&ValueError{Type: c.typ.String(), Value: f, Msg: "a bit beyond the last flag is set"})
	}
	return uint32(f)
}

func (c *flagsCodec) load(t *Transfer, ptr uint32) any    { return c.get(t, ptr) }
func (c *flagsCodec) lift(_ *Transfer, flat []uint64) any { return Flags(flat[0]) & c.mask }

func (c *flagsCodec) store(t *Transfer, ptr uint32, v any) {
	discriminant{c.size}.store(t, ptr, c.bits(v))
}

func (c *flagsCodec) lower(_ *Transfer, flat []uint64, v any) { flat[0] = uint64(c.bits(v)) }

// flagsBits is flags in a uint32.
type flagsBits struct{ *flagsCodec }

func (c flagsBits) loadTo(t *Transfer, ptr uint32, p pointer) { *(*Flags)(p) = c.get(t, ptr) }
func (c flagsBits) liftTo(_ *Transfer, flat []uint64, p pointer) {
	*(*Flags)(p) = Flags(flat[0]) & c.mask
}

func (c flagsBits) storeFrom(t *Transfer, ptr uint32, p pointer) {
	discriminant{c.size}.store(t, ptr, c.checked(*(*Flags)(p)))
}

func (c flagsBits) lowerFrom(_ *Transfer, flat []uint64, p pointer) {
	flat[0] = uint64(c.checked(*(*Flags)(p)))
}
