package abi

import (
	"reflect"
	"regexp"
)

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
