package component

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/link"
)

// instanceOptions are canonical options with what they refer to.
type instanceOptions struct {
	abi.Options
	refs       *link.Options
	realloc    *function
	postReturn *function
	resolved   bool
}

// option returns canonical options with what they refer to. The things that they refer to exist when the
// options are first used. Functions are kept while there is room for them.
func (in *Instance) option(i int) *instanceOptions {
	o := in.options[i]
	if o.resolved {
		return o
	}
	p := &in.c.program.Options[i]
	o = &instanceOptions{Options: abi.Options{Encoding: p.Encoding}, refs: p, resolved: true}
	if p.Memory != nil {
		o.Memory = in.modules[p.Memory.Instance].ExportedMemory(p.Memory.Name)
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
