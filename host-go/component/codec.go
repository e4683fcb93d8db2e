package component

import (
	"fmt"
	"unsafe"

	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// codec lifts and lowers the values of one type (CanonicalABI.md, "Loading",
// "Storing", "Flat Lifting", "Flat Lowering"). It is built once when a component
// is compiled: sizes, offsets and case numbers are in it.
//
// Core values are 64-bit words as the core runtime passes them: an i32 or f32
// is in the lower half. So the coercions between the cases of a variant are
// truncations, which every codec does anyway.
//
// load and store work on a range that the caller has checked; memory that the
// value points to they check themselves. They trap by panicking with a *trap.
type codec interface {
	load(t *transfer, ptr uint32) any
	store(t *transfer, ptr uint32, v any)
	lift(t *transfer, flat []uint64) any
	lower(t *transfer, flat []uint64, v any)
	// wit is the type.
	wit() fmt.Stringer
}

// typedCodec is a codec for a Go type too: p points to a variable of it.
type typedCodec interface {
	loadTo(t *transfer, ptr uint32, p pointer)
	storeFrom(t *transfer, ptr uint32, p pointer)
	liftTo(t *transfer, flat []uint64, p pointer)
	lowerFrom(t *transfer, flat []uint64, p pointer)
}

type pointer = unsafe.Pointer

// codecs builds and keeps codecs by type.
type codecs struct {
	u    *types.Universe
	host func(resource int) bool
	of   map[*types.Value]codec
	// signatures are those of function types.
	signatures map[*types.Func]*signature
}

func (cs *codecs) get(v *types.Value) codec {
	if v == nil {
		return nil
	}
	if c := cs.of[v]; c != nil {
		return c
	}
	c := cs.build(v)
	cs.of[v] = c
	return c
}

func (cs *codecs) build(v *types.Value) codec {
	switch v.Kind {
	case types.Bool:
		return boolCodec{}
	case types.S8:
		return intCodec[int8]{v.Kind}
	case types.U8:
		return intCodec[uint8]{v.Kind}
	case types.S16:
		return intCodec[int16]{v.Kind}
	case types.U16:
		return intCodec[uint16]{v.Kind}
	case types.S32:
		return intCodec[int32]{v.Kind}
	case types.U32:
		return intCodec[uint32]{v.Kind}
	case types.S64:
		return intCodec[int64]{v.Kind}
	case types.U64:
		return intCodec[uint64]{v.Kind}
	case types.F32:
		return f32Codec{}
	case types.F64:
		return f64Codec{}
	case types.Char:
		return charCodec{}
	case types.String:
		return stringCodec{}
	case types.List:
		if v.Elem.Kind == types.U8 {
			return bytesCodec{v}
		}
		return &listCodec{typ: v, elem: cs.get(v.Elem), size: v.Elem.Size, align: v.Elem.Align}
	case types.Map:
		pair := cs.u.Intern(types.Value{Kind: types.Tuple, Fields: []types.Field{{Type: v.Key}, {Type: v.Elem}}})
		return &listCodec{typ: v, elem: cs.get(pair), size: pair.Size, align: pair.Align}
	case types.FixedList:
		return &fixedListCodec{typ: v, elem: cs.get(v.Elem), size: v.Elem.Size, flat: v.Elem.FlatLen}
	case types.Record, types.Tuple:
		return cs.record(v)
	case types.Variant, types.Option, types.Result:
		return cs.variant(v)
	case types.Enum:
		return newEnumCodec(v)
	case types.Flags:
		return &flagsCodec{typ: v, size: v.Size, mask: Flags(1<<uint64(len(v.Labels)) - 1)}
	case types.Own, types.Borrow:
		return &handleCodec{typ: v, resource: v.Resource.Index, own: v.Kind == types.Own, host: cs.host(v.Resource.Index)}
	}
	panic("component: no codec for " + v.Kind.String())
}

// transfer is the context of lifting and lowering the values of one call
// (CanonicalABI.md, LiftLowerContext). An instance keeps those that it has used.
type transfer struct {
	in   *Instance
	comp *componentState
	opt  *instanceOptions
	// buf is the memory as it is now. Allocation in the guest may move it.
	buf []byte
	// task is the scope of borrows lowered, when there can be any.
	task *task
	// lends are the handles lent by borrows lifted.
	lends []lend
	// lifted is how much of the guest's values the call has made, in bytes.
	lifted uint64
}

// begin returns the context of a call that begins, end takes back the one begun
// last.
func (in *Instance) begin(comp *componentState, opt *instanceOptions) *transfer {
	if in.begun == len(in.transfers) {
		in.transfers = append(in.transfers, &transfer{in: in})
	}
	t := in.transfers[in.begun]
	in.begun++
	t.comp, t.opt, t.buf, t.task, t.lends, t.lifted = comp, opt, nil, nil, t.lends[:0], 0
	return t
}

func (in *Instance) end() {
	in.begun--
	in.lifted -= in.transfers[in.begun].lifted
}

// liftSlack is what the values of a guest may take while calls run, when its
// budget is used up.
const liftSlack = 16 << 20

// charge bounds what calls make the host allocate for values of the guest: to
// what is left of its budget, and some more. A guest that has a million list
// elements point at the same megabyte is stopped here.
func (t *transfer) charge(n uint64) {
	in := t.in
	t.lifted += n
	limit := max(in.budget.left, liftSlack+in.budget.left) // without overflow
	if in.lifted += n; in.lifted > limit {
		throw(&LimitError{Resource: "values of one call", Limit: limit})
	}
}

// view fetches the memory again.
func (t *transfer) view() {
	if t.opt.memory != nil {
		t.buf = memory.Whole(t.opt.memory)
	}
}

// check traps when the range is not aligned or not in memory.
func (t *transfer) check(ptr uint32, size uint64, align uint32) {
	if ptr&(align-1) != 0 {
		trapf("unaligned pointer")
	}
	if uint64(ptr)+size > uint64(len(t.buf)) {
		trapf("out of bounds memory access: %d bytes at %#x in a memory of %d", size, ptr, len(t.buf))
	}
}

// realloc calls the guest's realloc and checks what it returns.
func (t *transfer) realloc(old, oldSize, align, size uint32) uint32 {
	if t.opt == hostMemory {
		return t.hostRealloc(old, oldSize, align, size)
	}
	ptr := t.in.realloc(t.comp, t.opt, old, oldSize, align, size)
	t.view()
	if ptr&(align-1) != 0 {
		trapf("realloc return: result not aligned")
	}
	if uint64(ptr)+uint64(size) > uint64(len(t.buf)) {
		trapf("realloc return: beyond end of memory")
	}
	return ptr
}

func (t *transfer) alloc(align, size uint32) uint32 { return t.realloc(0, 0, align, size) }

func mismatch(typ fmt.Stringer, v any) { panic(&ValueError{Type: typ.String(), Value: v}) }
