package abi

import (
	"fmt"
	"math"

	"github.com/tetratelabs/wazero/api"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// Options are canonical options (CanonicalABI.md, "Canonical ABI Options").
type Options struct {
	Encoding binary.Encoding
	// Memory is the memory of the values. It is nil when there is none.
	Memory api.Memory
	// Host says that the values pass through memory of the host, which lasts for the call. Then Memory is
	// nil, and no Realloc is called.
	Host bool
}

// Guest is the guest's side of a call. Values are lifted from it and lowered into it.
type Guest interface {
	// Realloc calls the guest's realloc.
	Realloc(old, oldSize, align, size uint32) uint32
	// Resource returns the Go value of a handle of a guest's resource. Return ends the value of a borrow.
	Resource(typ int, rep uint32, own bool) any
	Return(v any)
	// Rep checks the Go value of a handle, and returns the representation. An own handle is no longer the
	// host's after it. It panics with a *ValueError when the value does not fit.
	Rep(v any, typ *types.Value) uint32
}

// Allowance bounds the bytes that the calls of one instance make the host allocate for values of the guest.
// The bound is what is left of the instance's budget, but at least slack.
type Allowance struct {
	Left *uint64 // what is left of the budget
	Held uint64  // for the calls that run
}

// slack is what the values of a guest may take while calls run, even when its budget is used up.
const slack = 16 << 20

// Transfer is the context of lifting and lowering the values of one call (CanonicalABI.md, LiftLowerContext).
// After Begin it can be used for another call.
type Transfer struct {
	// Guest is the guest's side, and Allowance is that of its instance. Set them before the first Begin.
	Guest     Guest
	Allowance *Allowance

	opt     *Options
	handles *Table
	// buf is the current memory. Allocation in the guest may move it.
	buf []byte
	// task is the scope of the borrows that were lowered. It is nil when there can be none.
	task *task
	// lends are the handles that lifted borrows have lent.
	lends []lend
	// lifted is how many bytes of the guest's values the call has made.
	lifted uint64
}

// Begin begins a call with the options, and with the handles of the component
// instance.
func (t *Transfer) Begin(opt *Options, handles *Table) {
	t.opt, t.handles, t.buf, t.task, t.lends, t.lifted = opt, handles, nil, nil, t.lends[:0], 0
}

// Lifted returns how many bytes of the guest's values the call has made.
func (t *Transfer) Lifted() uint64 { return t.lifted }

// End ends the call.
func (t *Transfer) End() { t.Allowance.Held -= t.lifted }

// BeginTask begins the scope of the borrows that are lowered.
func (t *Transfer) BeginTask() { t.task = &task{} }

// EndTask traps when the guest has not dropped the borrows.
func (t *Transfer) EndTask() {
	if t.task.borrows > 0 {
		trap.Throwf("borrow handles still remain at the end of the call")
	}
}

// charge counts n bytes of values of the guest. It stops a guest that has a million list elements point at
// the same megabyte.
func (t *Transfer) charge(n uint64) {
	a := t.Allowance
	t.lifted += n
	limit := max(*a.Left, slack+*a.Left) // without overflow
	if a.Held += n; a.Held > limit {
		trap.Throw(&ExcessError{limit})
	}
}

// ExcessError says that the guest's values take more than the Allowance has.
type ExcessError struct{ Limit uint64 } // in bytes

// Error returns the limit.
func (e *ExcessError) Error() string { return fmt.Sprintf("values of more than %d bytes", e.Limit) }

// View gets the memory again: a call of the guest may have moved it.
func (t *Transfer) View() {
	if t.opt.Memory != nil {
		t.buf = memory.Whole(t.opt.Memory)
	}
}

// check traps when the range is not aligned or is outside of memory.
func (t *Transfer) check(ptr uint32, size uint64, align uint32) {
	if ptr&(align-1) != 0 {
		trap.Throwf("unaligned pointer")
	}
	if uint64(ptr)+size > uint64(len(t.buf)) {
		trap.Throwf("out of bounds memory access: %d bytes at %#x in a memory of %d", size, ptr, len(t.buf))
	}
}

// realloc calls the guest's realloc and checks what it returns.
func (t *Transfer) realloc(old, oldSize, align, size uint32) uint32 {
	if t.opt.Host {
		return t.hostRealloc(old, oldSize, align, size)
	}
	ptr := t.Guest.Realloc(old, oldSize, align, size)
	t.View()
	if ptr&(align-1) != 0 {
		trap.Throwf("realloc return: result not aligned")
	}
	if uint64(ptr)+uint64(size) > uint64(len(t.buf)) {
		trap.Throwf("realloc return: beyond end of memory")
	}
	return ptr
}

// hostRealloc allocates at the end of the host's memory.
func (t *Transfer) hostRealloc(old, oldSize, align, size uint32) uint32 {
	ptr := (uint64(len(t.buf)) + uint64(align) - 1) &^ (uint64(align) - 1)
	if ptr+uint64(size) > math.MaxUint32 {
		trap.Throwf("more than 4 GiB in the values of one call")
	}
	t.buf = append(t.buf, make([]byte, ptr+uint64(size)-uint64(len(t.buf)))...)
	copy(t.buf[ptr:], t.buf[old:old+min(oldSize, size)])
	return uint32(ptr)
}

// Alloc allocates in the guest.
func (t *Transfer) Alloc(align, size uint32) uint32 { return t.realloc(0, 0, align, size) }
