package component

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// handleCodec is own or borrow of a resource. The Go value is a Rep for a
// resource of the host, a *Resource for one of a guest.
type handleCodec struct {
	typ      *types.Value
	resource int
	own      bool
	host     bool
}

func (c *handleCodec) wit() fmt.Stringer { return c.typ }

func (c *handleCodec) load(t *transfer, ptr uint32) any {
	return c.value(t, c.take(t, le.Uint32(t.buf[ptr:])))
}

func (c *handleCodec) lift(t *transfer, flat []uint64) any {
	return c.value(t, c.take(t, uint32(flat[0])))
}

func (c *handleCodec) store(t *transfer, ptr uint32, v any) {
	le.PutUint32(t.buf[ptr:], c.give(t, c.rep(t, v)))
}

func (c *handleCodec) lower(t *transfer, flat []uint64, v any) {
	flat[0] = uint64(c.give(t, c.rep(t, v)))
}

// take is lift_own and lift_borrow, and returns the representation.
func (c *handleCodec) take(t *transfer, i uint32) uint32 {
	if c.own {
		return t.comp.handles.takeOwn(i, c.resource)
	}
	h := t.comp.handles.get(i)
	h.checkType(c.resource)
	h.lends++
	t.lends = append(t.lends, lend{h: h})
	return h.rep
}

// value is the Go value of a handle just taken.
func (c *handleCodec) value(t *transfer, rep uint32) any {
	if c.host {
		return Rep(rep)
	}
	r := &Resource{in: t.in, typ: c.resource, rep: rep, own: c.own}
	if !c.own {
		t.lends[len(t.lends)-1].r = r
	}
	return r
}

// give is lower_own and lower_borrow.
func (c *handleCodec) give(t *transfer, rep uint32) uint32 {
	if c.own {
		return t.comp.handles.add(&handle{typ: c.resource, rep: rep, own: true})
	}
	if t.in.c.program.Resources[c.resource].Component == t.comp.index {
		return rep
	}
	t.task.borrows++
	return t.comp.handles.add(&handle{typ: c.resource, rep: rep, scope: t.task})
}

// rep checks the Go value of a handle, and takes an own one from the host.
func (c *handleCodec) rep(t *transfer, v any) uint32 {
	if c.host {
		rep, ok := v.(Rep)
		if !ok {
			mismatch(c.typ, v)
		}
		return uint32(rep)
	}
	r, ok := v.(*Resource)
	if !ok || r == nil || r.in != t.in || r.typ != c.resource {
		mismatch(c.typ, v)
	}
	if r.gone {
		panic(&ValueError{Type: c.typ.String(), Value: v, Msg: "the resource is gone: dropped, passed on, or borrowed for a call that is over"})
	}
	if c.own {
		if !r.own {
			panic(&ValueError{Type: c.typ.String(), Value: v, Msg: "a borrowed resource cannot be given away"})
		}
		r.gone = true
	}
	return r.rep
}

// endLends ends the borrows lifted for a call.
func (t *transfer) endLends() {
	for _, l := range t.lends {
		l.h.lends--
		if l.r != nil {
			l.r.gone = true
		}
	}
	t.lends = t.lends[:0]
}

// repCodec is a handle of a resource of the host in a Rep.
type repCodec struct{ *handleCodec }

func (c repCodec) loadTo(t *transfer, ptr uint32, p pointer) {
	*(*Rep)(p) = Rep(c.take(t, le.Uint32(t.buf[ptr:])))
}

func (c repCodec) liftTo(t *transfer, flat []uint64, p pointer) {
	*(*Rep)(p) = Rep(c.take(t, uint32(flat[0])))
}

func (c repCodec) storeFrom(t *transfer, ptr uint32, p pointer) {
	le.PutUint32(t.buf[ptr:], c.give(t, *(*uint32)(p)))
}

func (c repCodec) lowerFrom(t *transfer, flat []uint64, p pointer) {
	flat[0] = uint64(c.give(t, *(*uint32)(p)))
}
