package component

import (
	"unsafe"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
)

// A component may export a function that it imports. When the host calls such an export, the values pass by
// the Canonical ABI all the same, so that every form of call works with every form of host function. The
// values pass through memory of the host, and handles that last for the call.

// hostMemory are the canonical options of such a call.
var hostMemory = &instanceOptions{Options: abi.Options{Host: true}, resolved: true}

// callImport calls a host function from the host.
func (in *Instance) callImport(i int, p *abi.Passing, args, result unsafe.Pointer) {
	f := in.hosts[i]
	t := in.begin(&componentState{mayEnter: true, mayLeave: true, handles: abi.Table{Component: -2, Budget: &in.budget}}, hostMemory)
	t.BeginTask()
	stack := make([]uint64, p.Stack())
	p.LowerParams(t, stack, args)
	if p.SpillResult {
		stack[p.Flat] = uint64(t.Alloc(p.Result.Align, p.Result.Size))
	}
	ptr := stack[p.Flat]
	f.serve(in, t, stack)
	if p.Result != nil {
		if p.SpillResult {
			stack[0] = ptr
		}
		p.LiftResult(t, stack, result)
	}
	in.end()
}
