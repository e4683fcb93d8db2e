// Package component runs WebAssembly components: the Component Model MVP with
// the interfaces of WASI 0.2, in pure Go on the core runtime wazero. It runs the
// output of componentize-js, componentize-py and wit-component.
//
//	r, err := component.NewRuntime(ctx, nil)         // once
//	c, err := r.Compile(ctx, wasm)                   // once for each component
//	in, err := c.Instantiate(ctx, linker)            // as often as wanted
//	out, err := in.ExportedFunction("run").Call(ctx) // one call at a time
//
// Code, instances and calls have separate bounds. Compile a component once, instantiate it with any [Limits],
// and call it with any context and fuel:
//
//	in, err := c.InstantiateWith(ctx, linker, component.Limits{Memory: 64 << 20})
//	out, err := in.ExportedFunction("run").Call(component.WithFuel(ctx, 1e9))
//
// A [Linker] holds the host's functions and resources by the names of their
// interfaces, and matches versions by semver. Package wasi fills a Linker with
// WASI 0.2, and grants nothing by default.
//
// # Functions
//
// Call an exported function with WIT values by [Function.Call], or turn it into a Go function with Go types
// by [Bind]. [Interface.Func] takes a plain Go function as a host function. [Typed] wraps a Go function so
// that the runtime calls it without reflection. A [HostFunc] uses WIT values. The runtime checks Go types
// against the WIT type once, when it instantiates a component or binds a function. Calls of scalars through
// Bind and Typed allocate nothing.
//
// # Values
//
// WIT values are Go values of the middle column, both ways. Functions with Go
// types may use the right column too, where "kind" includes types that the
// program defines, such as type ID uint64:
//
//	WIT                     WIT value                       Go types of a function
//	bool                    bool                            kind bool
//	s8 s16 s32 s64          int8 int16 int32 int64          the same kind
//	u8 u16 u32 u64          uint8 uint16 uint32 uint64      the same kind
//	f32 f64                 float32 float64; one NaN        the same kind
//	char                    rune                            kind int32
//	string                  string, valid UTF-8             kind string
//	list<u8>                []byte                          slice of kind uint8
//	list<T>                 []any                           slice of T's
//	list<T, N>              []any of N elements             array of N of T's
//	map<K, V>               []any of Tuple{key, value}      slice of structs of two fields
//	record                  Record: fields in WIT's order   struct: fields by name, or tag wit:"name"
//	tuple                   Tuple                           struct: fields in order
//	variant                 Variant{Case, Value}; Value is  Variant
//	                        nil for a case without payload
//	enum                    Enum: the name of the case      kind string
//	flags                   Flags: bit i is the label i     kind uint32
//	option<T>               Option{Some, Value};            pointer to T's, nil for none
//	                        Some(v), None()
//	result<T, E>            Result{OK, Value}; OK(v),       Result
//	                        Err(v)
//	own, borrow             Rep for a resource of the       the same
//	                        host, *Resource for a guest's
//
// The types are exact: a u32 is a uint32, not an int. A value that does not fit causes a *ValueError. The
// name of a struct's field is WIT's name without hyphens, in any case: Name or ContentType. The type any
// takes the WIT value of any type.
//
// # Limits
//
// The runtime meters guest code unless Config.Unmetered is set: the code has safe
// points, where the garbage collector can stop it, and where it ends when the
// context of the call ends, or its fuel or its time of computing (WithComputing) is
// used up. One budget of bytes bounds what
// the host holds for an instance, and what a call can make the host allocate. An
// instance that was stopped or that trapped is dead; its siblings live on.
//
// # Errors
//
// A *DecodeError says where a component is malformed, invalid, or uses an
// unsupported feature. A *LinkError says which import is missing. A *TrapError
// says what ended a call, and wraps the cause: a host function's error, the
// context's error, a *LimitError, or the fault of the guest.
//
// The runtime supports nothing asynchronous: it refuses to load a component with async functions, streams,
// futures, error contexts or threads. It also refuses value imports. docs/component.md in the repository has
// the table of features.
package component
