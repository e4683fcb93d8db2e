package component

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// transfer is the context of a call whose values are not only core values. It is also how the Canonical ABI
// sees the instance. An instance keeps the transfers that it has used.
type transfer struct {
	abi.Transfer
	in   *Instance
	comp *componentState
	opt  *instanceOptions
}

// begin returns the context of a new call. end takes back the context that begun last.
func (in *Instance) begin(comp *componentState, opt *instanceOptions) *abi.Transfer {
	if in.begun == len(in.transfers) {
		t := &transfer{in: in}
		t.Guest, t.Allowance = t, &in.allowance
		in.transfers = append(in.transfers, t)
	}
	t := in.transfers[in.begun]
	in.begun++
	t.comp, t.opt = comp, opt
	t.Begin(&opt.Options, &comp.handles)
	return &t.Transfer
}

func (in *Instance) end() {
	in.begun--
	in.transfers[in.begun].End()
}

// Realloc calls the guest's realloc. The guest may not call out during it.
func (t *transfer) Realloc(old, oldSize, align, size uint32) uint32 {
	in, o := t.in, t.opt
	s := &in.realloc4
	s[0], s[1], s[2], s[3] = uint64(old), uint64(oldSize), uint64(align), uint64(size)
	t.comp.mayLeave = false
	in.call(o.realloc, s[:])
	o.realloc = in.lighten(o.realloc, o.refs.Realloc)
	t.comp.mayLeave = true
	return uint32(s[0])
}

// Resource returns a *Resource.
func (t *transfer) Resource(typ int, rep uint32, own bool) any {
	return &Resource{in: t.in, typ: typ, rep: rep, own: own}
}

// Return ends a borrowed *Resource.
func (t *transfer) Return(v any) { v.(*Resource).gone = true }

// Rep returns the representation of a *Resource after checking it. An own one is no longer the host's.
func (t *transfer) Rep(v any, typ *types.Value) uint32 {
	wrong := func(msg string) { panic(&abi.ValueError{Type: typ.String(), Value: v, Msg: msg}) }
	r, ok := v.(*Resource)
	if !ok || r == nil || r.in != t.in || r.typ != typ.Resource.Index {
		wrong("")
	}
	if r.gone {
		wrong("the resource is gone: dropped, passed on, or borrowed for a call that is over")
	}
	if typ.Kind == types.Own {
		if !r.own {
			wrong("a borrowed resource cannot be given away")
		}
		r.gone = true
	}
	return r.rep
}
