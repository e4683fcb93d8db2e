package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// recordCodec is a record or tuple.
type recordCodec struct {
	typ    *types.Value
	fields []fieldCodec
	tuple  bool
}

type fieldCodec struct {
	codec
	offset uint32 // in memory
	flat   int    // in core values
}

func (cs *Codecs) record(v *types.Value) *recordCodec {
	c := &recordCodec{typ: v, tuple: v.Kind == types.Tuple, fields: make([]fieldCodec, len(v.Fields))}
	var offset uint32
	flat := 0
	for i, f := range v.Fields {
		offset = (offset + f.Type.Align - 1) &^ (f.Type.Align - 1)
		c.fields[i] = fieldCodec{cs.get(f.Type), offset, flat}
		offset += f.Type.Size
		flat += f.Type.FlatLen
	}
	return c
}

func (c *recordCodec) wit() fmt.Stringer { return c.typ }

func (c *recordCodec) load(t *Transfer, ptr uint32) any    { return c.wrap(c.loadAll(t, ptr)) }
func (c *recordCodec) lift(t *Transfer, flat []uint64) any { return c.wrap(c.liftAll(t, flat)) }

func (c *recordCodec) loadAll(t *Transfer, ptr uint32) []any {
	t.charge(uint64(len(c.fields)) * elementSize)
	out := make([]any, len(c.fields))
	for i := range c.fields {
		out[i] = c.fields[i].load(t, ptr+c.fields[i].offset)
	}
	return out
}

func (c *recordCodec) liftAll(t *Transfer, flat []uint64) []any {
	out := make([]any, len(c.fields))
	for i := range c.fields {
		out[i] = c.fields[i].lift(t, flat[c.fields[i].flat:])
	}
	return out
}

func (c *recordCodec) wrap(vs []any) any {
	if c.tuple {
		return Tuple(vs)
	}
	return Record(vs)
}

func (c *recordCodec) values(v any) []any {
	var vs []any
	switch v := v.(type) {
	case Record:
		vs = v
		if c.tuple {
			mismatch(c.typ, v)
		}
	case Tuple:
		vs = v
		if !c.tuple {
			mismatch(c.typ, v)
		}
	default:
		mismatch(c.typ, v)
	}
	if len(vs) != len(c.fields) {
		panic(&ValueError{Type: c.typ.String(), Value: v, Msg: fmt.Sprintf("%d values given for %d fields", len(vs), len(c.fields))})
	}
	return vs
}

func (c *recordCodec) store(t *Transfer, ptr uint32, v any)    { c.storeAll(t, ptr, c.values(v)) }
func (c *recordCodec) lower(t *Transfer, flat []uint64, v any) { c.lowerAll(t, flat, c.values(v)) }

// storeAll stores the fields. There are as many values as fields.
func (c *recordCodec) storeAll(t *Transfer, ptr uint32, vs []any) {
	for i := range c.fields {
		c.fields[i].store(t, ptr+c.fields[i].offset, vs[i])
	}
}

func (c *recordCodec) lowerAll(t *Transfer, flat []uint64, vs []any) {
	for i := range c.fields {
		c.fields[i].lower(t, flat[c.fields[i].flat:], vs[i])
	}
}

// labels returns the names of the fields. It returns nil for a tuple.
func (c *recordCodec) labels() []string {
	if c.tuple {
		return nil
	}
	out := make([]string, len(c.fields))
	for i, f := range c.typ.Fields {
		out[i] = f.Name
	}
	return out
}

// argsCodec is the parameters of a function in a []any of the same number.
type argsCodec struct{ *recordCodec }

func (c argsCodec) loadTo(t *Transfer, ptr uint32, p pointer) { *(*[]any)(p) = c.loadAll(t, ptr) }

func (c argsCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	*(*[]any)(p) = c.liftAll(t, flat)
}

func (c argsCodec) storeFrom(t *Transfer, ptr uint32, p pointer) { c.storeAll(t, ptr, *(*[]any)(p)) }

func (c argsCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	c.lowerAll(t, flat, *(*[]any)(p))
}
