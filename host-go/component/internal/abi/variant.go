package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// discriminant reads and writes the case number of a variant in memory.
type discriminant struct{ size uint32 }

func (d discriminant) load(t *Transfer, ptr uint32) uint32 {
	switch d.size {
	case 1:
		return uint32(t.buf[ptr])
	case 2:
		return uint32(le.Uint16(t.buf[ptr:]))
	}
	return le.Uint32(t.buf[ptr:])
}

func (d discriminant) store(t *Transfer, ptr, v uint32) {
	switch d.size {
	case 1:
		t.buf[ptr] = byte(v)
	case 2:
		le.PutUint16(t.buf[ptr:], uint16(v))
	default:
		le.PutUint32(t.buf[ptr:], v)
	}
}

// variantCodec is a variant, option or result.
type variantCodec struct {
	typ     *types.Value
	disc    discriminant
	payload uint32
	cases   []codec // nil for a case without payload
	flat    int     // core values of the whole
	names   caseNames
}

func (cs *Codecs) variant(v *types.Value) *variantCodec {
	c := &variantCodec{typ: v, disc: discriminant{v.DiscSize}, payload: v.Payload, flat: v.FlatLen}
	for _, p := range v.Cases() {
		c.cases = append(c.cases, cs.get(p))
	}
	if v.Kind == types.Variant {
		labels := make([]string, len(v.Fields))
		for i, f := range v.Fields {
			labels[i] = f.Name
		}
		c.names = newCaseNames(labels)
	}
	return c
}

func (c *variantCodec) wit() fmt.Stringer { return c.typ }

func (c *variantCodec) load(t *Transfer, ptr uint32) any {
	i := c.disc.load(t, ptr)
	c.check(i)
	t.charge(2 * elementSize)
	var v any
	if p := c.cases[i]; p != nil {
		v = p.load(t, ptr+c.payload)
	}
	return c.wrap(i, v)
}

func (c *variantCodec) lift(t *Transfer, flat []uint64) any {
	i := uint32(flat[0])
	c.check(i)
	var v any
	if p := c.cases[i]; p != nil {
		v = p.lift(t, flat[1:])
	}
	return c.wrap(i, v)
}

func (c *variantCodec) check(i uint32) {
	if uint64(i) >= uint64(len(c.cases)) {
		trap.Throwf("unexpected discriminant: %d of a %s with %d cases", i, c.typ.Kind, len(c.cases))
	}
}

func (c *variantCodec) wrap(i uint32, v any) any {
	switch c.typ.Kind {
	case types.Option:
		return Option{Some: i == 1, Value: v}
	case types.Result:
		return Result{OK: i == 0, Value: v}
	}
	return Variant{Case: c.names.labels[i], Value: v}
}

// unwrap returns the case number and the payload of a Go value.
func (c *variantCodec) unwrap(v any) (i uint32, payload any) {
	switch x := v.(type) {
	case Option:
		if c.typ.Kind == types.Option {
			return uint32(bit(x.Some)), x.Value
		}
	case Result:
		if c.typ.Kind == types.Result {
			return uint32(bit(!x.OK)), x.Value
		}
	case Variant:
		if c.typ.Kind == types.Variant {
			i, ok := c.names.index(x.Case)
			if !ok {
				panic(&ValueError{Type: c.typ.String(), Value: v, Msg: "no case named " + x.Case})
			}
			return i, x.Value
		}
	}
	mismatch(c.typ, v)
	return 0, nil
}

func (c *variantCodec) store(t *Transfer, ptr uint32, v any) {
	i, payload := c.unwrap(v)
	c.disc.store(t, ptr, i)
	if p := c.cases[i]; p != nil {
		p.store(t, ptr+c.payload, payload)
	}
}

func (c *variantCodec) lower(t *Transfer, flat []uint64, v any) {
	i, payload := c.unwrap(v)
	clear(flat[:c.flat])
	flat[0] = uint64(i)
	if p := c.cases[i]; p != nil {
		p.lower(t, flat[1:], payload)
	}
}

// caseNames finds the number of a case by its name.
type caseNames struct {
	labels []string
	byName map[string]uint32 // set when there are more than a few cases
}

func newCaseNames(labels []string) caseNames {
	n := caseNames{labels: labels}
	if len(labels) > 8 {
		n.byName = make(map[string]uint32, len(labels))
		for i, l := range labels {
			n.byName[l] = uint32(i)
		}
	}
	return n
}

func (n *caseNames) index(name string) (uint32, bool) {
	if n.byName != nil {
		i, ok := n.byName[name]
		return i, ok
	}
	for i, l := range n.labels {
		if l == name {
			return uint32(i), true
		}
	}
	return 0, false
}
