package component

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// value makes a Go value of type t of the JSON.
func (v wastValue) value(t *types.Value) (any, error) {
	switch v.Type {
	case "list", "tuple":
		var elems []wastValue
		if err := json.Unmarshal(v.Value, &elems); err != nil {
			return nil, err
		}
		out := []any{}
		for i, e := range elems {
			et := t.Elem
			if t.Kind == types.Tuple {
				et = t.Fields[i].Type
			} else if t.Kind == types.Map {
				et = nil
			}
			x, err := e.mapped(t, et)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		if t.Kind == types.List && t.Elem.Kind == types.U8 {
			b := make([]byte, len(out))
			for i, x := range out {
				b[i] = x.(uint8)
			}
			return b, nil
		}
		if t.Kind == types.Tuple {
			return Tuple(out), nil
		}
		return out, nil
	case "record":
		var fields [][2]json.RawMessage
		if err := json.Unmarshal(v.Value, &fields); err != nil {
			return nil, err
		}
		var out Record
		for i, f := range fields {
			var e wastValue
			if err := json.Unmarshal(f[1], &e); err != nil {
				return nil, err
			}
			x, err := e.value(t.Fields[i].Type)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return out, nil
	case "variant":
		var c struct {
			Case    string
			Payload *wastValue
		}
		if err := json.Unmarshal(v.Value, &c); err != nil {
			return nil, err
		}
		for _, f := range t.Fields {
			if f.Name == c.Case {
				x, err := c.Payload.optional(f.Type)
				return Variant{Case: c.Case, Value: x}, err
			}
		}
		return nil, fmt.Errorf("no case %s", c.Case)
	case "option":
		var e *wastValue
		if err := json.Unmarshal(v.Value, &e); err != nil {
			return nil, err
		}
		x, err := e.optional(t.Elem)
		return Option{Some: e != nil, Value: x}, err
	case "result":
		var r map[string]*wastValue
		if err := json.Unmarshal(v.Value, &r); err != nil {
			return nil, err
		}
		if e, ok := r["Ok"]; ok {
			x, err := e.optional(t.OK)
			return OK(x), err
		}
		x, err := r["Err"].optional(t.Err)
		return Err(x), err
	case "flags":
		var labels []string
		if err := json.Unmarshal(v.Value, &labels); err != nil {
			return nil, err
		}
		var out Flags
		for _, l := range labels {
			for i, name := range t.Labels {
				if name == l {
					out |= 1 << i
				}
			}
		}
		return out, nil
	case "bool":
		return string(v.Value) == "true", nil
	}
	var s string
	if err := json.Unmarshal(v.Value, &s); err != nil {
		return nil, err
	}
	return v.scalar(s)
}

func (v *wastValue) optional(t *types.Value) (any, error) {
	if v == nil {
		return nil, nil
	}
	return v.value(t)
}

// mapped returns an element of a list. A map is a list of pairs.
func (v wastValue) mapped(list, elem *types.Value) (any, error) {
	if elem != nil {
		return v.value(elem)
	}
	return v.value(&types.Value{Kind: types.Tuple, Fields: []types.Field{{Type: list.Key}, {Type: list.Elem}}})
}

func (v wastValue) scalar(s string) (any, error) {
	signed := func(bits int) int64 {
		n, _ := strconv.ParseInt(s, 10, bits)
		return n
	}
	unsigned := func(bits int) uint64 {
		n, _ := strconv.ParseUint(s, 10, bits)
		return n
	}
	switch v.Type {
	case "u8":
		return uint8(unsigned(8)), nil
	case "s8":
		return int8(signed(8)), nil
	case "u16":
		return uint16(unsigned(16)), nil
	case "s16":
		return int16(signed(16)), nil
	case "u32":
		return uint32(unsigned(32)), nil
	case "s32":
		return int32(signed(32)), nil
	case "u64":
		return unsigned(64), nil
	case "s64":
		return signed(64), nil
	case "f32":
		return math.Float32frombits(uint32(unsigned(32))), nil
	case "f64":
		return math.Float64frombits(unsigned(64)), nil
	case "char":
		return []rune(s)[0], nil
	case "string":
		return s, nil
	case "enum":
		return Enum(s), nil
	}
	return nil, fmt.Errorf("unknown value type %s", v.Type)
}
