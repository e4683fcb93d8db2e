package component

import (
	"context"

	"github.com/caisson-dev/caisson/host-go/component/internal/abi"
	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// Rep is a handle, owned or borrowed, of a resource that the host implements:
// its representation, a number of the host's choosing.
type Rep = abi.Rep

// Resource is a handle of a resource that a guest implements. An owned one has
// to be dropped, or passed on as an own parameter; a borrowed one ends with the
// host function that it was given to. It belongs to its instance, and is not
// safe for concurrent use.
type Resource struct {
	in   *Instance
	typ  int // index into the program's resources
	rep  uint32
	own  bool
	gone bool // dropped, passed on, or past its call
}

// Drop ends an owned resource: the guest's destructor runs. Dropping one that
// is gone already does nothing.
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

// String tells what the handle is, for logs. The name is cut in the middle where it
// is longer than 1,000 bytes.
func (r *Resource) String() string {
	return "resource " + text.Short(r.in.c.program.Resources[r.typ].Name)
}
