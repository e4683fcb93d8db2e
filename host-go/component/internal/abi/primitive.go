package abi

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

var le = binary.LittleEndian

// primCodec is the codec of a primitive type. It works on WIT values and on Go variables of the kind goKind.
type primCodec interface {
	codec
	typedCodec
	goKind() reflect.Kind
}

// integer are the Go types of WIT's integers.
type integer interface {
	int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64
}

// intCodec is an integer. Lifting a narrow integer ignores the upper bits of its core value.
type intCodec[T integer] struct{ kind types.Kind }

func (intCodec[T]) goKind() reflect.Kind { return reflect.TypeFor[T]().Kind() }

func (c intCodec[T]) wit() fmt.Stringer { return c.kind }

func (c intCodec[T]) value(v any) T {
	x, ok := v.(T)
	if !ok {
		mismatch(c.kind, v)
	}
	return x
}

func (intCodec[T]) get(b []byte) T {
	switch unsafe.Sizeof(T(0)) {
	case 1:
		return T(b[0])
	case 2:
		return T(le.Uint16(b))
	case 4:
		return T(le.Uint32(b))
	}
	return T(le.Uint64(b))
}

func (intCodec[T]) put(b []byte, x T) {
	switch unsafe.Sizeof(x) {
	case 1:
		b[0] = byte(x)
	case 2:
		le.PutUint16(b, uint16(x))
	case 4:
		le.PutUint32(b, uint32(x))
	default:
		le.PutUint64(b, uint64(x))
	}
}

// word returns the core value: an i64, or an i32 to which a narrow integer is extended.
func (intCodec[T]) word(x T) uint64 {
	if unsafe.Sizeof(x) == 8 {
		return uint64(x)
	}
	return uint64(uint32(x))
}

func (c intCodec[T]) load(t *Transfer, ptr uint32) any          { return c.get(t.buf[ptr:]) }
func (c intCodec[T]) lift(_ *Transfer, flat []uint64) any       { return T(flat[0]) }
func (c intCodec[T]) store(t *Transfer, ptr uint32, v any)      { c.put(t.buf[ptr:], c.value(v)) }
func (c intCodec[T]) lower(_ *Transfer, flat []uint64, v any)   { flat[0] = c.word(c.value(v)) }
func (c intCodec[T]) loadTo(t *Transfer, ptr uint32, p pointer) { *(*T)(p) = c.get(t.buf[ptr:]) }
func (c intCodec[T]) liftTo(_ *Transfer, flat []uint64, p pointer) {
	*(*T)(p) = T(flat[0])
}
func (c intCodec[T]) storeFrom(t *Transfer, ptr uint32, p pointer) { c.put(t.buf[ptr:], *(*T)(p)) }
func (c intCodec[T]) lowerFrom(_ *Transfer, flat []uint64, p pointer) {
	flat[0] = c.word(*(*T)(p))
}

// scalar converts a primitive type other than an integer to a core value and back. In memory the value has as
// many bytes of the core value as size says.
type scalar[T any] interface {
	kind() types.Kind
	size() uintptr
	decode(bits uint64) T
	encode(x T) uint64
}

// scalarCodec is bool, a float, or char.
type scalarCodec[T any, S scalar[T]] struct{ s S }

func (scalarCodec[T, S]) goKind() reflect.Kind { return reflect.TypeFor[T]().Kind() }

func (c scalarCodec[T, S]) wit() fmt.Stringer { return c.s.kind() }

func (c scalarCodec[T, S]) value(v any) uint64 {
	x, ok := v.(T)
	if !ok {
		mismatch(c.s.kind(), v)
	}
	return c.s.encode(x)
}

func (c scalarCodec[T, S]) get(b []byte) T {
	switch c.s.size() {
	case 1:
		return c.s.decode(uint64(b[0]))
	case 4:
		return c.s.decode(uint64(le.Uint32(b)))
	}
	return c.s.decode(le.Uint64(b))
}

func (c scalarCodec[T, S]) put(b []byte, bits uint64) {
	switch c.s.size() {
	case 1:
		b[0] = byte(bits)
	case 4:
		le.PutUint32(b, uint32(bits))
	default:
		le.PutUint64(b, bits)
	}
}

func (c scalarCodec[T, S]) load(t *Transfer, ptr uint32) any        { return c.get(t.buf[ptr:]) }
func (c scalarCodec[T, S]) lift(_ *Transfer, flat []uint64) any     { return c.s.decode(flat[0]) }
func (c scalarCodec[T, S]) store(t *Transfer, ptr uint32, v any)    { c.put(t.buf[ptr:], c.value(v)) }
func (c scalarCodec[T, S]) lower(_ *Transfer, flat []uint64, v any) { flat[0] = c.value(v) }
func (c scalarCodec[T, S]) loadTo(t *Transfer, ptr uint32, p pointer) {
	*(*T)(p) = c.get(t.buf[ptr:])
}

func (c scalarCodec[T, S]) liftTo(_ *Transfer, flat []uint64, p pointer) {
	*(*T)(p) = c.s.decode(flat[0])
}

func (c scalarCodec[T, S]) storeFrom(t *Transfer, ptr uint32, p pointer) {
	c.put(t.buf[ptr:], c.s.encode(*(*T)(p)))
}

func (c scalarCodec[T, S]) lowerFrom(_ *Transfer, flat []uint64, p pointer) {
	flat[0] = c.s.encode(*(*T)(p))
}

type (
	boolScalar struct{}
	f32Scalar  struct{}
	f64Scalar  struct{}
	charScalar struct{}

	boolCodec = scalarCodec[bool, boolScalar]
	f32Codec  = scalarCodec[float32, f32Scalar]
	f64Codec  = scalarCodec[float64, f64Scalar]
	charCodec = scalarCodec[rune, charScalar]
)

func (boolScalar) kind() types.Kind        { return types.Bool }
func (boolScalar) size() uintptr           { return 1 }
func (boolScalar) decode(bits uint64) bool { return uint32(bits) != 0 }
func (boolScalar) encode(x bool) uint64    { return bit(x) }

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// The Canonical ABI lets only this NaN through, in each direction.
const (
	canonicalNaN32 = 0x7fc00000
	canonicalNaN64 = 0x7ff8000000000000
)

func (f32Scalar) kind() types.Kind { return types.F32 }
func (f32Scalar) size() uintptr    { return 4 }

func (f32Scalar) decode(bits uint64) float32 {
	if f := math.Float32frombits(uint32(bits)); f == f {
		return f
	}
	return math.Float32frombits(canonicalNaN32)
}

func (f32Scalar) encode(f float32) uint64 {
	if f != f {
		return canonicalNaN32
	}
	return uint64(math.Float32bits(f))
}

func (f64Scalar) kind() types.Kind { return types.F64 }
func (f64Scalar) size() uintptr    { return 8 }

func (f64Scalar) decode(bits uint64) float64 {
	if f := math.Float64frombits(bits); f == f {
		return f
	}
	return math.Float64frombits(canonicalNaN64)
}

func (f64Scalar) encode(f float64) uint64 {
	if f != f {
		return canonicalNaN64
	}
	return math.Float64bits(f)
}

func (charScalar) kind() types.Kind { return types.Char }
func (charScalar) size() uintptr    { return 4 }

func validChar(c uint32) bool { return c < 0xd800 || (c > 0xdfff && c < 0x110000) }

func (charScalar) decode(bits uint64) rune {
	c := uint32(bits)
	if !validChar(c) {
		trap.Throwf("integer value %#x is not a valid char", c)
	}
	return rune(c)
}

func (charScalar) encode(c rune) uint64 {
	if !validChar(uint32(c)) {
		panic(&ValueError{Type: "char", Value: c, Msg: "not a Unicode scalar value"})
	}
	return uint64(uint32(c))
}
