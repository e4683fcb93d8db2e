// Package build writes core modules and components in their binary formats. It is for tests whose text would
// be too long, or invalid.
package build

import (
	"bytes"
	"encoding/binary"
)

// Bytes is a part of a module or component.
type Bytes = []byte

// Cat joins parts.
func Cat(parts ...Bytes) Bytes { return bytes.Join(parts, nil) }

// Times returns n parts, each made by part.
func Times(n int, part func(i int) Bytes) []Bytes {
	out := make([]Bytes, n)
	for i := range out {
		out[i] = part(i)
	}
	return out
}

// Repeat returns the same part n times.
func Repeat(n int, part ...byte) []Bytes { return Times(n, func(int) Bytes { return part }) }

// U32 returns an unsigned LEB128.
func U32(v int) Bytes { return binary.AppendUvarint(nil, uint64(v)) }

// S32 returns a signed LEB128.
func S32(v int) (out Bytes) {
	for v < -64 || v > 63 {
		out = append(out, byte(v&0x7f|0x80))
		v >>= 7
	}
	return append(out, byte(v&0x7f))
}

// Name returns a string after its length.
func Name(s string) Bytes { return Sized(Bytes(s)) }

// Sized returns parts after their size in bytes.
func Sized(parts ...Bytes) Bytes {
	b := Cat(parts...)
	return append(U32(len(b)), b...)
}

// Vec returns items after their number.
func Vec(items ...Bytes) Bytes { return append(U32(len(items)), Cat(items...)...) }

// Section returns a section of a module or component.
func Section(id byte, contents ...Bytes) Bytes { return append(Bytes{id}, Sized(contents...)...) }

// Module returns a core module with these sections.
func Module(sections ...Bytes) Bytes {
	return Cat(Bytes("\x00asm\x01\x00\x00\x00"), Cat(sections...))
}

// Component returns a component with these sections.
func Component(sections ...Bytes) Bytes {
	return Cat(Bytes("\x00asm\x0d\x00\x01\x00"), Cat(sections...))
}
