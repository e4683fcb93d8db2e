// Package component runs WebAssembly components: the Component Model MVP with
// the interfaces of WASI 0.2, in pure Go on the core runtime wazero. What
// componentize-js, componentize-py and wit-component emit runs on it.
//
//	r, err := component.NewRuntime(ctx, nil)          // once
//	c, err := r.Compile(ctx, wasm)                    // once for each component
//	in, err := c.Instantiate(ctx, linker)             // as often as wanted
//	out, err := in.ExportedFunction("run").Call(ctx)  // one call at a time
//
// A [Linker] holds what the host gives: functions and resources by the names of
// the interfaces they belong to, versions matched by semver. Package wasi fills
// one with WASI 0.2, granting nothing by default.
//
// # Values
//
// Arguments and results are Go values of these types, both ways:
//
//	WIT                     Go
//	bool                    bool
//	s8 s16 s32 s64          int8 int16 int32 int64
//	u8 u16 u32 u64          uint8 uint16 uint32 uint64
//	f32 f64                 float32 float64; there is one NaN
//	char                    rune
//	string                  string, valid UTF-8
//	list<u8>                []byte
//	list<T>                 []any
//	list<T, N>              []any of N elements
//	map<K, V>               []any of Tuple{key, value}
//	record                  Record: the fields in the order of the definition
//	tuple                   Tuple
//	variant                 Variant{Case, Value}; Value is nil for a case without payload
//	enum                    Enum: the name of the case
//	flags                   Flags: bit i is the label i
//	option<T>               Option{Some, Value}; Some(v), None()
//	result<T, E>            Result{OK, Value}; OK(v), Err(v)
//	own, borrow             Rep for a resource of the host, *Resource for one of a guest
//
// The types are exact: a u32 is a uint32, not an int. A value that does not fit
// is a *ValueError.
//
// # Limits
//
// Guest code is metered unless Config.Unmetered is set: it has safe points, at
// which the garbage collector can stop it, and where it ends when the context of
// the call ends or its fuel is used up. Memories, tables and handle tables are
// bounded, and so is what a call can make the host allocate. An instance that
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
