package abi

import (
	"fmt"
)

// ValueError is a Go value that does not fit the WIT type it is given for.
type ValueError struct {
	Type  string // the WIT type
	Value any
	Msg   string // more, where the Go type alone is not the fault
}

func mismatch(typ fmt.Stringer, v any) { panic(&ValueError{Type: typ.String(), Value: v}) }
