package abi

// These are the Go types of WIT values. Package component documents them.
type (
	// Record is a record: the values of its fields in the order of the WIT
	// definition.
	Record []any

	// Tuple is a tuple.
	Tuple []any

	// Variant is a variant: the name of the case and its payload. The payload is nil for a case without
	// payload.
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

	// Result is a result. Value is the payload of ok when OK is true, and of the error otherwise. It is nil
	// when the type has no such payload.
	Result struct {
		OK    bool
		Value any
	}
)

// Rep is a handle, owned or borrowed, of a resource that the host implements: its
// representation.
type Rep uint32
