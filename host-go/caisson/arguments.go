package caisson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
)

// objectOf returns a value that marshals to the same JSON object as v, an empty one for nil. When the type
// of v does not show that v marshals to an object, objectOf marshals v and returns the text.
func objectOf(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return struct{}{}, nil
	case map[string]any:
		if v != nil {
			return v, nil
		}
	case json.RawMessage:
		if bytes.HasPrefix(bytes.TrimLeft(v, " \t\r\n"), []byte{'{'}) {
			return v, nil
		}
	default:
		if isPlain(reflect.ValueOf(v)) {
			return v, nil
		}
	}
	text, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, err
	case string(text) == "null":
		return struct{}{}, nil
	case text[0] != '{':
		return nil, fmt.Errorf("%T marshals to %s", v, kindOf(text[0]))
	}
	return json.RawMessage(text), nil
}

// marshalObject returns the JSON object that a value marshals to, an empty one for nil.
func marshalObject(v any) (json.RawMessage, error) {
	object, err := objectOf(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(object)
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// isPlain reports whether a value marshals to an object: a struct or a map without a marshaler of its own.
func isPlain(v reflect.Value) bool {
	if v.Kind() == reflect.Pointer {
		v = v.Elem() // Of nil, no value.
	}
	if v.Kind() != reflect.Struct && (v.Kind() != reflect.Map || v.IsNil()) {
		return false
	}
	own := reflect.PointerTo(v.Type()) // It has the methods of both.
	return !own.Implements(marshaler) && !own.Implements(textMarshaler)
}

// isObject reports whether a text is a JSON object.
func isObject(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte{'{'}) && json.Valid(text)
}

// kindOf says what a JSON text is that begins with a byte.
func kindOf(first byte) string {
	switch first {
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}
