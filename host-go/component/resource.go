package component

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// Rep is a handle, owned or borrowed, of a resource that the host implements. Its value is the
// representation, a number that the host chooses.
type Rep = abi.Rep

// Resource is a handle of a resource that a guest implements. Drop an owned handle, or pass it on as an own
// parameter. A borrowed handle ends with the host function that got it. A Resource belongs to its instance,
// and is not safe for concurrent use.
type Resource struct {
	in   *Instance
	typ  int // index into the program's resources
	rep  uint32
	own  bool
	gone bool // dropped, passed on, or borrowed for a call that has ended
}

// Drop ends an owned resource and runs the guest's destructor. It does nothing for a resource that is gone
// already.
func (r *Resource) Drop(ctx context.Context) error {
	if r.gone {
		return nil
	}
	if !r.own {
		return &ValueError{Type: "own", Value: r, Msg: "a borrowed resource cannot be dropped"}
	}
	return r.in.enter(ctx, "resource destructor", func() {
		r.gone = true
		r.in.destroy(r.typ, r.rep, r.in.c.program.Resources[r.typ].Enter)
	})
}

// newResource is canon resource.new.
func (c *componentState) newResource(typ int, rep uint32) uint32 {
	c.checkLeave()
	return c.handles.New(typ, rep)
}

// dropResource is canon resource.drop.
func (in *Instance) dropResource(c *componentState, typ int, i uint32, enter []int) {
	c.checkLeave()
	if rep, own := c.handles.Drop(typ, i); own {
		in.destroy(typ, rep, enter)
	}
}

// destroy runs the destructor of an owned resource.
func (in *Instance) destroy(typ int, rep uint32, enter []int) {
	r := &in.c.program.Resources[typ]
	if r.Host {
		in.drops[typ](in.callCtx.Context, rep)
		return
	}
	in.deeper()
	comps := in.components(enter)
	enterComponents(comps)
	if r.Dtor != nil {
		in.call(in.coreFunc(r.Dtor), []uint64{uint64(rep)})
	}
	leaveComponents(comps)
	in.depth--
}

// String describes the handle, for logs. A name longer than 1,000 bytes is cut in the middle.
func (r *Resource) String() string {
	return "resource " + text.Short(r.in.c.program.Resources[r.typ].Name)
}
