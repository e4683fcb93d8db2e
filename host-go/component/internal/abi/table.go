package abi

import (
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
)

// handle is an element of a component instance's handle table (CanonicalABI.md,
// "Resource State").
type handle struct {
	typ   int
	rep   uint32
	own   bool
	lends int
	scope *task // of a borrow handle
}

// HandleCost is what the host holds for a handle, in bytes.
const HandleCost = 2 * 64

// Budget is the budget of an instance.
type Budget interface {
	// Charge takes n bytes for a resource, or traps.
	Charge(n uint64, resource string)
}

// Table is the handle table of a component instance (CanonicalABI.md, "Table State"). No handle has index 0.
type Table struct {
	Component int // the component instance
	Budget    Budget
	elems     []*handle
	free      []uint32
}

func (t *Table) add(h *handle) uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.elems[i] = h
		return i
	}
	if len(t.elems) == 0 {
		t.elems = append(t.elems, nil)
	}
	t.Budget.Charge(HandleCost, "handles")
	t.elems = append(t.elems, h)
	return uint32(len(t.elems) - 1)
}

func (t *Table) get(i uint32) *handle {
	if uint64(i) >= uint64(len(t.elems)) || t.elems[i] == nil {
		trap.Throwf("unknown handle index %d", i)
	}
	return t.elems[i]
}

func (t *Table) remove(i uint32) {
	t.elems[i] = nil
	t.free = append(t.free, i)
}

// task is the scope of the borrows that a lifted function gets. The guest must drop them before it returns.
type task struct{ borrows int }

// lend is a handle that is lent for the time of a call, and its Go value. The Go value is nil for a resource
// of the host.
type lend struct {
	h *handle
	v any
}

// checkType traps when the handle has another resource type.
func (h *handle) checkType(typ int) {
	if h.typ != typ {
		trap.Throwf("handle index used with the wrong type of resource")
	}
}

// checkUnlent traps while the handle is lent.
func (h *handle) checkUnlent() {
	if h.lends != 0 {
		trap.Throwf("cannot remove owned resource while borrowed")
	}
}

// takeOwn removes an own handle from the table and returns its representation
// (lift_own).
func (t *Table) takeOwn(i uint32, typ int) uint32 {
	h := t.get(i)
	h.checkType(typ)
	if !h.own {
		trap.Throwf("cannot lift own resource from a borrow")
	}
	h.checkUnlent()
	t.remove(i)
	return h.rep
}

// New makes an own handle (canon resource.new).
func (t *Table) New(typ int, rep uint32) uint32 {
	return t.add(&handle{typ: typ, rep: rep, own: true})
}

// Rep returns the representation of handle i (canon resource.rep).
func (t *Table) Rep(typ int, i uint32) uint32 {
	h := t.get(i)
	h.checkType(typ)
	return h.rep
}

// Drop removes handle i (canon resource.drop). The caller must destroy the resource of an own handle.
func (t *Table) Drop(typ int, i uint32) (rep uint32, own bool) {
	h := t.get(i)
	h.checkType(typ)
	h.checkUnlent()
	t.remove(i)
	if !h.own {
		h.scope.borrows--
	}
	return h.rep, h.own
}

// Clear empties the table, and calls f with each own handle.
func (t *Table) Clear(f func(typ int, rep uint32)) {
	for _, h := range t.elems {
		if h != nil && h.own {
			f(h.typ, h.rep)
		}
	}
	t.elems, t.free = nil, nil
}

// Append appends the handles to a state. It returns false when there is one that is borrowed or lent: between two calls
// there is none.
func (t *Table) Append(out []byte) (_ []byte, ok bool) {
	out = binary.AppendUvarint(out, uint64(max(0, len(t.elems)-1)))
	for _, h := range t.elems[min(1, len(t.elems)):] {
		if h == nil {
			out = append(out, 0)
			continue
		}
		if !h.own || h.lends != 0 {
			return out, false
		}
		out = binary.AppendUvarint(out, uint64(h.typ)+1)
		out = binary.AppendUvarint(out, uint64(h.rep))
	}
	// The order of those that are free decides which index is given next.
	out = binary.AppendUvarint(out, uint64(len(t.free)))
	for _, i := range t.free {
		out = binary.AppendUvarint(out, uint64(i))
	}
	return out, true
}

var errHandles = errors.New("its handles are not valid")

// Read fills an empty table with what Append has written. types is how many types of resources there are. It traps
// where the budget has not enough for the handles.
func (t *Table) Read(r io.ByteReader, types int) error {
	count, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	for ; count > 0; count-- {
		typ, err := binary.ReadUvarint(r)
		if err != nil {
			return err
		}
		var h *handle
		if typ > 0 {
			rep, err := binary.ReadUvarint(r)
			if err != nil {
				return err
			}
			if typ > uint64(types) || rep > math.MaxUint32 {
				return errHandles
			}
			h = &handle{typ: int(typ) - 1, rep: uint32(rep), own: true}
		}
		t.add(h)
	}
	free, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	seen := map[uint64]bool{}
	for ; free > 0; free-- {
		i, err := binary.ReadUvarint(r)
		if err != nil {
			return err
		}
		if i == 0 || i >= uint64(len(t.elems)) || t.elems[i] != nil || seen[i] {
			return errHandles
		}
		seen[i] = true
		t.free = append(t.free, uint32(i))
	}
	return nil
}
