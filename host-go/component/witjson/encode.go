package witjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/caisson-dev/caisson/host-go/component"
)

// ErrTooLong is the error of a value whose text would be longer than is allowed.
var ErrTooLong = errors.New("the value's JSON text is too long")

// Encode returns the JSON text of a value of a type, as package component has the value. It fails with ErrTooLong
// when the text would be longer than limit, in bytes, and with another error for a value of another type.
func Encode(t *component.Type, v any, limit int) ([]byte, error) {
	e := encoder{limit}
	b, err := e.encode(nil, t, v)
	if err == nil && len(b) > limit {
		return nil, ErrTooLong
	}
	return b, err
}

// encoder appends texts. It gives up once there are more bytes than limit.
type encoder struct{ limit int }

func (e encoder) encode(b []byte, t *component.Type, v any) ([]byte, error) {
	if len(b) > e.limit {
		return nil, ErrTooLong
	}
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
		if x, ok = v.(string); len(x) > e.limit-len(b) {
			return nil, ErrTooLong
		}
		b = appendString(b, x)
	case component.TypeEnum:
		var x component.Enum
		x, ok = v.(component.Enum)
		b = appendString(b, string(x))
	case component.TypeFlags:
		return e.flags(b, t, v)
	case component.TypeList, component.TypeMap:
		return e.list(b, t, v)
	case component.TypeTuple:
		values, _ := v.(component.Tuple)
		if ok = len(values) == len(t.Fields); ok {
			return appendArray(b, len(values), func(b []byte, i int) ([]byte, error) { return e.encode(b, t.Fields[i].Type, values[i]) })
		}
	case component.TypeRecord:
		values, _ := v.(component.Record)
		if ok = len(values) == len(t.Fields); ok {
			return e.record(b, t, values)
		}
	case component.TypeVariant:
		x, _ := v.(component.Variant)
		return e.choice(b, t, t.Fields, x.Case, x.Value)
	case component.TypeResult:
		x, isResult := v.(component.Result)
		if ok = isResult; ok {
			name := "err"
			if x.OK {
				name = "ok"
			}
			return e.choice(b, t, resultCases(t), name, x.Value)
		}
	case component.TypeOption:
		x, isOption := v.(component.Option)
		switch ok = isOption; {
		case !ok:
		case !x.Some:
			return append(b, "null"...), nil
		case t.Elem.Kind == component.TypeOption:
			b, err := e.encode(append(b, `{"some":`...), t.Elem, x.Value)
			return append(b, '}'), err
		default:
			return e.encode(b, t.Elem, x.Value)
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

func (e encoder) list(b []byte, t *component.Type, v any) ([]byte, error) {
	if isBytes(t) {
		x, ok := v.([]byte)
		if !ok {
			return nil, mismatch(t, v)
		}
		if len(x) > e.limit-len(b) {
			return nil, ErrTooLong
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
	return appendArray(b, len(values), func(b []byte, i int) ([]byte, error) { return e.encode(b, elem, values[i]) })
}

func (e encoder) flags(b []byte, t *component.Type, v any) ([]byte, error) {
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

func (e encoder) record(b []byte, t *component.Type, values []any) ([]byte, error) {
	b = append(b, '{')
	for i, f := range t.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = e.encode(append(appendString(b, f.Name), ':'), f.Type, values[i]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// choice appends one of the cases of a variant or a result.
func (e encoder) choice(b []byte, t *component.Type, cases []component.Field, name string, payload any) ([]byte, error) {
	for _, c := range cases {
		switch {
		case c.Name != name:
		case c.Type == nil:
			return appendString(b, name), nil
		default:
			b, err := e.encode(append(appendString(append(b, '{'), name), ':'), c.Type, payload)
			return append(b, '}'), err
		}
	}
	return nil, mismatch(t, payload)
}
