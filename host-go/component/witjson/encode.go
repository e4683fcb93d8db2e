package witjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/caisson-dev/caisson/host-go/component"
)

// Encode returns the JSON text of a value of a type, as package component has the value. It fails for a value of
// another type.
func Encode(t *component.Type, v any) ([]byte, error) { return encode(nil, t, v) }

func encode(b []byte, t *component.Type, v any) ([]byte, error) {
	ok := true
	switch t.Kind {
	case component.TypeBool:
		var x bool
		x, ok = v.(bool)
		b = strconv.AppendBool(b, x)
	case component.TypeS8, component.TypeS16, component.TypeS32, component.TypeS64,
		component.TypeU8, component.TypeU16, component.TypeU32, component.TypeU64:
		switch v.(type) {
		case int8, int16, int32, int64, uint8, uint16, uint32, uint64:
			b = fmt.Append(b, v)
		default:
			ok = false
		}
	case component.TypeF32:
		var x float32
		x, ok = v.(float32)
		b = appendFloat(b, float64(x), 32)
	case component.TypeF64:
		var x float64
		x, ok = v.(float64)
		b = appendFloat(b, x, 64)
	case component.TypeChar:
		var x rune
		x, ok = v.(rune)
		b = appendString(b, string(x))
	case component.TypeString:
		var x string
		x, ok = v.(string)
		b = appendString(b, x)
	case component.TypeEnum:
		var x component.Enum
		x, ok = v.(component.Enum)
		b = appendString(b, string(x))
	case component.TypeFlags:
		return appendFlags(b, t, v)
	case component.TypeList, component.TypeMap:
		return appendList(b, t, v)
	case component.TypeTuple:
		values, _ := v.(component.Tuple)
		if ok = len(values) == len(t.Fields); ok {
			return appendArray(b, len(values), func(b []byte, i int) ([]byte, error) { return encode(b, t.Fields[i].Type, values[i]) })
		}
	case component.TypeRecord:
		values, _ := v.(component.Record)
		if ok = len(values) == len(t.Fields); ok {
			return appendRecord(b, t, values)
		}
	case component.TypeVariant:
		x, _ := v.(component.Variant)
		return appendCase(b, t, t.Fields, x.Case, x.Value)
	case component.TypeResult:
		x, isResult := v.(component.Result)
		if ok = isResult; ok {
			name := "err"
			if x.OK {
				name = "ok"
			}
			return appendCase(b, t, resultCases(t), name, x.Value)
		}
	case component.TypeOption:
		x, isOption := v.(component.Option)
		switch ok = isOption; {
		case !ok:
		case !x.Some:
			return append(b, "null"...), nil
		case t.Elem.Kind == component.TypeOption:
			b, err := encode(append(b, `{"some":`...), t.Elem, x.Value)
			return append(b, '}'), err
		default:
			return encode(b, t.Elem, x.Value)
		}
	default:
		return nil, fmt.Errorf("witjson: a %s has no JSON text", t.Kind)
	}
	if !ok {
		return nil, mismatch(t, v)
	}
	return b, nil
}

func mismatch(t *component.Type, v any) error {
	return fmt.Errorf("witjson: a Go value of type %T where a %s is wanted", v, t.Kind)
}

// appendFloat appends the shortest text that gives the same float again.
func appendFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, bits)
}

func appendString(b []byte, s string) []byte {
	out := bytes.NewBuffer(b)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // A string always marshals.
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'})
}

func appendArray(b []byte, n int, element func(b []byte, i int) ([]byte, error)) ([]byte, error) {
	b = append(b, '[')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = element(b, i); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendList(b []byte, t *component.Type, v any) ([]byte, error) {
	if isBytes(t) {
		x, ok := v.([]byte)
		if !ok {
			return nil, mismatch(t, v)
		}
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), x), '"'), nil
	}
	values, ok := v.([]any)
	if !ok || t.Length > 0 && len(values) != int(t.Length) {
		return nil, mismatch(t, v)
	}
	elem := t.Elem
	if t.Kind == component.TypeMap {
		elem = &component.Type{Kind: component.TypeTuple, Fields: []component.Field{{Type: t.Key}, {Type: t.Elem}}}
	}
	return appendArray(b, len(values), func(b []byte, i int) ([]byte, error) { return encode(b, elem, values[i]) })
}

func appendFlags(b []byte, t *component.Type, v any) ([]byte, error) {
	x, ok := v.(component.Flags)
	if !ok {
		return nil, mismatch(t, v)
	}
	var set []string
	for i, label := range t.Labels {
		if x&(1<<i) != 0 {
			set = append(set, label)
		}
	}
	return appendArray(b, len(set), func(b []byte, i int) ([]byte, error) { return appendString(b, set[i]), nil })
}

func appendRecord(b []byte, t *component.Type, values []any) ([]byte, error) {
	b = append(b, '{')
	for i, f := range t.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = encode(append(appendString(b, f.Name), ':'), f.Type, values[i]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendCase appends one of the cases of a variant or a result.
func appendCase(b []byte, t *component.Type, cases []component.Field, name string, payload any) ([]byte, error) {
	for _, c := range cases {
		switch {
		case c.Name != name:
		case c.Type == nil:
			return appendString(b, name), nil
		default:
			b, err := encode(append(appendString(append(b, '{'), name), ':'), c.Type, payload)
			return append(b, '}'), err
		}
	}
	return nil, mismatch(t, payload)
}
