package abi

import (
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// bytesCodec is list<u8>.
type bytesCodec struct{ typ *types.Value }

func (c bytesCodec) load(t *Transfer, ptr uint32) any     { return t.loadBytes(t.getSpan(ptr)) }
func (c bytesCodec) lift(t *Transfer, flat []uint64) any  { return t.loadBytes(liftSpan(flat)) }
func (c bytesCodec) store(t *Transfer, ptr uint32, v any) { t.putSpan(ptr, t.storeBytes(c.value(v))) }

func (c bytesCodec) lower(t *Transfer, flat []uint64, v any) { t.storeBytes(c.value(v)).lower(flat) }

func (c bytesCodec) loadTo(t *Transfer, ptr uint32, p pointer) {
	*(*[]byte)(p) = t.loadBytes(t.getSpan(ptr))
}

func (c bytesCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	*(*[]byte)(p) = t.loadBytes(liftSpan(flat))
}

func (c bytesCodec) storeFrom(t *Transfer, ptr uint32, p pointer) {
	t.putSpan(ptr, t.storeBytes(*(*[]byte)(p)))
}

func (c bytesCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	t.storeBytes(*(*[]byte)(p)).lower(flat)
}

func (c bytesCodec) wit() fmt.Stringer { return c.typ }

func (c bytesCodec) value(v any) []byte {
	b, ok := v.([]byte)
	if !ok {
		mismatch(c.typ, v)
	}
	return b
}

func (t *Transfer) loadBytes(s span) []byte {
	t.checkList(s.ptr, uint64(s.n), 1)
	out := make([]byte, s.n)
	copy(out, t.buf[s.ptr:])
	return out
}

func (t *Transfer) storeBytes(b []byte) span {
	if len(b) > maxBytes {
		panic(&ValueError{Type: "list<u8>", Value: b, Msg: "longer than 256 MiB"})
	}
	ptr := t.Alloc(1, uint32(len(b)))
	copy(t.buf[ptr:], b)
	return span{ptr, uint32(len(b))}
}
