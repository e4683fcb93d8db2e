package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/caisson-dev/caisson/host-go/component"
)

// Encode returns the JSON of a WIT value. It returns the same bytes for the same value. A string, a boolean,
// a list and a u32 become those of JSON. An option without a value becomes null. Every other type becomes an
// object whose key names the type.
func Encode(value any) (json.RawMessage, error) {
	tree, err := toJSON(value)
	if err != nil {
		return nil, err
	}
	return marshal(tree)
}

// marshal is json.Marshal, but leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func toJSON(value any) (any, error) {
	tag := func(key string, inner any) (any, error) {
		v, err := toJSON(inner)
		return map[string]any{key: v}, err
	}
	switch v := value.(type) {
	case nil, string, bool, uint32:
		return v, nil
	case uint8:
		return map[string]any{"u8": v}, nil
	case uint16:
		return map[string]any{"u16": v}, nil
	case uint64:
		return map[string]any{"u64": v}, nil
	case int32:
		return map[string]any{"s32": v}, nil
	case []byte:
		if utf8.Valid(v) {
			return map[string]any{"text": string(v)}, nil
		}
		return map[string]any{"base64": v}, nil
	case component.Enum:
		return map[string]any{"enum": string(v)}, nil
	case component.Record:
		return tag("record", []any(v))
	case component.Tuple:
		return tag("tuple", []any(v))
	case component.Variant:
		tree := map[string]any{"case": v.Case}
		if v.Value == nil {
			return tree, nil
		}
		var err error
		tree["value"], err = toJSON(v.Value)
		return tree, err
	case component.Option:
		if !v.Some {
			return nil, nil
		}
		return tag("some", v.Value)
	case component.Result:
		if v.OK {
			return tag("ok", v.Value)
		}
		return tag("err", v.Value)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = toJSON(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("a %T cannot be recorded", value)
}

// A tagged is any object of the encoding.
type tagged struct {
	U8     *uint8            `json:"u8"`
	U16    *uint16           `json:"u16"`
	U64    *uint64           `json:"u64"`
	S32    *int32            `json:"s32"`
	Text   *string           `json:"text"`
	Base64 []byte            `json:"base64"`
	Enum   *string           `json:"enum"`
	Record []json.RawMessage `json:"record"`
	Tuple  []json.RawMessage `json:"tuple"`
	Case   *string           `json:"case"`
	Value  json.RawMessage   `json:"value"`
	Some   json.RawMessage   `json:"some"`
	OK     json.RawMessage   `json:"ok"`
	Err    json.RawMessage   `json:"err"`
}

var errNoValue = errors.New("it is no value of a recording")

// maxNesting bounds the nesting of values. The values of the contract nest less than half as deep.
const maxNesting = 16

// Decode returns the value that Encode encoded.
func Decode(text json.RawMessage) (any, error) { return decode(text, 0) }

// DecodeAll decodes a list of values.
func DecodeAll(texts []json.RawMessage) ([]any, error) { return decodeAll(texts, 0) }

func decode(text json.RawMessage, depth int) (any, error) {
	if depth++; depth > maxNesting {
		return nil, errNoValue
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, errNoValue
	}
	switch text[0] {
	case 'n':
		return component.None(), nil
	case '"':
		return decodeAs[string](text)
	case 't', 'f':
		return decodeAs[bool](text)
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
		return decodeAll(list, depth)
	case '{':
		var t tagged
		if err := json.Unmarshal(text, &t); err != nil {
			return nil, err
		}
		return t.value(depth)
	}
	return decodeAs[uint32](text)
}

func decodeAs[T any](text []byte) (any, error) {
	var v T
	err := json.Unmarshal(text, &v)
	return v, err
}

func decodeAll(texts []json.RawMessage, depth int) ([]any, error) {
	list := make([]any, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = decode(text, depth); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// EncodeAll encodes a list of values.
func EncodeAll(values []any) ([]json.RawMessage, error) {
	list := make([]json.RawMessage, len(values))
	for i, value := range values {
		var err error
		if list[i], err = Encode(value); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (t *tagged) value(depth int) (any, error) {
	switch {
	case t.U8 != nil:
		return *t.U8, nil
	case t.U16 != nil:
		return *t.U16, nil
	case t.U64 != nil:
		return *t.U64, nil
	case t.S32 != nil:
		return *t.S32, nil
	case t.Text != nil:
		return []byte(*t.Text), nil
	case t.Base64 != nil:
		return t.Base64, nil
	case t.Enum != nil:
		return component.Enum(*t.Enum), nil
	case t.Record != nil:
		list, err := decodeAll(t.Record, depth)
		return component.Record(list), err
	case t.Tuple != nil:
		list, err := decodeAll(t.Tuple, depth)
		return component.Tuple(list), err
	case t.Case != nil && t.Value == nil:
		return component.Variant{Case: *t.Case}, nil
	case t.Case != nil:
		v, err := decode(t.Value, depth)
		return component.Variant{Case: *t.Case, Value: v}, err
	case t.Some != nil:
		v, err := decode(t.Some, depth)
		return component.Some(v), err
	case t.OK != nil:
		v, err := decode(t.OK, depth)
		return component.OK(v), err
	case t.Err != nil:
		v, err := decode(t.Err, depth)
		return component.Err(v), err
	}
	return nil, errNoValue
}
