package binary

import (
	"fmt"
	"unicode/utf8"
)

// Error is a fault in the input. It has the offset of the byte at which the fault was seen.
type Error struct {
	Offset int
	Msg    string
	// Unsupported says that the input uses an unsupported feature. The input may be valid.
	Unsupported bool
}

// Error returns the offset and the fault.
func (e *Error) Error() string { return fmt.Sprintf("%s at offset %#x", e.Msg, e.Offset) }

// reader reads through bytes. A method throws a fault as an *Error, and Decode catches it. This keeps the
// productions readable.
type reader struct {
	b     []byte
	pos   int
	end   int
	depth int
	stop  func() error
	items int
}

// stopped is thrown when stop returns an error.
type stopped struct{ err error }

// askEvery is how many items are read between two calls of stop.
const askEvery = 1024

// item counts an item of a vector.
func (r *reader) item() {
	if r.items++; r.items%askEvery > 0 || r.stop == nil {
		return
	}
	if err := r.stop(); err != nil {
		panic(stopped{err})
	}
}

func (r *reader) fail(offset int, format string, args ...any) {
	panic(&Error{Offset: offset, Msg: fmt.Sprintf(format, args...)})
}

func (r *reader) unsupported(offset int, format string, args ...any) {
	panic(&Error{offset, fmt.Sprintf(format, args...), true})
}

func (r *reader) done() bool { return r.pos >= r.end }

func (r *reader) byte() byte {
	if r.pos >= r.end {
		r.fail(r.pos, "unexpected end")
	}
	b := r.b[r.pos]
	r.pos++
	return b
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(r.end-r.pos) {
		r.fail(r.pos, "unexpected end: %d bytes wanted, %d left", n, r.end-r.pos)
	}
	b := r.b[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return b
}

func (r *reader) u32() uint32 {
	start := r.pos
	var v uint32
	for shift := 0; ; shift += 7 {
		b := r.byte()
		if shift == 28 && b > 0x0f {
			if b >= 0x80 {
				r.fail(start, "integer representation too long")
			}
			r.fail(start, "integer too large")
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

func (r *reader) u64() uint64 {
	start := r.pos
	var v uint64
	for shift := 0; ; shift += 7 {
		b := r.byte()
		if shift == 63 && b > 1 {
			r.fail(start, "integer too large")
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

// s33 reads a signed 33-bit LEB128: type opcodes are negative, indices are not.
func (r *reader) s33() int64 {
	start := r.pos
	var v int64
	for shift := 0; ; shift += 7 {
		b := r.byte()
		if shift == 28 && b >= 0x80 {
			r.fail(start, "integer representation too long")
		}
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			if v < -1<<32 || v >= 1<<32 {
				r.fail(start, "integer too large")
			}
			return v
		}
	}
}

// count reads the length of a vector. Every element takes at least a byte, so a count larger than the bytes
// left is refused before anything is allocated.
func (r *reader) count(what string, limit uint32) int {
	start := r.pos
	n := r.u32()
	if n > limit {
		r.fail(start, "%d %s are more than the limit of %d", n, what, limit)
	}
	if int64(n) > int64(r.end-r.pos) {
		r.fail(start, "unexpected end: a count of %d %s with %d bytes left", n, what, r.end-r.pos)
	}
	return int(n)
}

func (r *reader) name() string {
	n := r.u32()
	start := r.pos
	if n > maxName {
		r.fail(start, "name of %d bytes is longer than the limit of %d", n, maxName)
	}
	b := r.bytes(n)
	if !utf8.Valid(b) {
		r.fail(start, "malformed UTF-8 encoding")
	}
	return string(b)
}

// vec reads a vector, element by element.
func vec[T any](r *reader, what string, limit uint32, elem func() T) []T {
	n := r.count(what, limit)
	if n == 0 {
		return nil
	}
	out := make([]T, 0, min(n, 1024))
	for range n {
		r.item()
		out = append(out, elem())
	}
	return out
}

// nested runs f one level deeper.
func (r *reader) nested(offset int, f func()) {
	r.depth++
	if r.depth > maxDepth {
		r.fail(offset, "nesting deeper than the limit of %d", maxDepth)
	}
	f()
	r.depth--
}

// within runs f on the next n bytes. f must use all of them.
func (r *reader) within(n uint32, what string, f func()) {
	start := r.pos
	if uint64(n) > uint64(r.end-r.pos) {
		r.fail(start, "unexpected end: %s of %d bytes with %d left", what, n, r.end-r.pos)
	}
	outer := r.end
	r.end = r.pos + int(n)
	f()
	if r.pos != r.end {
		r.fail(r.pos, "%s has %d bytes more than its contents", what, r.end-r.pos)
	}
	r.end = outer
}
