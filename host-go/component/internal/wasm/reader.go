package wasm

import (
	"fmt"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/component/internal/text"
)

// Error is a fault in a core module, with its offset in the module.
type Error struct {
	Offset int
	Msg    string
	// Unsupported says that the module uses an unsupported feature. The module may be valid.
	Unsupported bool
}

// Error returns the offset and the fault.
func (e *Error) Error() string {
	return fmt.Sprintf("core module: %s at offset %#x", e.Msg, e.Offset)
}

// reader reads through bytes. Its methods throw faults, and catch catches them.
type reader struct {
	b        []byte
	pos, end int
}

func catch(err *error) {
	switch x := recover().(type) {
	case nil:
	case *Error:
		*err = x
	case *ComplexityError:
		*err = x
	case stopped:
		*err = x.err
	default:
		panic(x)
	}
}

func (r *reader) fail(format string, args ...any) {
	panic(&Error{Offset: r.pos, Msg: text.Short(fmt.Sprintf(format, args...))})
}

func (r *reader) byte() byte {
	if r.pos >= r.end {
		r.fail("unexpected end")
	}
	r.pos++
	return r.b[r.pos-1]
}

func (r *reader) u32() uint32 {
	var v uint32
	for shift := 0; ; shift += 7 {
		b := r.byte()
		if shift == 28 && b > 0x0f {
			r.fail("integer too large")
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

func (r *reader) u64() uint64 {
	var v uint64
	for shift := 0; ; shift += 7 {
		b := r.byte()
		if shift == 63 && b > 1 {
			r.fail("integer too large")
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

// leb skips a LEB128 of any width.
func (r *reader) leb() {
	for i := 0; r.byte() >= 0x80; i++ {
		if i == 9 {
			r.fail("integer representation too long")
		}
	}
}

func (r *reader) skip(n uint32) {
	if uint64(n) > uint64(r.end-r.pos) {
		r.fail("unexpected end")
	}
	r.pos += int(n)
}

func (r *reader) name() string {
	n := r.u32()
	start := r.pos
	r.skip(n)
	b := r.b[start:r.pos]
	if !utf8.Valid(b) {
		r.fail("malformed UTF-8 encoding")
	}
	return string(b)
}

func (r *reader) count() int {
	n := r.u32()
	if uint64(n) > uint64(r.end-r.pos) {
		r.fail("unexpected end: a count of %d with %d bytes left", n, r.end-r.pos)
	}
	return int(n)
}

func (r *reader) valType() byte {
	t := r.byte()
	switch t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
		return t
	}
	if what := UnsupportedType(t); what != "" {
		r.unsupported(what)
	}
	r.fail("malformed value type %#x", t)
	return 0
}

func (r *reader) funcType() *FuncType {
	if b := r.byte(); b != 0x60 {
		if what := UnsupportedType(b); what != "" {
			r.unsupported(what)
		}
		r.fail("core type %#x is not a function type", b)
	}
	return &FuncType{Params: r.valTypes("parameters"), Results: r.valTypes("results")}
}

// maxValues is how many parameters, and how many results, a core function may have. Browsers' engines have
// the same bound. Work on a type counts as one step, whatever its length.
const maxValues = 1_000

func (r *reader) valTypes(what string) (out []byte) {
	n := r.count()
	if n > maxValues {
		r.fail("%d %s of a function are more than the limit of %d", n, what, maxValues)
	}
	for range n {
		out = append(out, r.valType())
	}
	return out
}

func (r *reader) global() ExternType {
	t := ExternType{Kind: KindGlobal, Val: r.valType()}
	m := r.byte()
	if m > 1 {
		r.fail("malformed mutability")
	}
	t.Mutable = m == 1
	return t
}

func (r *reader) limits() Limits {
	flags := r.byte()
	switch {
	case flags > 15:
		r.fail("malformed limits flags %#x", flags)
	case flags&8 != 0:
		r.unsupported(customPageSizes)
	case flags&4 != 0:
		r.unsupported(memory64)
	case flags&2 != 0:
		r.unsupported(threads)
	}
	l := Limits{HasMax: flags&1 != 0, Shared: flags&2 != 0, I64: flags&4 != 0, Min: r.u64()}
	if l.HasMax {
		l.Max = r.u64()
	}
	return l
}

// constExpr skips a constant expression, including its end.
func (r *reader) constExpr() {
	for r.constInstr() {
	}
}

// constInstr skips an instruction of a constant expression. It returns false for the end.
func (r *reader) constInstr() bool {
	switch op := r.byte(); op {
	case opEnd:
		return false
	case opGlobalGet, opRefFunc, opRefNull, opI32Const, opI64Const:
		r.leb()
	case opF32Const:
		r.skip(4)
	case opF64Const:
		r.skip(8)
	case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // extended constant arithmetic
	case opVec:
		if sub := r.u32(); sub != 12 {
			r.fail("constant expression: vector instruction %d", sub)
		}
		r.skip(16)
	default:
		r.fail("constant expression: instruction %#x", op)
	}
	return true
}

// importDesc skips the type of an import.
func (r *reader) importDesc() {
	switch kind := r.byte(); ExternKind(kind) {
	case KindFunc:
		r.leb()
	case KindTable:
		r.valType()
		r.limits()
	case KindMemory:
		r.limits()
	case KindGlobal:
		r.global()
	case KindTag:
		r.byte()
		r.leb()
	default:
		r.fail("malformed import kind %#x", kind)
	}
}
