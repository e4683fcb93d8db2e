// Package exact decodes JSON by the names that are in it.
package exact

import (
	"encoding/json"
	"errors"
	"reflect"

	segmentio "github.com/segmentio/encoding/json"
)

var errNotJSON = errors.New("it is not valid JSON, or is nested too deeply")

// Unmarshal decodes what a server has sent into what a pointer leads to. A member of a struct is taken under its own name alone, as
// the core and the Go SDK take it: encoding/json takes "Name" for "name" too, so that what the core has
// checked would be another value than the one that is given on.
//
// What the protocol allows and the Go SDK's types have no room for, such as a size of 1.5, is decoded as
// fitting.go has it.
func Unmarshal(raw []byte, into any) error {
	err := unmarshal(raw, into)
	if err == nil {
		return nil
	}
	text := fitting(raw)
	if text == nil {
		return err
	}
	// Nothing stays of the attempt that failed.
	again := reflect.New(reflect.TypeOf(into).Elem())
	if unmarshal(text, again.Interface()) != nil {
		return err
	}
	reflect.ValueOf(into).Elem().Set(again.Elem())
	return nil
}

func unmarshal(raw []byte, into any) error {
	// A type that decodes itself need not be shown a text that was looked through for that again.
	if own, ok := into.(json.Unmarshaler); ok {
		return own.UnmarshalJSON(raw)
	}
	// The decoder has no bound on nesting, and a goroutine's stack has one.
	if !json.Valid(raw) {
		return errNotJSON
	}
	_, err := segmentio.Parse(raw, into, segmentio.DontMatchCaseInsensitiveStructFields)
	if err == nil {
		return nil
	}
	// encoding/json tells the place and the type in its errors, and quotes nothing.
	if plain := json.Unmarshal(raw, reflect.New(reflect.TypeOf(into).Elem()).Interface()); plain != nil {
		return plain
	}
	return err
}
