package component

import (
	"context"
	"fmt"
)

// Rep is a handle, owned or borrowed, of a resource that the host implements:
// its representation, a number of the host's choosing.
type Rep uint32

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

// handle is an element of a component instance's handle table (CanonicalABI.md,
// "Resource State").
type handle struct {
	typ   int
	rep   uint32
	own   bool
	lends int
	scope *task // of a borrow handle
}

// table is the handle table of a component instance ("Table State"). Index 0 is
// never given out.
type table struct {
	elems  []*handle
	free   []uint32
	budget *budget
}

func (t *table) add(h *handle) uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.elems[i] = h
		return i
	}
	if len(t.elems) == 0 {
		t.elems = append(t.elems, nil)
	}
	t.budget.charge(handleCost, "handles")
	t.elems = append(t.elems, h)
	return uint32(len(t.elems) - 1)
}

func (t *table) get(i uint32) *handle {
	if uint64(i) >= uint64(len(t.elems)) || t.elems[i] == nil {
		trapf("unknown handle index %d", i)
	}
	return t.elems[i]
}

func (t *table) remove(i uint32) {
	t.elems[i] = nil
	t.free = append(t.free, i)
}

// task is the scope of the borrows that a lifted function is given: they have
// to be dropped before it returns.
type task struct{ borrows int }

// lend is a handle lent out for the time of a call, and the host's view of it.
type lend struct {
	h *handle
	r *Resource
}

// checkType traps when the handle is not of the resource type.
func (h *handle) checkType(typ int) {
	if h.typ != typ {
		trapf("handle index used with the wrong type of resource")
	}
}

// takeOwn removes an own handle from the table and returns its representation
// (lift_own).
func (t *table) takeOwn(i uint32, typ int) uint32 {
	h := t.get(i)
	h.checkType(typ)
	if !h.own {
		trapf("cannot lift own resource from a borrow")
	}
	if h.lends != 0 {
		trapf("cannot remove owned resource while borrowed")
	}
	t.remove(i)
	return h.rep
}

// newResource is canon resource.new.
func (c *componentState) newResource(typ int, rep uint32) uint32 {
	c.checkLeave()
	return c.handles.add(&handle{typ: typ, rep: rep, own: true})
}

// resourceRep is canon resource.rep.
func (c *componentState) resourceRep(typ int, i uint32) uint32 {
	h := c.handles.get(i)
	h.checkType(typ)
	return h.rep
}

// dropResource is canon resource.drop.
func (in *Instance) dropResource(c *componentState, typ int, i uint32, enter []int) {
	c.checkLeave()
	h := c.handles.get(i)
	h.checkType(typ)
	if h.lends != 0 {
		trapf("cannot remove owned resource while borrowed")
	}
	c.handles.remove(i)
	if h.own {
		in.destroy(typ, h.rep, enter)
	} else {
		h.scope.borrows--
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

// String tells what the handle is, for logs.
func (r *Resource) String() string {
	return fmt.Sprintf("resource %s", r.in.c.program.Resources[r.typ].Name)
}
