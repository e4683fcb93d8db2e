// Package exact decodes JSON by the exact names in it.
package exact

import (
	"encoding/json"
	"errors"
	"reflect"

	segmentio "github.com/segmentio/encoding/json"
)

var errNotJSON = errors.New("it is not valid JSON, or is nested too deeply")

// Unmarshal decodes what a server has sent into the value that a pointer leads to. A member of a struct
// matches only its exact name, as in the core and the Go SDK. encoding/json also takes "Name" for "name", so
// that the program would get another value than the core has checked.
//
// The protocol allows values for which the Go SDK's types have no room, such as a size of 1.5. fitting.go
// says how they are decoded.
func Unmarshal(raw []byte, into any) error {
	err := unmarshal(raw, into)
	if err == nil {
		return nil
	}
	text := fitting(raw)
	if text == nil {
		return err
	}
	// The second attempt uses a new value, because the first may have left parts in the old one.
	again := reflect.New(reflect.TypeOf(into).Elem())
	if unmarshal(text, again.Interface()) != nil {
		return err
	}
	reflect.ValueOf(into).Elem().Set(again.Elem())
	return nil
}

func unmarshal(raw []byte, into any) error {
	// A type that decodes itself also checks the text itself.
	if own, ok := into.(json.Unmarshaler); ok {
		return own.UnmarshalJSON(raw)
	}
	// The decoder does not bound nesting, and a goroutine's stack is bounded.
	if !json.Valid(raw) {
		return errNotJSON
	}
	_, err := segmentio.Parse(raw, into, segmentio.DontMatchCaseInsensitiveStructFields)
	if err == nil {
		return nil
	}
	// The errors of encoding/json name the place and the type, and quote nothing.
	if plain := json.Unmarshal(raw, reflect.New(reflect.TypeOf(into).Elem()).Interface()); plain != nil {
		return plain
	}
	return err
}
