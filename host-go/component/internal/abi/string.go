package abi

import (
	"fmt"
	"reflect"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// maxBytes is MAX_STRING_BYTE_LENGTH and MAX_LIST_BYTE_LENGTH.
const maxBytes = 1<<28 - 1

// utf16Tag marks a latin1+utf16 length as counting UTF-16 code units.
const utf16Tag = 1 << 31

// stringCodec is string, in any of the three encodings.
type stringCodec struct{}

func (stringCodec) wit() fmt.Stringer    { return types.String }
func (stringCodec) goKind() reflect.Kind { return reflect.String }

func (stringCodec) load(t *Transfer, ptr uint32) any { return t.loadString(t.getSpan(ptr)) }

func (stringCodec) lift(t *Transfer, flat []uint64) any { return t.loadString(liftSpan(flat)) }

func (stringCodec) store(t *Transfer, ptr uint32, v any) {
	t.putSpan(ptr, t.storeString(stringValue(v)))
}

func (stringCodec) lower(t *Transfer, flat []uint64, v any) {
	t.storeString(stringValue(v)).lower(flat)
}

func (stringCodec) loadTo(t *Transfer, ptr uint32, p pointer) {
	*(*string)(p) = t.loadString(t.getSpan(ptr))
}

func (stringCodec) liftTo(t *Transfer, flat []uint64, p pointer) {
	*(*string)(p) = t.loadString(liftSpan(flat))
}

func (stringCodec) storeFrom(t *Transfer, ptr uint32, p pointer) {
	t.putSpan(ptr, t.storeString(*(*string)(p)))
}

func (stringCodec) lowerFrom(t *Transfer, flat []uint64, p pointer) {
	t.storeString(*(*string)(p)).lower(flat)
}

func stringValue(v any) string {
	s, ok := v.(string)
	if !ok {
		mismatch(types.String, v)
	}
	return s
}

// loadString is load_string_from_range.
func (t *Transfer) loadString(s span) string {
	ptr, units := s.ptr, s.n
	switch t.opt.Encoding {
	case binary.UTF16:
		return t.loadUTF16(ptr, units)
	case binary.Latin1UTF16:
		if units&utf16Tag != 0 {
			return t.loadUTF16(ptr, units^utf16Tag)
		}
		b := t.stringBytes(ptr, uint64(units), 2)
		return latin1String(b)
	}
	b := t.stringBytes(ptr, uint64(units), 1)
	if !utf8.Valid(b) {
		trap.Throwf("invalid utf-8 string")
	}
	return string(b)
}

func (t *Transfer) stringBytes(ptr uint32, size uint64, align uint32) []byte {
	if size > maxBytes {
		trap.Throwf("string of %d bytes is longer than the limit of %d", size, maxBytes)
	}
	if ptr&(align-1) != 0 {
		trap.Throwf("string pointer is not aligned to %d", align)
	}
	if uint64(ptr)+size > uint64(len(t.buf)) {
		trap.Throwf("string pointer/length out of bounds of memory: %d bytes at %#x", size, ptr)
	}
	t.charge(size)
	return t.buf[ptr : uint64(ptr)+size]
}

func (t *Transfer) loadUTF16(ptr, units uint32) string {
	b := t.stringBytes(ptr, 2*uint64(units), 2)
	out := make([]byte, 0, len(b)/2)
	for i := 0; i < len(b); i += 2 {
		r := rune(le.Uint16(b[i:]))
		if utf16.IsSurrogate(r) {
			if i+2 >= len(b) {
				trap.Throwf("unpaired surrogate in utf-16 string")
			}
			r = utf16.DecodeRune(r, rune(le.Uint16(b[i+2:])))
			if r == utf8.RuneError {
				trap.Throwf("unpaired surrogate in utf-16 string")
			}
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

func latin1String(b []byte) string {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return string(out)
}

// storeString is store_string_into_range for a Go string, which is UTF-8.
func (t *Transfer) storeString(s string) span {
	if len(s) > maxBytes {
		panic(&ValueError{Type: "string", Value: s, Msg: "longer than 256 MiB"})
	}
	if !utf8.ValidString(s) {
		panic(&ValueError{Type: "string", Value: s, Msg: "not valid UTF-8"})
	}
	switch t.opt.Encoding {
	case binary.UTF16:
		return t.storeUTF16(s)
	case binary.Latin1UTF16:
		return t.storeLatin1UTF16(s)
	}
	n := uint32(len(s))
	ptr := t.Alloc(1, n)
	copy(t.buf[ptr:], s)
	return span{ptr, n}
}

// storeUTF16 is store_utf8_to_utf16: it allocates for the worst case and then frees the rest.
func (t *Transfer) storeUTF16(s string) span {
	worst := 2 * uint32(len(s))
	ptr := t.Alloc(2, worst)
	size := t.putUTF16(ptr, s)
	if size < worst {
		ptr = t.realloc(ptr, worst, 2, size)
	}
	return span{ptr, size / 2}
}

// putUTF16 writes s as UTF-16 and returns its size in bytes.
func (t *Transfer) putUTF16(ptr uint32, s string) uint32 {
	p := ptr
	for _, r := range s {
		if r1, r2 := utf16.EncodeRune(r); r >= 0x10000 {
			le.PutUint16(t.buf[p:], uint16(r1))
			le.PutUint16(t.buf[p+2:], uint16(r2))
			p += 4
			continue
		}
		le.PutUint16(t.buf[p:], uint16(r))
		p += 2
	}
	return p - ptr
}

// storeLatin1UTF16 is store_string_to_latin1_or_utf16: it writes Latin-1 until a character does not fit, and
// then the whole string as UTF-16.
func (t *Transfer) storeLatin1UTF16(s string) span {
	n := uint32(len(s))
	ptr := t.Alloc(2, n)
	p := ptr
	for _, r := range s {
		if r >= 1<<8 {
			worst := 2 * n
			ptr = t.realloc(ptr, n, 2, worst)
			size := t.putUTF16(ptr, s)
			if size < worst {
				ptr = t.realloc(ptr, worst, 2, size)
			}
			return span{ptr, size/2 | utf16Tag}
		}
		t.buf[p] = byte(r)
		p++
	}
	if size := p - ptr; size < n {
		ptr = t.realloc(ptr, n, 2, size)
		return span{ptr, size}
	}
	return span{ptr, n}
}
