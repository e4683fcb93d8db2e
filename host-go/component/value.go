package component

import "github.com/caisson-dev/caisson/host-go/component/internal/abi"

// These are the Go types of WIT values. doc.go has the whole table.
type (
	// Record is a record, as a []any: the values of its fields in the order of the WIT definition.
	Record = abi.Record

	// Tuple is a tuple, as a []any.
	Tuple = abi.Tuple

	// Variant is a variant, as a struct. Case, a string, is the name of the case. Value, of type any, is its
	// payload, nil for a case without payload.
	Variant = abi.Variant

	// Enum is an enum, as a string: the name of the case.
	Enum = abi.Enum

	// Flags are flags, as a uint32: bit i is label i of the WIT definition.
	Flags = abi.Flags

	// Option is an option, as a struct. Some is a bool. Value, of type any, counts only when Some is true.
	Option = abi.Option

	// Result is a result, as a struct. OK is a bool. Value, of type any, is the payload of ok when OK is
	// true, and of the error otherwise; nil when the type has no such payload.
	Result = abi.Result
)

// Some returns the option that holds v.
func Some(v any) Option { return Option{Some: true, Value: v} }

// None returns the empty option.
func None() Option { return Option{} }

// OK returns the result ok(v).
func OK(v any) Result { return Result{OK: true, Value: v} }

// Err returns the result err(v).
func Err(v any) Result { return Result{Value: v} }
