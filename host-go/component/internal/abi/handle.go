package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// handleCodec is own or borrow of a resource. The Go value is a Rep for a resource of the host, and a value
// of Guest.Resource for a resource of a guest.
type handleCodec struct {
	typ      *types.Value
	resource int
	own      bool
	host     bool
	// component is the component instance that implements the resource. goType holds a handle of it. Both are
	// only for a resource of a guest.
	component int
	goType    GoType
}

func (c *handleCodec) wit() fmt.Stringer { return c.typ }

func (c *handleCodec) load(t *Transfer, ptr uint32) any {
	return c.value(t, c.take(t, le.Uint32(t.buf[ptr:])))
}

func (c *handleCodec) lift(t *Transfer, flat []uint64) any {
	return c.value(t, c.take(t, uint32(flat[0])))
}

func (c *handleCodec) store(t *Transfer, ptr uint32, v any) {
	le.PutUint32(t.buf[ptr:], c.give(t, c.rep(t, v)))
}

func (c *handleCodec) lower(t *Transfer, flat []uint64, v any) {
	flat[0] = uint64(c.give(t, c.rep(t, v)))
}

// take is lift_own and lift_borrow. It returns the representation.
func (c *handleCodec) take(t *Transfer, i uint32) uint32 {
	if c.own {
		return t.handles.takeOwn(i, c.resource)
	}
	h := t.handles.get(i)
	h.checkType(c.resource)
	h.lends++
	t.lends = append(t.lends, lend{h: h})
	return h.rep
}

// value returns the Go value of a handle that take has returned.
func (c *handleCodec) value(t *Transfer, rep uint32) any {
	if c.host {
		return Rep(rep)
	}
	v := t.Guest.Resource(c.resource, rep, c.own)
	if !c.own {
		t.lends[len(t.lends)-1].v = v
	}
	return v
}

// give is lower_own and lower_borrow.
func (c *handleCodec) give(t *Transfer, rep uint32) uint32 {
	if c.own {
		return t.handles.New(c.resource, rep)
	}
	if c.component == t.handles.Component {
		return rep
	}
	t.task.borrows++
	return t.handles.add(&handle{typ: c.resource, rep: rep, scope: t.task})
}

// rep checks the Go value of a handle. An own handle is no longer the host's after it.
func (c *handleCodec) rep(t *Transfer, v any) uint32 {
	if c.host {
		rep, ok := v.(Rep)
		if !ok {
			mismatch(c.typ, v)
		}
		return uint32(rep)
	}
	return t.Guest.Rep(v, c.typ)
}

// EndLends ends the borrows that were lifted for a call.
func (t *Transfer) EndLends() {
	for _, l := range t.lends {
		l.h.lends--
		if l.v != nil {
			t.Guest.Return(l.v)
		}
	}
	t.lends = t.lends[:0]
}

// repCodec is a handle of a resource of the host in a Rep.
type repCodec struct{ *handleCodec }

func (c repCodec) loadTo(t *Transfer, ptr uint32, p pointer) {
	*(*Rep)(p) = Rep(c.take(t, le.Uint32(t.buf[ptr:])))
}

func (c repCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	*(*Rep)(p) = Rep(c.take(t, uint32(flat[0])))
}

func (c repCodec) storeFrom(t *Transfer, ptr uint32, p pointer) {
	le.PutUint32(t.buf[ptr:], c.give(t, *(*uint32)(p)))
}

func (c repCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	flat[0] = uint64(c.give(t, *(*uint32)(p)))
}
