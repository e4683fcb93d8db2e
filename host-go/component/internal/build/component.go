package build

// Sections of components.

func CoreModule(module Bytes) Bytes         { return Section(1, module) }
func CoreInstances(items ...Bytes) Bytes    { return Section(2, Vec(items...)) }
func Nested(component Bytes) Bytes          { return Section(4, component) }
func Instances(items ...Bytes) Bytes        { return Section(5, Vec(items...)) }
func Aliases(items ...Bytes) Bytes          { return Section(6, Vec(items...)) }
func TypeDefs(items ...Bytes) Bytes         { return Section(7, Vec(items...)) }
func Canons(items ...Bytes) Bytes           { return Section(8, Vec(items...)) }
func ComponentImports(items ...Bytes) Bytes { return Section(10, Vec(items...)) }
func ComponentExports(items ...Bytes) Bytes { return Section(11, Vec(items...)) }

// These are the sorts of what a component exports.
const (
	SortFunc      = 1
	SortType      = 3
	SortComponent = 4
	SortInstance  = 5
)

// CoreInstance returns an instance of a core module.
func CoreInstance(module int, args ...Bytes) Bytes {
	return Cat(Bytes{0}, U32(module), Vec(args...))
}

// CoreArg returns a core instance as an argument of an instantiation.
func CoreArg(name string, instance int) Bytes {
	return Cat(Name(name), Bytes{0x12}, U32(instance))
}

// InlineCore returns a core instance of inline exports.
func InlineCore(items ...Bytes) Bytes { return Cat(Bytes{1}, Vec(items...)) }

// Instance returns an instance of a component without arguments.
func Instance(component int) Bytes { return Cat(Bytes{0}, U32(component), Bytes{0}) }

// Inline returns an instance of inline exports.
func Inline(items ...Bytes) Bytes { return Cat(Bytes{1}, Vec(items...)) }

// InlineExport returns an item of an instance of inline exports.
func InlineExport(name string, sort byte, index int) Bytes {
	return Cat(Bytes{0}, Name(name), Bytes{sort}, U32(index))
}

// AliasCore returns an alias of an export of a core instance.
func AliasCore(kind byte, instance int, name string) Bytes {
	return Cat(Bytes{0, kind, 1}, U32(instance), Name(name))
}

// AliasExport returns an alias of an export of an instance.
func AliasExport(sort byte, instance int, name string) Bytes {
	return Cat(Bytes{sort, 0}, U32(instance), Name(name))
}

// ComponentFunc returns a function type. A nil result means none.
func ComponentFunc(result Bytes, params ...Bytes) Bytes {
	if result == nil {
		return Cat(Bytes{0x40}, Vec(params...), Bytes{1, 0})
	}
	return Cat(Bytes{0x40}, Vec(params...), Bytes{0}, result)
}

// Param returns a parameter of a function, or a field of a record.
func Param(name string, typ ...byte) Bytes { return Cat(Name(name), typ) }

// OptionMemory and its siblings return canonical options.
func OptionMemory(index int) Bytes  { return append(Bytes{3}, U32(index)...) }
func OptionRealloc(index int) Bytes { return append(Bytes{4}, U32(index)...) }
func OptionPost(index int) Bytes    { return append(Bytes{5}, U32(index)...) }

// Lift returns canon lift.
func Lift(core, typ int, options ...Bytes) Bytes {
	return Cat(Bytes{0, 0}, U32(core), Vec(options...), U32(typ))
}

// Lower returns canon lower.
func Lower(f int, options ...Bytes) Bytes { return Cat(Bytes{1, 0}, U32(f), Vec(options...)) }

// ComponentImport returns an import with this description.
func ComponentImport(name string, description ...byte) Bytes {
	return Cat(Bytes{0}, Name(name), description)
}

// ComponentExport returns an export without a type.
func ComponentExport(name string, sort byte, index int) Bytes {
	return Cat(Bytes{0}, Name(name), Bytes{sort}, U32(index), Bytes{0})
}
