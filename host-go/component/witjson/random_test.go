package witjson

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/caisson-dev/caisson/host-go/component"
)

// random makes types and values of them.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 7))} }

var scalars = []component.TypeKind{
	component.TypeBool, component.TypeS8, component.TypeU8, component.TypeS16, component.TypeU16, component.TypeS32, component.TypeU32,
	component.TypeS64, component.TypeU64, component.TypeF32, component.TypeF64, component.TypeChar, component.TypeString,
}

func (r random) typ(depth int) *component.Type {
	if depth == 0 || r.IntN(4) == 0 {
		return &component.Type{Kind: scalars[r.IntN(len(scalars))]}
	}
	inner := func() *component.Type { return r.typ(depth - 1) }
	fields := func(maybe bool) (all []component.Field) {
		for i := range 1 + r.IntN(4) {
			f := component.Field{Name: fmt.Sprintf("f-%c", 'a'+i), Type: inner()}
			if maybe && r.IntN(3) == 0 {
				f.Type = nil
			}
			all = append(all, f)
		}
		return all
	}
	labels := func() (all []string) {
		for i := range 1 + r.IntN(32) {
			all = append(all, fmt.Sprintf("l%d", i))
		}
		return all
	}
	switch r.IntN(10) {
	case 0:
		return &component.Type{Kind: component.TypeRecord, Fields: fields(false)}
	case 1:
		return &component.Type{Kind: component.TypeVariant, Fields: fields(true)}
	case 2:
		return &component.Type{Kind: component.TypeList, Elem: inner()}
	case 3:
		return &component.Type{Kind: component.TypeList, Elem: inner(), Length: 1 + r.Uint32N(4)}
	case 4:
		t := &component.Type{Kind: component.TypeTuple}
		for _, f := range fields(false) {
			t.Fields = append(t.Fields, component.Field{Type: f.Type})
		}
		return t
	case 5:
		return &component.Type{Kind: component.TypeFlags, Labels: labels()}
	case 6:
		return &component.Type{Kind: component.TypeEnum, Labels: labels()}
	case 7:
		return &component.Type{Kind: component.TypeOption, Elem: inner()}
	case 8:
		t := &component.Type{Kind: component.TypeResult}
		if r.IntN(4) > 0 {
			t.OK = inner()
		}
		if r.IntN(4) > 0 {
			t.Err = inner()
		}
		return t
	}
	key := []component.TypeKind{component.TypeString, component.TypeU32, component.TypeBool, component.TypeChar, component.TypeS64}
	return &component.Type{Kind: component.TypeMap, Key: &component.Type{Kind: key[r.IntN(len(key))]}, Elem: inner()}
}

// bits are those of a number: an edge often.
func (r random) bits() uint64 {
	switch r.IntN(4) {
	case 0:
		return [...]uint64{0, 1, math.MaxUint64, 1 << 53, 1<<53 + 1, 1 << 63, 1<<63 - 1, 0x80, 0x8000, 0x80000000}[r.IntN(10)]
	case 1:
		return uint64(r.IntN(100))
	}
	return r.Uint64()
}

func (r random) float() float64 {
	switch r.IntN(4) {
	case 0:
		return [...]float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64}[r.IntN(7)]
	case 1:
		if f := math.Float64frombits(r.Uint64()); !math.IsNaN(f) {
			return f
		}
	}
	return r.NormFloat64()
}

func (r random) char() rune {
	edges := []rune{0, '"', '\\', '\n', 0x7f, 0x80, '<', 0x2028, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, 0x10ffff}
	if c := rune(r.IntN(0x110000)); r.IntN(2) == 0 && (c < 0xd800 || c > 0xdfff) {
		return c
	}
	return edges[r.IntN(len(edges))]
}

func (r random) value(t *component.Type) any {
	list := func(n int, of func(i int) any) []any {
		out := make([]any, n)
		for i := range out {
			out[i] = of(i)
		}
		return out
	}
	payload := func(t *component.Type) any {
		if t == nil {
			return nil
		}
		return r.value(t)
	}
	field := func(i int) any { return r.value(t.Fields[i].Type) }
	switch t.Kind {
	case component.TypeBool:
		return r.IntN(2) == 0
	case component.TypeF32:
		f := float32(r.float())
		if f != f {
			f = math.Float32frombits(0x7fc00000) // The one NaN.
		}
		return f
	case component.TypeF64:
		f := r.float()
		if f != f {
			f = math.Float64frombits(0x7ff8000000000000)
		}
		return f
	case component.TypeChar:
		return r.char()
	case component.TypeString:
		s := ""
		for range r.IntN(6) {
			s += string(r.char())
		}
		return s
	case component.TypeRecord:
		return component.Record(list(len(t.Fields), field))
	case component.TypeTuple:
		return component.Tuple(list(len(t.Fields), field))
	case component.TypeVariant:
		f := t.Fields[r.IntN(len(t.Fields))]
		return component.Variant{Case: f.Name, Value: payload(f.Type)}
	case component.TypeResult:
		if r.IntN(2) == 0 {
			return component.OK(payload(t.OK))
		}
		return component.Err(payload(t.Err))
	case component.TypeEnum:
		return component.Enum(t.Labels[r.IntN(len(t.Labels))])
	case component.TypeFlags:
		return component.Flags(r.Uint64() & (1<<len(t.Labels) - 1))
	case component.TypeOption:
		if r.IntN(3) == 0 {
			return component.None()
		}
		return component.Some(r.value(t.Elem))
	case component.TypeMap:
		return list(r.IntN(4), func(int) any { return component.Tuple{r.value(t.Key), r.value(t.Elem)} })
	case component.TypeList:
		n := r.IntN(4)
		if t.Length > 0 {
			n = int(t.Length)
		} else if t.Elem.Kind == component.TypeU8 {
			b := make([]byte, r.IntN(8))
			for i := range b {
				b[i] = byte(r.Uint64())
			}
			return b
		}
		return list(n, func(int) any { return r.value(t.Elem) })
	}
	return integers[t.Kind].make(r.bits())
}
