package component

import "math"

// A component may export a function that it imports. When the host calls such
// an export, its values pass by the Canonical ABI all the same, so that any form
// of call goes with any form of host function: through memory of the host's, and
// handles that last for the call.

// hostMemory are the options of such a call.
var hostMemory = &instanceOptions{resolved: true}

// callImport calls a host function from the host.
func (in *Instance) callImport(i int, p *passing, args, result pointer) {
	f := in.hosts[i]
	t := in.begin(&componentState{index: -2, mayEnter: true, mayLeave: true, handles: table{budget: &in.budget}}, hostMemory)
	t.task = &task{}
	stack := make([]uint64, p.stack())
	p.lowerParams(t, stack, args)
	if p.spillResult {
		stack[p.flat] = uint64(t.alloc(p.resultT.Align, p.resultT.Size))
	}
	ptr := stack[p.flat]
	f.serve(in, t, stack)
	if p.out != nil {
		if p.spillResult {
			stack[0] = ptr
		}
		p.liftResult(t, stack, result)
	}
	in.end()
}

// hostRealloc allocates at the end of the memory of such a call.
func (t *transfer) hostRealloc(old, oldSize, align, size uint32) uint32 {
	ptr := (uint64(len(t.buf)) + uint64(align) - 1) &^ (uint64(align) - 1)
	if ptr+uint64(size) > math.MaxUint32 {
		trapf("more than 4 GiB in the values of one call")
	}
	t.buf = append(t.buf, make([]byte, ptr+uint64(size)-uint64(len(t.buf)))...)
	copy(t.buf[ptr:], t.buf[old:old+min(oldSize, size)])
	return uint32(ptr)
}
