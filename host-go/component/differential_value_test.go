package component_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// The functions below convert between WIT values and the JSON of the corpus (testdata/corpus/README.md),
// decoded with json.Number.

// handles are the guests' resources that a run holds, in the order in which they came.
type handles []*component.Resource

// decode makes the Go value of type t of the JSON v.
func (h *handles) decode(t *types.Value, v any) any {
	switch t.Kind {
	case types.S8:
		return int8(signed(v, 8))
	case types.U8:
		return uint8(unsigned(v, 8))
	case types.S16:
		return int16(signed(v, 16))
	case types.U16:
		return uint16(unsigned(v, 16))
	case types.S32:
		return int32(signed(v, 32))
	case types.U32:
		return uint32(unsigned(v, 32))
	case types.S64:
		return signed(v, 64)
	case types.U64:
		return unsigned(v, 64)
	case types.F32:
		if s, ok := v.(string); ok {
			return math.Float32frombits(uint32(unsigned(s, 32)))
		}
		return float32(number(v))
	case types.F64:
		if s, ok := v.(string); ok {
			return math.Float64frombits(unsigned(s, 64))
		}
		return number(v)
	case types.Char:
		return []rune(v.(string))[0]
	case types.List:
		items := v.([]any)
		if t.Elem.Kind == types.U8 {
			b := make([]byte, len(items))
			for i, x := range items {
				b[i] = uint8(unsigned(x, 8))
			}
			return b
		}
		out := make([]any, len(items))
		for i, x := range items {
			out[i] = h.decode(t.Elem, x)
		}
		return out
	case types.Record:
		out := make(component.Record, len(t.Fields))
		for i, f := range t.Fields {
			out[i] = h.decode(f.Type, v.(map[string]any)[f.Name])
		}
		return out
	case types.Tuple:
		out := make(component.Tuple, len(t.Fields))
		for i, f := range t.Fields {
			out[i] = h.decode(f.Type, v.([]any)[i])
		}
		return out
	case types.Variant:
		name, x := only(v)
		for _, f := range t.Fields {
			if f.Name == name {
				return component.Variant{Case: name, Value: h.payload(f.Type, x)}
			}
		}
		panic("no case " + name)
	case types.Enum:
		return component.Enum(v.(string))
	case types.Flags:
		var out component.Flags
		for _, l := range v.([]any) {
			out |= 1 << slices.Index(t.Labels, l.(string))
		}
		return out
	case types.Option:
		if items := v.([]any); len(items) > 0 {
			return component.Some(h.decode(t.Elem, items[0]))
		}
		return component.None()
	case types.Result:
		name, x := only(v)
		if name == "ok" {
			return component.OK(h.payload(t.OK, x))
		}
		return component.Err(h.payload(t.Err, x))
	case types.Own, types.Borrow:
		name, n := only(v)
		if name == "rep" {
			return component.Rep(unsigned(n, 32))
		}
		return (*h)[unsigned(n, 32)]
	}
	return v // bool, string
}

func (h *handles) payload(t *types.Value, v any) any {
	if t == nil {
		return nil
	}
	return h.decode(t, v)
}

// encode makes the JSON of the Go value v of type t. An owned resource of a
// guest becomes a handle of the run.
func (h *handles) encode(t *types.Value, v any) any {
	switch x := v.(type) {
	case float32:
		if x != x {
			return "0x7fc00000"
		}
		return fmt.Sprintf("0x%08x", math.Float32bits(x))
	case float64:
		if x != x {
			return "0x7ff8000000000000"
		}
		return fmt.Sprintf("0x%016x", math.Float64bits(x))
	case rune:
		if t.Kind == types.Char {
			return string(x)
		}
		return x
	case []byte:
		out := make([]any, len(x))
		for i, b := range x {
			out[i] = b
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = h.encode(t.Elem, e)
		}
		return out
	case component.Record:
		out := map[string]any{}
		for i, f := range t.Fields {
			out[f.Name] = h.encode(f.Type, x[i])
		}
		return out
	case component.Tuple:
		out := make([]any, len(x))
		for i, f := range t.Fields {
			out[i] = h.encode(f.Type, x[i])
		}
		return out
	case component.Variant:
		for _, f := range t.Fields {
			if f.Name == x.Case {
				return map[string]any{x.Case: h.encode(f.Type, x.Value)}
			}
		}
		panic("no case " + x.Case)
	case component.Flags:
		out := []any{}
		for i, l := range t.Labels {
			if x&(1<<i) != 0 {
				out = append(out, l)
			}
		}
		return out
	case component.Option:
		if x.Some {
			return []any{h.encode(t.Elem, x.Value)}
		}
		return []any{}
	case component.Result:
		if x.OK {
			return map[string]any{"ok": h.encode(t.OK, x.Value)}
		}
		return map[string]any{"err": h.encode(t.Err, x.Value)}
	case component.Rep:
		return map[string]any{"rep": uint32(x)}
	case *component.Resource:
		*h = append(*h, x)
		return map[string]any{"handle": len(*h) - 1}
	}
	return v // bool, integers, string, enum, nil
}

// only returns the one member of an object.
func only(v any) (name string, value any) {
	for name, value = range v.(map[string]any) {
		return name, value
	}
	panic("an empty object")
}

func signed(v any, bits int) int64 {
	n, err := strconv.ParseInt(v.(json.Number).String(), 10, bits)
	if err != nil {
		panic(err)
	}
	return n
}

func unsigned(v any, bits int) uint64 {
	s, ok := v.(string)
	if !ok {
		s = v.(json.Number).String()
	}
	n, err := strconv.ParseUint(s, 0, bits)
	if err != nil {
		panic(err)
	}
	return n
}

func number(v any) float64 {
	f, err := v.(json.Number).Float64()
	if err != nil {
		panic(err)
	}
	return f
}
