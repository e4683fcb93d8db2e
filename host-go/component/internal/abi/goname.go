package abi

import (
	"reflect"
	"regexp"
)

// valueTypes matches the Go types of WIT values in the name of a type.
var valueTypes = regexp.MustCompile(`\babi\.(Record|Tuple|Variant|Enum|Flags|Option|Result|Rep)\b`)

// GoName returns the name of a Go type as a program spells it: programs know the types of WIT values from
// package component.
func GoName(t reflect.Type) string {
	if t == nil {
		return "<nil>"
	}
	return valueTypes.ReplaceAllString(t.String(), "component.$1")
}
