package component_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// generator makes random values of a type, as the JSON of the corpus. The same
// seed makes the same values.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator {
	return generator{rand.New(rand.NewPCG(seed, 0))}
}

// generatable reports whether the generator can make values of all parameters.
func generatable(f *types.Func) bool {
	for _, p := range f.Params {
		if p.Type.HasResource() {
			return false
		}
	}
	return len(f.Params) > 0
}

// generate returns n calls of each export that the case names.
func (c *corpusCase) generate(comp *component.Compiled, funcs map[string]*types.Func, seed uint64, n int) map[string]run {
	out := map[string]run{}
	for _, name := range component.FuncNames(comp) {
		f := funcs[name]
		if !generatable(f) || !c.generates(name) {
			continue
		}
		g, r := newGenerator(seed), run{Restart: true}
		for range n {
			call := []any{name}
			for _, p := range f.Params {
				call = append(call, g.value(p.Type, 0))
			}
			r.Calls = append(r.Calls, call)
		}
		out[name] = r
	}
	return out
}

func (c *corpusCase) generates(name string) bool {
	for _, g := range c.Generate {
		if g == "*" || g == name {
			return true
		}
	}
	return false
}

// value returns a value of type t. Lists get shorter the deeper they are.
func (g generator) value(t *types.Value, depth int) any {
	switch t.Kind {
	case types.Bool:
		return g.IntN(2) == 0
	case types.S8, types.S16, types.S32, types.S64:
		bits := map[types.Kind]int{types.S8: 8, types.S16: 16, types.S32: 32, types.S64: 64}[t.Kind]
		return json.Number(strconv.FormatInt(int64(g.bits(64))<<(64-bits)>>(64-bits), 10))
	case types.U8:
		return json.Number(strconv.FormatUint(g.bits(8), 10))
	case types.U16:
		return json.Number(strconv.FormatUint(g.bits(16), 10))
	case types.U32:
		return json.Number(strconv.FormatUint(g.bits(32), 10))
	case types.U64:
		return json.Number(strconv.FormatUint(g.bits(64), 10))
	case types.F32:
		return fmt.Sprintf("0x%08x", g.float(32, uint64(math.Float32bits(float32(g.NormFloat64())))))
	case types.F64:
		return fmt.Sprintf("0x%016x", g.float(64, math.Float64bits(g.NormFloat64())))
	case types.Char:
		return string(g.char())
	case types.String:
		return g.string()
	case types.List:
		n := g.length(depth)
		if t.Elem.Kind == types.U8 {
			return g.bytes(n * 4)
		}
		out := make([]any, n)
		for i := range out {
			out[i] = g.value(t.Elem, depth+1)
		}
		return out
	case types.Record:
		out := map[string]any{}
		for _, f := range t.Fields {
			out[f.Name] = g.value(f.Type, depth)
		}
		return out
	case types.Tuple:
		out := make([]any, len(t.Fields))
		for i, f := range t.Fields {
			out[i] = g.value(f.Type, depth)
		}
		return out
	case types.Variant:
		f := t.Fields[g.IntN(len(t.Fields))]
		return map[string]any{f.Name: g.payload(f.Type, depth)}
	case types.Enum:
		return t.Labels[g.IntN(len(t.Labels))]
	case types.Flags:
		out, all := []any{}, g.IntN(8)
		for _, l := range t.Labels {
			if all == 0 || all > 1 && g.IntN(2) == 0 {
				out = append(out, l)
			}
		}
		return out
	case types.Option:
		if g.IntN(3) == 0 {
			return []any{}
		}
		return []any{g.value(t.Elem, depth)}
	case types.Result:
		if g.IntN(2) == 0 {
			return map[string]any{"ok": g.payload(t.OK, depth)}
		}
		return map[string]any{"err": g.payload(t.Err, depth)}
	}
	panic("no values of " + t.Kind.String())
}

func (g generator) payload(t *types.Value, depth int) any {
	if t == nil {
		return nil
	}
	return g.value(t, depth)
}

// bits returns a number of so many bits: an edge, a small one, an address near
// the end of a page, or any.
func (g generator) bits(n int) uint64 {
	mask := uint64(math.MaxUint64) >> (64 - n)
	switch g.IntN(6) {
	case 0:
		return [...]uint64{0, 1, mask, mask >> 1, mask>>1 + 1, mask - 1}[g.IntN(6)]
	case 1:
		return uint64(1) << g.IntN(n)
	case 2, 3:
		return uint64(g.IntN(17)) & mask
	case 4:
		return uint64(1<<16+8-g.IntN(17)) & mask
	}
	return g.Uint64() & mask
}

// float returns the bits of a float: an edge, any, or the ordinary one given.
func (g generator) float(n int, ordinary uint64) uint64 {
	switch g.IntN(4) {
	case 0: // zeros, infinities, NaNs, the smallest and the largest
		mantissa := map[int]int{32: 23, 64: 52}[n]
		exp := (uint64(1)<<(n-1-mantissa) - 1) << mantissa
		sign := uint64(g.IntN(2)) << (n - 1)
		return sign | [...]uint64{0, 1, exp, exp - 1, exp + 1, exp | 1<<(mantissa-1)}[g.IntN(6)]
	case 1:
		return g.Uint64() >> (64 - n)
	}
	return ordinary
}

// char returns a code point of 1, 2, 3 or 4 bytes, edges often.
func (g generator) char() rune {
	ranges := [...][2]rune{{0, 0x7f}, {0x80, 0xff}, {0x100, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, 0x10ffff}}
	r := ranges[g.IntN(len(ranges))]
	switch g.IntN(6) {
	case 0:
		return r[0]
	case 1:
		return r[1]
	}
	return r[0] + rune(g.IntN(int(r[1]-r[0])+1))
}

// string returns text of one alphabet, or of all.
func (g generator) string() string {
	var b strings.Builder
	limit, kind := g.length(0)*2, g.IntN(3)
	for range limit {
		r := g.char()
		if kind == 0 {
			r &= 0x7f
		} else if kind == 1 {
			r &= 0xff
		}
		b.WriteRune(r)
	}
	return b.String()
}

// bytes returns n bytes: any, or small ones and zeros, which make valid values
// of most types.
func (g generator) bytes(n int) []any {
	out := make([]any, n)
	kind := g.IntN(4)
	for i := range out {
		b := g.IntN(256)
		if kind > 0 {
			b %= 4
		}
		if kind > 1 && g.IntN(4) > 0 {
			b = 0
		}
		out[i] = json.Number(strconv.Itoa(b))
	}
	return out
}

func (g generator) length(depth int) int {
	if g.IntN(8) == 0 {
		return 0
	}
	return g.IntN(24>>depth + 2)
}
