package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// enumCodec is an enum.
type enumCodec struct {
	typ   *types.Value
	disc  discriminant
	names caseNames
	// values are the labels as Go values. They are made once.
	values []any
}

func newEnumCodec(v *types.Value) *enumCodec {
	c := &enumCodec{typ: v, disc: discriminant{v.DiscSize}, names: newCaseNames(v.Labels)}
	for _, l := range v.Labels {
		c.values = append(c.values, Enum(l))
	}
	return c
}

func (c *enumCodec) wit() fmt.Stringer { return c.typ }

func (c *enumCodec) check(i uint32) {
	if uint64(i) >= uint64(len(c.values)) {
		trap.Throwf("unexpected discriminant: %d of an enum with %d cases", i, len(c.values))
	}
}

func (c *enumCodec) value(i uint32) any {
	c.check(i)
	return c.values[i]
}

func (c *enumCodec) label(i uint32) string {
	c.check(i)
	return c.names.labels[i]
}

func (c *enumCodec) index(v any) uint32 {
	e, ok := v.(Enum)
	if !ok {
		mismatch(c.typ, v)
	}
	return c.number(e)
}

func (c *enumCodec) number(e Enum) uint32 {
	i, ok := c.names.index(string(e))
	if !ok {
		panic(&ValueError{Type: c.typ.String(), Value: e, Msg: "no case named " + string(e)})
	}
	return i
}

func (c *enumCodec) load(t *Transfer, ptr uint32) any        { return c.value(c.disc.load(t, ptr)) }
func (c *enumCodec) lift(_ *Transfer, flat []uint64) any     { return c.value(uint32(flat[0])) }
func (c *enumCodec) store(t *Transfer, ptr uint32, v any)    { c.disc.store(t, ptr, c.index(v)) }
func (c *enumCodec) lower(_ *Transfer, flat []uint64, v any) { flat[0] = uint64(c.index(v)) }

// enumString is an enum in a string.
type enumString struct{ *enumCodec }

func (c enumString) loadTo(t *Transfer, ptr uint32, p pointer) {
	*(*string)(p) = c.label(c.disc.load(t, ptr))
}

func (c enumString) liftTo(_ *Transfer, flat []uint64, p pointer) {
	*(*string)(p) = c.label(uint32(flat[0]))
}

func (c enumString) storeFrom(t *Transfer, ptr uint32, p pointer) {
	c.disc.store(t, ptr, c.number(*(*Enum)(p)))
}

func (c enumString) lowerFrom(_ *Transfer, flat []uint64, p pointer) {
	flat[0] = uint64(c.number(*(*Enum)(p)))
}
