package abi

import (
	"fmt"
	"reflect"
	"regexp"
)

// The Go types of WIT values, which package component documents.
type (
	// Record is a record: the values of its fields in the order of the WIT
	// definition.
	Record []any

	// Tuple is a tuple.
	Tuple []any

	// Variant is a variant: the name of the case and its payload, nil for a
	// case that has none.
	Variant struct {
		Case  string
		Value any
	}

	// Enum is an enum: the name of the case.
	Enum string

	// Flags are flags: bit i is the label i of the WIT definition.
	Flags uint32

	// Option is an option. Value counts only when Some is true.
	Option struct {
		Some  bool
		Value any
	}

	// Result is a result: Value is the payload of ok when OK is true, else of
	// the error; nil where the type has none.
	Result struct {
		OK    bool
		Value any
	}
)

// Rep is a handle, owned or borrowed, of a resource that the host implements: its
// representation.
type Rep uint32

// ValueError is a Go value that does not fit the WIT type it is given for.
type ValueError struct {
	Type  string // the WIT type
	Value any
	Msg   string // more, where the Go type alone is not the fault
}

func mismatch(typ fmt.Stringer, v any) { panic(&ValueError{Type: typ.String(), Value: v}) }

// valueTypes matches the Go types of WIT values in the spelling of a type.
var valueTypes = regexp.MustCompile(`\babi\.(Record|Tuple|Variant|Enum|Flags|Option|Result|Rep)\b`)

// GoName spells a Go type as a program does, to which package component has the types
// of WIT values.
func GoName(t reflect.Type) string {
	if t == nil {
		return "<nil>"
	}
	return valueTypes.ReplaceAllString(t.String(), "component.$1")
}
