package types

// These are limits of the Canonical ABI (CanonicalABI.md, "Flattening").
const (
	MaxFlatParams  = 16
	MaxFlatResults = 1
	// MaxSize bounds the size of any value type (CanonicalABI.md, "Element Size").
	MaxSize = 1<<28 - 1
)

// These are the core value types, by their opcodes.
const (
	I32  = 0x7f
	I64  = 0x7e
	CF32 = 0x7d
	CF64 = 0x7c
)

// Layout says how values of a type lie in memory and in core values.
type Layout struct {
	Size, Align uint32
	// Size64 is the size with 64-bit pointers. The specification bounds it.
	Size64, align64 uint64
	// FlatLen is the number of core values, saturated at MaxFlatParams+1.
	FlatLen int
	// Flat are the core values. It is nil when there are more than MaxFlatParams.
	Flat []byte
	// Payload is the offset of a variant's payload. DiscSize is the size of its discriminant.
	Payload, DiscSize uint32
	// Pointers reports that values refer to memory: strings and lists do.
	Pointers bool
}

func (v *Value) layout() Layout {
	a, b := v.measure(4), v.measure(8)
	l := Layout{
		Size: uint32(min(a.size, 1<<32-1)), Align: uint32(a.align),
		Size64: b.size, align64: b.align, Payload: uint32(a.payload), DiscSize: uint32(a.disc),
		Pointers: v.Kind == String || v.Kind == List || v.Kind == Map,
	}
	v.each(func(t *Value) { l.Pointers = l.Pointers || t.Pointers })
	l.Flat, l.FlatLen = v.flatten()
	return l
}

type measure struct{ size, align, payload, disc uint64 }

// Cases returns the payload types of a variant, or of a type that despecializes to a variant. It returns nil
// for other types.
func (v *Value) Cases() []*Value {
	switch v.Kind {
	case Variant:
		out := make([]*Value, len(v.Fields))
		for i, f := range v.Fields {
			out[i] = f.Type
		}
		return out
	case Enum:
		return make([]*Value, len(v.Labels))
	case Option:
		return []*Value{nil, v.Elem}
	case Result:
		return []*Value{v.OK, v.Err}
	}
	return nil
}

// discSize returns the size of the discriminant of n cases.
func discSize(n int) uint64 {
	switch {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	}
	return 4
}

func flagsSize(n int) uint64 {
	switch {
	case n <= 8:
		return 1
	case n <= 16:
		return 2
	}
	return 4
}

func alignTo(n, align uint64) uint64 { return (n + align - 1) &^ (align - 1) }

// measure computes size and alignment for pointers of ptr bytes (CanonicalABI.md, "Alignment" and "Element
// Size"). Sizes saturate well below overflow: the linker refuses every type of more than MaxSize.
func (v *Value) measure(ptr uint64) measure {
	of := func(t *Value) (size, align uint64) {
		if ptr == 8 {
			return t.Size64, t.align64
		}
		return uint64(t.Size), uint64(t.Align)
	}
	word := func(n uint64) measure { return measure{size: n, align: n} }
	switch v.Kind {
	case Bool, S8, U8:
		return word(1)
	case S16, U16:
		return word(2)
	case S32, U32, F32, Char, Own, Borrow:
		return word(4)
	case S64, U64, F64:
		return word(8)
	case String, List, Map:
		return measure{size: 2 * ptr, align: ptr}
	case Flags:
		return word(flagsSize(len(v.Labels)))
	case FixedList:
		size, align := of(v.Elem)
		return measure{size: size * uint64(v.Length), align: align}
	case Record, Tuple:
		m := measure{align: 1}
		for _, f := range v.Fields {
			size, align := of(f.Type)
			m.align = max(m.align, align)
			m.size = min(alignTo(m.size, align)+size, 1<<40)
		}
		m.size = alignTo(m.size, m.align)
		return m
	}
	cases := v.Cases()
	m := measure{disc: discSize(len(cases))}
	m.align = m.disc
	var payload uint64
	payloadAlign := uint64(1)
	for _, c := range cases {
		if c != nil {
			size, align := of(c)
			payload, payloadAlign = max(payload, size), max(payloadAlign, align)
		}
	}
	m.align = max(m.align, payloadAlign)
	m.payload = alignTo(m.disc, payloadAlign)
	m.size = alignTo(m.payload+payload, m.align)
	return m
}

// flatten computes the core values of the type (CanonicalABI.md,
// "Flattening").
func (v *Value) flatten() ([]byte, int) {
	switch v.Kind {
	case Bool, S8, U8, S16, U16, S32, U32, Char, Own, Borrow, Flags:
		return []byte{I32}, 1
	case S64, U64:
		return []byte{I64}, 1
	case F32:
		return []byte{CF32}, 1
	case F64:
		return []byte{CF64}, 1
	case String, List, Map:
		return []byte{I32, I32}, 2
	case FixedList:
		n := uint64(v.Elem.FlatLen) * uint64(v.Length)
		if n > MaxFlatParams {
			return nil, MaxFlatParams + 1
		}
		var flat []byte
		for range v.Length {
			flat = append(flat, v.Elem.Flat...)
		}
		return flat, len(flat)
	case Record, Tuple:
		return FlattenFields(v.Fields)
	}
	flat := []byte{I32}
	for _, c := range v.Cases() {
		if c == nil {
			continue
		}
		if 1+c.FlatLen > MaxFlatParams {
			return nil, MaxFlatParams + 1
		}
		for i, t := range c.Flat {
			if i+1 < len(flat) {
				flat[i+1] = join(flat[i+1], t)
			} else {
				flat = append(flat, t)
			}
		}
	}
	return flat, len(flat)
}

// FlattenFields returns the core values of all fields in order. It returns nil and MaxFlatParams+1 when there
// are more than MaxFlatParams.
func FlattenFields(fields []Field) ([]byte, int) {
	var flat []byte
	for _, f := range fields {
		if len(flat)+f.Type.FlatLen > MaxFlatParams {
			return nil, MaxFlatParams + 1
		}
		flat = append(flat, f.Type.Flat...)
	}
	return flat, len(flat)
}

func join(a, b byte) byte {
	switch {
	case a == b:
		return a
	case a == I32 && b == CF32, a == CF32 && b == I32:
		return I32
	}
	return I64
}
