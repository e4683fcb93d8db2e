package abi

import (
	"fmt"
)

// ValueError is a Go value that does not fit its WIT type.
type ValueError struct {
	Type  string // the WIT type
	Value any
	Msg   string // what is wrong when the Go type itself is right
}

func mismatch(typ fmt.Stringer, v any) { panic(&ValueError{Type: typ.String(), Value: v}) }
