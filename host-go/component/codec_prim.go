package component

import (
	"encoding/binary"
	"math"
)

// The codecs of the primitive types. Narrow integers ignore the upper bits of
// their core value when lifted.
type (
	boolCodec struct{}
	s8Codec   struct{}
	u8Codec   struct{}
	s16Codec  struct{}
	u16Codec  struct{}
	s32Codec  struct{}
	u32Codec  struct{}
	s64Codec  struct{}
	u64Codec  struct{}
	f32Codec  struct{}
	f64Codec  struct{}
	charCodec struct{}
)

var le = binary.LittleEndian

func (boolCodec) load(t *transfer, ptr uint32) any    { return t.buf[ptr] != 0 }
func (boolCodec) lift(_ *transfer, flat []uint64) any { return uint32(flat[0]) != 0 }

func (boolCodec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(bool)
	if !ok {
		mismatchPrim("bool", v)
	}
	t.buf[ptr] = byte(bit(x))
}

func (boolCodec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(bool)
	if !ok {
		mismatchPrim("bool", v)
	}
	flat[0] = bit(x)
}

func (s8Codec) load(t *transfer, ptr uint32) any    { return int8(t.buf[ptr]) }
func (s8Codec) lift(_ *transfer, flat []uint64) any { return int8(flat[0]) }

func (s8Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(int8)
	if !ok {
		mismatchPrim("s8", v)
	}
	t.buf[ptr] = byte(x)
}

func (s8Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(int8)
	if !ok {
		mismatchPrim("s8", v)
	}
	flat[0] = uint64(uint32(x))
}

func (u8Codec) load(t *transfer, ptr uint32) any    { return uint8(t.buf[ptr]) }
func (u8Codec) lift(_ *transfer, flat []uint64) any { return uint8(flat[0]) }

func (u8Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(uint8)
	if !ok {
		mismatchPrim("u8", v)
	}
	t.buf[ptr] = byte(x)
}

func (u8Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(uint8)
	if !ok {
		mismatchPrim("u8", v)
	}
	flat[0] = uint64(uint32(x))
}

func (s16Codec) load(t *transfer, ptr uint32) any    { return int16(le.Uint16(t.buf[ptr:])) }
func (s16Codec) lift(_ *transfer, flat []uint64) any { return int16(flat[0]) }

func (s16Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(int16)
	if !ok {
		mismatchPrim("s16", v)
	}
	le.PutUint16(t.buf[ptr:], uint16(x))
}

func (s16Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(int16)
	if !ok {
		mismatchPrim("s16", v)
	}
	flat[0] = uint64(uint32(x))
}

func (u16Codec) load(t *transfer, ptr uint32) any    { return uint16(le.Uint16(t.buf[ptr:])) }
func (u16Codec) lift(_ *transfer, flat []uint64) any { return uint16(flat[0]) }

func (u16Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(uint16)
	if !ok {
		mismatchPrim("u16", v)
	}
	le.PutUint16(t.buf[ptr:], uint16(x))
}

func (u16Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(uint16)
	if !ok {
		mismatchPrim("u16", v)
	}
	flat[0] = uint64(uint32(x))
}

func (s32Codec) load(t *transfer, ptr uint32) any    { return int32(le.Uint32(t.buf[ptr:])) }
func (s32Codec) lift(_ *transfer, flat []uint64) any { return int32(flat[0]) }

func (s32Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(int32)
	if !ok {
		mismatchPrim("s32", v)
	}
	le.PutUint32(t.buf[ptr:], uint32(x))
}

func (s32Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(int32)
	if !ok {
		mismatchPrim("s32", v)
	}
	flat[0] = uint64(uint32(x))
}

func (u32Codec) load(t *transfer, ptr uint32) any    { return uint32(le.Uint32(t.buf[ptr:])) }
func (u32Codec) lift(_ *transfer, flat []uint64) any { return uint32(flat[0]) }

func (u32Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(uint32)
	if !ok {
		mismatchPrim("u32", v)
	}
	le.PutUint32(t.buf[ptr:], uint32(x))
}

func (u32Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(uint32)
	if !ok {
		mismatchPrim("u32", v)
	}
	flat[0] = uint64(uint32(x))
}

func (s64Codec) load(t *transfer, ptr uint32) any    { return int64(le.Uint64(t.buf[ptr:])) }
func (s64Codec) lift(_ *transfer, flat []uint64) any { return int64(flat[0]) }

func (s64Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(int64)
	if !ok {
		mismatchPrim("s64", v)
	}
	le.PutUint64(t.buf[ptr:], uint64(x))
}

func (s64Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(int64)
	if !ok {
		mismatchPrim("s64", v)
	}
	flat[0] = uint64(x)
}

func (u64Codec) load(t *transfer, ptr uint32) any    { return uint64(le.Uint64(t.buf[ptr:])) }
func (u64Codec) lift(_ *transfer, flat []uint64) any { return uint64(flat[0]) }

func (u64Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(uint64)
	if !ok {
		mismatchPrim("u64", v)
	}
	le.PutUint64(t.buf[ptr:], uint64(x))
}

func (u64Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(uint64)
	if !ok {
		mismatchPrim("u64", v)
	}
	flat[0] = uint64(x)
}

func (f32Codec) load(t *transfer, ptr uint32) any    { return liftF32(le.Uint32(t.buf[ptr:])) }
func (f32Codec) lift(_ *transfer, flat []uint64) any { return liftF32(uint32(flat[0])) }

func (f32Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(float32)
	if !ok {
		mismatchPrim("f32", v)
	}
	le.PutUint32(t.buf[ptr:], lowerF32(x))
}

func (f32Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(float32)
	if !ok {
		mismatchPrim("f32", v)
	}
	flat[0] = uint64(lowerF32(x))
}

func (f64Codec) load(t *transfer, ptr uint32) any    { return liftF64(le.Uint64(t.buf[ptr:])) }
func (f64Codec) lift(_ *transfer, flat []uint64) any { return liftF64(flat[0]) }

func (f64Codec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(float64)
	if !ok {
		mismatchPrim("f64", v)
	}
	le.PutUint64(t.buf[ptr:], lowerF64(x))
}

func (f64Codec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(float64)
	if !ok {
		mismatchPrim("f64", v)
	}
	flat[0] = uint64(lowerF64(x))
}

func (charCodec) load(t *transfer, ptr uint32) any    { return liftChar(le.Uint32(t.buf[ptr:])) }
func (charCodec) lift(_ *transfer, flat []uint64) any { return liftChar(uint32(flat[0])) }

func (charCodec) store(t *transfer, ptr uint32, v any) {
	x, ok := v.(rune)
	if !ok {
		mismatchPrim("char", v)
	}
	le.PutUint32(t.buf[ptr:], lowerChar(x))
}

func (charCodec) lower(_ *transfer, flat []uint64, v any) {
	x, ok := v.(rune)
	if !ok {
		mismatchPrim("char", v)
	}
	flat[0] = uint64(lowerChar(x))
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// The one NaN that the Canonical ABI lets through in each direction.
const (
	canonicalNaN32 = 0x7fc00000
	canonicalNaN64 = 0x7ff8000000000000
)

func liftF32(bits uint32) float32 {
	if f := math.Float32frombits(bits); f == f {
		return f
	}
	return math.Float32frombits(canonicalNaN32)
}

func liftF64(bits uint64) float64 {
	if f := math.Float64frombits(bits); f == f {
		return f
	}
	return math.Float64frombits(canonicalNaN64)
}

func lowerF32(f float32) uint32 {
	if f != f {
		return canonicalNaN32
	}
	return math.Float32bits(f)
}

func lowerF64(f float64) uint64 {
	if f != f {
		return canonicalNaN64
	}
	return math.Float64bits(f)
}

func validChar(c uint32) bool { return c < 0xd800 || (c > 0xdfff && c < 0x110000) }

func liftChar(c uint32) rune {
	if !validChar(c) {
		trapf("integer value %#x is not a valid char", c)
	}
	return rune(c)
}

func lowerChar(c rune) uint32 {
	if !validChar(uint32(c)) {
		panic(&ValueError{Type: "char", Value: c, Msg: "not a Unicode scalar value"})
	}
	return uint32(c)
}
