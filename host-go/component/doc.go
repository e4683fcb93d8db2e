// Package component runs WebAssembly components: the Component Model MVP with
// the interfaces of WASI 0.2, in pure Go on the core runtime wazero. What
// componentize-js, componentize-py and wit-component emit runs on it.
//
//	r, err := component.NewRuntime(ctx, nil)         // once
//	c, err := r.Compile(ctx, wasm)                   // once for each component
//	in, err := c.Instantiate(ctx, linker)            // as often as wanted
//	out, err := in.ExportedFunction("run").Call(ctx) // one call at a time
//
// Code, instances and calls have bounds of their own: what is compiled once is
// instantiated with any [Limits], and called with any context and fuel:
//
//	in, err := c.InstantiateWith(ctx, linker, component.Limits{Memory: 64 << 20})
//	out, err := in.ExportedFunction("run").Call(component.WithFuel(ctx, 1e9))
//
// A [Linker] holds what the host gives: functions and resources by the names of
// the interfaces they belong to, versions matched by semver. Package wasi fills
// one with WASI 0.2, granting nothing by default.
//
// # Functions
//
// An exported function is called with WIT values, [Function.Call], or as a Go
// function with types of its own, [Bind]. A function of the host is a plain Go
// function given to [Interface.Func]; [Typed] makes one of it that is called
// without reflection, and [HostFunc] is one of WIT values. Go types are checked
// against the WIT type once, when a component is instantiated or a function is
// bound; with Bind and Typed calls of scalars allocate nothing.
//
// # Values
//
// WIT values are Go values of the middle column, both ways. Functions with types
// of their own may have those of the right column too, where "kind" includes
// types that the program defines, such as type ID uint64:
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
// The types are exact: a u32 is a uint32, not an int. A value that does not fit
// is a *ValueError. A field's name is WIT's without hyphens, in any case: Name or
// ContentType. The type any takes the WIT value of any type.
//
// # Limits
//
// Guest code is metered unless Config.Unmetered is set: it has safe points, at
// which the garbage collector can stop it, and where it ends when the context of
// the call ends or its fuel is used up. What the host holds for an instance is
// bounded by one budget of bytes, and so is what a call can make it allocate. An
// instance that
// was stopped or that trapped is dead; its siblings are not affected.
//
// # Errors
//
// *DecodeError says where a component is malformed, invalid, or uses what is
// not supported; *LinkError, which import is missing; *TrapError, what ended a
// call, and wraps the cause: a host function's error, the context's error, a
// *LimitError, or the fault of the guest.
//
// Nothing asynchronous is supported: async functions, streams, futures, error
// contexts and threads are refused when a component is loaded, and so are value
// imports. docs/component.md in the repository has the table of features.
package component
