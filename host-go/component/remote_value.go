package component

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// Values cross to another process by their types, which both sides have: numbers in their size and little-endian,
// texts and lists with their length before them, and cases by their number.

// A handles follows the handles of the host's resources that cross.
type handles interface {
	// give is told of a handle that is sent. take is asked about one that comes in.
	give(resource int, rep uint32, own bool)
	take(resource int, rep uint32, own bool) error
}

// appendFields appends values of the fields.
func appendFields(b []byte, fields []types.Field, values []any, h handles) ([]byte, error) {
	var err error
	for i := range fields {
		if b, err = appendValue(b, fields[i].Type, values[i], h); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// appendValue appends a value of the type. The error is a *ValueError for a value that does not fit.
func appendValue(b []byte, t *types.Value, v any, h handles) ([]byte, error) {
	le := binary.LittleEndian
	wrong := func(msg string) ([]byte, error) { return nil, &ValueError{Type: t.String(), Value: v, Msg: msg} }
	switch t.Kind {
	case types.Bool:
		if x, ok := v.(bool); ok {
			return append(b, bit(x)), nil
		}
	case types.S8:
		if x, ok := v.(int8); ok {
			return append(b, byte(x)), nil
		}
	case types.U8:
		if x, ok := v.(uint8); ok {
			return append(b, x), nil
		}
	case types.S16:
		if x, ok := v.(int16); ok {
			return le.AppendUint16(b, uint16(x)), nil
		}
	case types.U16:
		if x, ok := v.(uint16); ok {
			return le.AppendUint16(b, x), nil
		}
	case types.S32, types.Char:
		if x, ok := v.(int32); ok {
			if t.Kind == types.Char && !utf8.ValidRune(x) {
				return wrong("no Unicode scalar value")
			}
			return le.AppendUint32(b, uint32(x)), nil
		}
	case types.U32:
		if x, ok := v.(uint32); ok {
			return le.AppendUint32(b, x), nil
		}
	case types.S64:
		if x, ok := v.(int64); ok {
			return le.AppendUint64(b, uint64(x)), nil
		}
	case types.U64:
		if x, ok := v.(uint64); ok {
			return le.AppendUint64(b, x), nil
		}
	case types.F32:
		if x, ok := v.(float32); ok {
			return le.AppendUint32(b, math.Float32bits(x)), nil
		}
	case types.F64:
		if x, ok := v.(float64); ok {
			return le.AppendUint64(b, math.Float64bits(x)), nil
		}
	case types.String:
		if x, ok := v.(string); ok {
			if !utf8.ValidString(x) {
				return wrong("invalid UTF-8")
			}
			return append(binary.AppendUvarint(b, uint64(len(x))), x...), nil
		}
	case types.Record:
		if x, ok := v.(Record); ok && len(x) == len(t.Fields) {
			return appendFields(b, t.Fields, x, h)
		}
	case types.Tuple:
		if x, ok := v.(Tuple); ok && len(x) == len(t.Fields) {
			return appendFields(b, t.Fields, x, h)
		}
	case types.List, types.FixedList, types.Map:
		return appendList(b, t, v, h)
	case types.Variant:
		if x, ok := v.(Variant); ok {
			for i := range t.Fields {
				if t.Fields[i].Name == x.Case {
					return appendPayload(binary.AppendUvarint(b, uint64(i)), t.Fields[i].Type, x.Value, h)
				}
			}
			return wrong("no case named " + x.Case)
		}
	case types.Option:
		if x, ok := v.(Option); ok {
			if !x.Some {
				return append(b, 0), nil
			}
			return appendValue(append(b, 1), t.Elem, x.Value, h)
		}
	case types.Result:
		if x, ok := v.(Result); ok {
			if x.OK {
				return appendPayload(append(b, 1), t.OK, x.Value, h)
			}
			return appendPayload(append(b, 0), t.Err, x.Value, h)
		}
	case types.Enum:
		if x, ok := v.(Enum); ok {
			for i, label := range t.Labels {
				if label == string(x) {
					return binary.AppendUvarint(b, uint64(i)), nil
				}
			}
			return wrong("no case named " + string(x))
		}
	case types.Flags:
		if x, ok := v.(Flags); ok {
			if uint64(x)>>len(t.Labels) != 0 {
				return wrong("flags that there are not")
			}
			return le.AppendUint32(b, uint32(x)), nil
		}
	case types.Own, types.Borrow:
		if x, ok := v.(Rep); ok {
			h.give(t.Resource.Index, uint32(x), t.Kind == types.Own)
			return le.AppendUint32(b, uint32(x)), nil
		}
		return wrong("a resource of a guest cannot leave its process")
	}
	return wrong("")
}

func appendPayload(b []byte, t *types.Value, v any, h handles) ([]byte, error) {
	if t == nil {
		return b, nil
	}
	return appendValue(b, t, v, h)
}

func appendList(b []byte, t *types.Value, v any, h handles) ([]byte, error) {
	if x, ok := v.([]byte); ok && t.Kind == types.List && t.Elem.Kind == types.U8 {
		return append(binary.AppendUvarint(b, uint64(len(x))), x...), nil
	}
	x, ok := v.([]any)
	if !ok || t.Kind == types.FixedList && len(x) != int(t.Length) || t.Kind == types.List && t.Elem.Kind == types.U8 {
		return nil, &ValueError{Type: t.String(), Value: v}
	}
	if t.Kind != types.FixedList {
		b = binary.AppendUvarint(b, uint64(len(x)))
	}
	var err error
	for _, v := range x {
		if t.Kind != types.Map {
			b, err = appendValue(b, t.Elem, v, h)
		} else if pair, ok := v.(Tuple); ok && len(pair) == 2 {
			b, err = appendFields(b, []types.Field{{Type: t.Key}, {Type: t.Elem}}, pair, h)
		} else {
			err = &ValueError{Type: t.String(), Value: v}
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func bit(x bool) byte {
	if x {
		return 1
	}
	return 0
}

// A valueReader reads values that the other process has sent. It takes nothing on trust: not the lengths, and not
// that values fit their types. What it makes of them is bounded too, since a short body can stand for much.
type valueReader struct {
	b       []byte
	left    uint64 // bytes that values may take
	handles handles
}

// The bytes that one value takes in a []any, beside its content.
const readElement = 16 + 8

var (
	errShort = errors.New("values are cut short")
	errLong  = errors.New("values take more than the instance may have")
)

// fields reads values of all fields, which are all that there is.
func (r *valueReader) all(fields []types.Field) ([]any, error) {
	values, err := r.fields(fields)
	if err == nil && len(r.b) > 0 {
		err = errors.New("there is something behind the values")
	}
	return values, err
}

func (r *valueReader) fields(fields []types.Field) ([]any, error) {
	if err := r.charge(uint64(len(fields)) * readElement); err != nil {
		return nil, err
	}
	values := make([]any, len(fields))
	for i := range fields {
		var err error
		if values[i], err = r.value(fields[i].Type); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (r *valueReader) charge(n uint64) error {
	if n > r.left {
		return errLong
	}
	r.left -= n
	return nil
}

func (r *valueReader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.b)) {
		return nil, errShort
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

func (r *valueReader) number(size int) (uint64, error) {
	b, err := r.take(uint64(size))
	if err != nil {
		return 0, err
	}
	var whole [8]byte
	copy(whole[:], b)
	return binary.LittleEndian.Uint64(whole[:]), nil
}

func (r *valueReader) uvarint() (uint64, error) {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		return 0, errShort
	}
	r.b = r.b[size:]
	return n, nil
}

// count reads a number below most.
func (r *valueReader) count(most int) (int, error) {
	n, err := r.uvarint()
	if err == nil && n >= uint64(most) {
		err = fmt.Errorf("the case %d of %d", n, most)
	}
	return int(n), err
}

// bytes reads bytes with their length before them, as they lie in the body.
func (r *valueReader) bytes() ([]byte, error) {
	n, err := r.uvarint()
	if err != nil {
		return nil, err
	}
	b, err := r.take(n)
	if err == nil {
		err = r.charge(n)
	}
	return b, err
}

// sizes are the bytes of numbers.
var sizes = map[types.Kind]int{
	types.Bool: 1, types.S8: 1, types.U8: 1, types.S16: 2, types.U16: 2, types.S32: 4, types.U32: 4, types.S64: 8, types.U64: 8,
	types.F32: 4, types.F64: 8, types.Char: 4, types.Flags: 4, types.Own: 4, types.Borrow: 4,
}

func (r *valueReader) value(t *types.Value) (any, error) {
	if size := sizes[t.Kind]; size > 0 {
		n, err := r.number(size)
		if err != nil {
			return nil, err
		}
		return r.scalar(t, n)
	}
	switch t.Kind {
	case types.String:
		b, err := r.bytes()
		if err == nil && !utf8.Valid(b) {
			err = errors.New("a text is no UTF-8")
		}
		return string(b), err
	case types.Record:
		values, err := r.fields(t.Fields)
		return Record(values), err
	case types.Tuple:
		values, err := r.fields(t.Fields)
		return Tuple(values), err
	case types.List, types.FixedList, types.Map:
		return r.list(t)
	case types.Variant:
		i, err := r.count(len(t.Fields))
		if err != nil {
			return nil, err
		}
		v, err := r.payload(t.Fields[i].Type)
		return Variant{Case: t.Fields[i].Name, Value: v}, err
	case types.Option:
		some, err := r.flag()
		if err != nil || !some {
			return None(), err
		}
		v, err := r.payload(t.Elem)
		return Some(v), err
	case types.Result:
		ok, err := r.flag()
		if err != nil {
			return nil, err
		}
		of := t.Err
		if ok {
			of = t.OK
		}
		v, err := r.payload(of)
		return Result{OK: ok, Value: v}, err
	case types.Enum:
		i, err := r.count(len(t.Labels))
		if err != nil {
			return nil, err
		}
		return Enum(t.Labels[i]), nil
	}
	return nil, fmt.Errorf("a %s cannot cross", t.Kind)
}

func (r *valueReader) flag() (bool, error) {
	n, err := r.number(1)
	if err == nil && n > 1 {
		err = fmt.Errorf("the case %d of 2", n)
	}
	return n == 1, err
}

func (r *valueReader) payload(t *types.Value) (any, error) {
	if t == nil {
		return nil, nil
	}
	if err := r.charge(2 * readElement); err != nil {
		return nil, err
	}
	return r.value(t)
}

// scalar makes a value of the type of a number.
func (r *valueReader) scalar(t *types.Value, n uint64) (any, error) {
	switch t.Kind {
	case types.Bool:
		if n > 1 {
			return nil, errors.New("a bool is neither")
		}
		return n == 1, nil
	case types.S8:
		return int8(n), nil
	case types.U8:
		return uint8(n), nil
	case types.S16:
		return int16(n), nil
	case types.U16:
		return uint16(n), nil
	case types.S32:
		return int32(n), nil
	case types.U32:
		return uint32(n), nil
	case types.S64:
		return int64(n), nil
	case types.U64:
		return n, nil
	case types.F32:
		return math.Float32frombits(uint32(n)), nil
	case types.F64:
		return math.Float64frombits(n), nil
	case types.Char:
		if c := rune(n); utf8.ValidRune(c) {
			return c, nil
		}
		return nil, errors.New("a char is no Unicode scalar value")
	case types.Flags:
		if n>>len(t.Labels) != 0 {
			return nil, errors.New("flags that there are not")
		}
		return Flags(n), nil
	}
	return Rep(n), r.handles.take(t.Resource.Index, uint32(n), t.Kind == types.Own)
}

func (r *valueReader) list(t *types.Value) (any, error) {
	if t.Kind == types.List && t.Elem.Kind == types.U8 {
		b, err := r.bytes()
		return append([]byte{}, b...), err
	}
	n := uint64(t.Length)
	if t.Kind != types.FixedList {
		var err error
		if n, err = r.uvarint(); err != nil {
			return nil, err
		}
	}
	// Every value takes a byte at least: no type of WIT is empty.
	if n > uint64(len(r.b)) {
		return nil, errShort
	}
	if err := r.charge(n * readElement); err != nil {
		return nil, err
	}
	values := make([]any, n)
	for i := range values {
		var err error
		if t.Kind == types.Map {
			var pair []any
			pair, err = r.fields([]types.Field{{Type: t.Key}, {Type: t.Elem}})
			values[i] = Tuple(pair)
		} else {
			values[i], err = r.value(t.Elem)
		}
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}
