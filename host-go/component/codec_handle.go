package component

import "github.com/caisson-dev/caisson/host-go/component/internal/types"

// handleCodec is own or borrow of a resource. The Go value is a Rep for a
// resource of the host, a *Resource for one of a guest.
type handleCodec struct {
	typ      *types.Value
	resource int
	own      bool
	host     bool
}

func (c *handleCodec) load(t *transfer, ptr uint32) any {
	return c.liftHandle(t, le.Uint32(t.buf[ptr:]))
}

func (c *handleCodec) lift(t *transfer, flat []uint64) any { return c.liftHandle(t, uint32(flat[0])) }

func (c *handleCodec) store(t *transfer, ptr uint32, v any) {
	le.PutUint32(t.buf[ptr:], c.lowerHandle(t, v))
}

func (c *handleCodec) lower(t *transfer, flat []uint64, v any) {
	flat[0] = uint64(c.lowerHandle(t, v))
}

// liftHandle is lift_own and lift_borrow.
func (c *handleCodec) liftHandle(t *transfer, i uint32) any {
	if c.own {
		return c.value(t, t.comp.handles.takeOwn(i, c.resource))
	}
	h := t.comp.handles.get(i)
	h.checkType(c.resource)
	h.lends++
	v := c.value(t, h.rep)
	r, _ := v.(*Resource)
	t.lends = append(t.lends, lend{h, r})
	return v
}

func (c *handleCodec) value(t *transfer, rep uint32) any {
	if c.host {
		return Rep(rep)
	}
	return &Resource{in: t.in, typ: c.resource, rep: rep, own: c.own}
}

// lowerHandle is lower_own and lower_borrow.
func (c *handleCodec) lowerHandle(t *transfer, v any) uint32 {
	rep := c.rep(t, v)
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
