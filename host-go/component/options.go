package component

import (
	"strconv"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// instanceOptions are canonical options with what they refer to.
type instanceOptions struct {
	encoding   binary.Encoding
	memory     api.Memory
	realloc    api.Function
	postReturn api.Function
	resolved   bool
}

// coreFunc finds a core function. Each call returns a new api.Function, which
// may run while others of the same function do.
func (in *Instance) coreFunc(ref *link.CoreRef) api.Function {
	if ref.Instance < 0 {
		return in.c.host.ExportedFunction(strconv.Itoa(ref.Builtin))
	}
	return in.modules[ref.Instance].ExportedFunction(ref.Name)
}

// option returns canonical options with what they refer to, which exists by
// the time they are first used.
func (in *Instance) option(i int) *instanceOptions {
	o := in.options[i]
	if !o.resolved {
		p := &in.c.program.Options[i]
		if p.Memory != nil {
			o.memory = in.modules[p.Memory.Instance].ExportedMemory(p.Memory.Name)
		}
		if p.Realloc != nil {
			o.realloc = in.coreFunc(p.Realloc)
		}
		if p.PostReturn != nil {
			o.postReturn = in.coreFunc(p.PostReturn)
		}
		o.resolved = true
	}
	return o
}

// realloc calls the guest's realloc, which may not call out.
func (in *Instance) realloc(c *componentState, o *instanceOptions, old, oldSize, align, size uint32) uint32 {
	s := &in.realloc4
	s[0], s[1], s[2], s[3] = uint64(old), uint64(oldSize), uint64(align), uint64(size)
	c.mayLeave = false
	if err := o.realloc.CallWithStack(&in.callCtx, s[:]); err != nil {
		panic(asTrap(err))
	}
	c.mayLeave = true
	return uint32(s[0])
}
