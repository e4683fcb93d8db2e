package component

import "github.com/caisson-dev/caisson/host-go/component/internal/abi"

// The Go types of WIT values; doc.go has the whole table.
type (
	// Record is a record, a []any: the values of its fields in the order of the WIT
	// definition.
	Record = abi.Record

	// Tuple is a tuple, a []any.
	Tuple = abi.Tuple

	// Variant is a variant, a struct of two fields: Case, a string, is the name of
	// the case, and Value, of type any, its payload, nil for a case that has none.
	Variant = abi.Variant

	// Enum is an enum, a string: the name of the case.
	Enum = abi.Enum

	// Flags are flags, a uint32: bit i is the label i of the WIT definition.
	Flags = abi.Flags

	// Option is an option, a struct of two fields: Some, a bool, and Value, of type
	// any, which counts only when Some is true.
	Option = abi.Option

	// Result is a result, a struct of two fields: Value, of type any, is the payload
	// of ok when OK, a bool, is true, else of the error; nil where the type has none.
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
