package component

import (
	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// instanceOptions are canonical options with what they refer to.
type instanceOptions struct {
	encoding   binary.Encoding
	refs       *link.Options
	memory     api.Memory
	realloc    *function
	postReturn *function
	resolved   bool
}

// option returns canonical options with what they refer to, which exists by
// the time they are first used. Functions are kept while there is room for them.
func (in *Instance) option(i int) *instanceOptions {
	o := in.options[i]
	if o.resolved {
		return o
	}
	p := &in.c.program.Options[i]
	o = &instanceOptions{encoding: p.Encoding, refs: p, resolved: true}
	if p.Memory != nil {
		o.memory = in.modules[p.Memory.Instance].ExportedMemory(p.Memory.Name)
	}
	if p.Realloc != nil {
		o.realloc = in.coreFunc(p.Realloc)
		o.resolved = in.keep(o.realloc)
	}
	if p.PostReturn != nil {
		o.postReturn = in.coreFunc(p.PostReturn)
		o.resolved = o.resolved && in.keep(o.postReturn)
	}
	if o.resolved {
		in.options[i] = o
	}
	return o
}

// realloc calls the guest's realloc, which may not call out.
func (in *Instance) realloc(c *componentState, o *instanceOptions, old, oldSize, align, size uint32) uint32 {
	s := &in.realloc4
	s[0], s[1], s[2], s[3] = uint64(old), uint64(oldSize), uint64(align), uint64(size)
	c.mayLeave = false
	in.call(o.realloc, s[:])
	o.realloc = in.lighten(o.realloc, o.refs.Realloc)
	c.mayLeave = true
	return uint32(s[0])
}
