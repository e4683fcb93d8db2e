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
	// Memory is the memory of the values; nil for none.
	Memory api.Memory
	// Host says that the values pass through memory of the host's, which lasts for
	// the call. Memory is nil then, and nobody's Realloc is called.
	Host bool
}

// Guest is the side of a call that values are lifted out of, or lowered into.
type Guest interface {
	// Realloc calls the guest's realloc.
	Realloc(old, oldSize, align, size uint32) uint32
	// Resource makes the Go value of a handle of a guest's resource; Return ends the
	// value of a borrow.
	Resource(typ int, rep uint32, own bool) any
	Return(v any)
	// Rep checks the Go value that is given for a handle, and returns the
	// representation. An own handle is the host's no more. It panics with a
	// *ValueError.
	Rep(v any, typ *types.Value) uint32
}

// Allowance bounds what the calls of one instance make the host allocate for values
// of the guest, in bytes: to what is left of its budget, and some more.
type Allowance struct {
	Left *uint64 // of the budget
	Held uint64  // for the calls that run
}

// slack is what the values of a guest may take while calls run, when its budget is
// used up.
const slack = 16 << 20

// Transfer is the context of lifting and lowering the values of one call
// (CanonicalABI.md, LiftLowerContext). It can be used again for another call, after
// Begin.
type Transfer struct {
	// Guest is the other side, Allowance that of its instance. They are set before
	// the first Begin.
	Guest     Guest
	Allowance *Allowance

	opt     *Options
	handles *Table
	// buf is the memory as it is now. Allocation in the guest may move it.
	buf []byte
	// task is the scope of borrows lowered, when there can be any.
	task *task
	// lends are the handles lent by borrows lifted.
	lends []lend
	// lifted is how much of the guest's values the call has made, in bytes.
	lifted uint64
}

// Begin begins a call with the options, and with the handles of the component
// instance.
func (t *Transfer) Begin(opt *Options, handles *Table) {
	t.opt, t.handles, t.buf, t.task, t.lends, t.lifted = opt, handles, nil, nil, t.lends[:0], 0
}

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

// charge counts n bytes of values of the guest. A guest that has a million list
// elements point at the same megabyte is stopped here.
func (t *Transfer) charge(n uint64) {
	a := t.Allowance
	t.lifted += n
	limit := max(*a.Left, slack+*a.Left) // without overflow
	if a.Held += n; a.Held > limit {
		trap.Throw(&ExcessError{limit})
	}
}

// ExcessError is more values of the guest than the Allowance has.
type ExcessError struct{ Limit uint64 } // in bytes

// Error tells the limit.
func (e *ExcessError) Error() string { return fmt.Sprintf("values of more than %d bytes", e.Limit) }

// View fetches the memory again, which a call of the guest may have moved.
func (t *Transfer) View() {
	if t.opt.Memory != nil {
		t.buf = memory.Whole(t.opt.Memory)
	}
}

// check traps when the range is not aligned or not in memory.
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

// hostRealloc allocates at the end of the memory of the host's.
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
