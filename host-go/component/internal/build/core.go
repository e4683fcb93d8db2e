package build

// Sections of core modules.

func Types(items ...Bytes) Bytes     { return Section(1, Vec(items...)) }
func Imports(items ...Bytes) Bytes   { return Section(2, Vec(items...)) }
func Functions(items ...Bytes) Bytes { return Section(3, Vec(items...)) }
func Tables(items ...Bytes) Bytes    { return Section(4, Vec(items...)) }
func Memories(items ...Bytes) Bytes  { return Section(5, Vec(items...)) }
func Globals(items ...Bytes) Bytes   { return Section(6, Vec(items...)) }
func Exports(items ...Bytes) Bytes   { return Section(7, Vec(items...)) }
func Start(index int) Bytes          { return Section(8, U32(index)) }
func Elements(items ...Bytes) Bytes  { return Section(9, Vec(items...)) }
func Code(items ...Bytes) Bytes      { return Section(10, Vec(items...)) }
func Data(items ...Bytes) Bytes      { return Section(11, Vec(items...)) }

// These are the kinds of core imports and exports, and the value types.
const (
	Func   = 0
	Table  = 1
	Memory = 2
	Global = 3

	I32     = 0x7f
	I64     = 0x7e
	FuncRef = 0x70
)

// FuncType returns a core function type.
func FuncType(params, results Bytes) Bytes {
	return Cat(Bytes{0x60}, Sized(params), Sized(results))
}

// TableOf returns a table of functions. max is at least min.
func TableOf(min, max int) Bytes { return Cat(Bytes{FuncRef, 1}, U32(min), U32(max)) }

// MemoryOf returns a memory of min pages without a maximum.
func MemoryOf(min int) Bytes { return append(Bytes{0}, U32(min)...) }

// GlobalOf returns a mutable i32.
func GlobalOf(value int) Bytes { return Cat(Bytes{I32, 1, 0x41}, S32(value), Bytes{0x0b}) }

// Import returns an import. Its description begins with its kind.
func Import(module, name string, description ...byte) Bytes {
	return Cat(Name(module), Name(name), description)
}

// Export returns an export of a core module.
func Export(name string, kind byte, index int) Bytes { return Cat(Name(name), Bytes{kind}, U32(index)) }

// Body returns a function's code. Its locals are i32.
func Body(locals int, code ...Bytes) Bytes {
	declared := Bytes{0}
	if locals > 0 {
		declared = Cat(Bytes{1}, U32(locals), Bytes{I32})
	}
	return Sized(declared, Cat(code...), Bytes{0x0b})
}

// Const returns i32.const.
func Const(v int) Bytes { return append(Bytes{0x41}, S32(v)...) }

// Call returns a call of a function.
func Call(index int) Bytes { return append(Bytes{0x10}, U32(index)...) }

// Forever returns an endless loop over the code.
func Forever(code ...Bytes) Bytes {
	return Cat(Bytes{0x03, 0x40}, Cat(code...), Bytes{0x0c, 0, 0x0b})
}
