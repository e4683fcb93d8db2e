package component

import (
	"strconv"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// hostileCases is the corpus: the files, and the components that are too large for a file.
func hostileCases(testing.TB) []hostileCase {
	type want = map[string]string
	loads, runs := func(what string) want { return want{"load": what} }, want{"load": "", "instantiate": ""}
	return []hostileCase{
		hostileFile("start", want{"load": "", "instantiate": "time"}),
		hostileFile("start-recursion", want{"load": "", "instantiate": "stack"}),
		hostileFile("run", want{
			"load": "", "instantiate": "", "loop": "time", "recurse": "stack|time", "memory-flood": "time", "table-flood": "time",
			"reference-flood": "time", "handle-flood": "handles|time", "handle-turnover": "time", "fill": "time",
		}),
		hostileFile("realloc", want{
			"load": "", "instantiate": "", "zero": "", "last": "not aligned", "end": "beyond end", "odd": "aligned", "odd-latin": "aligned",
			"grows": "", "recurses": "stack|time", "traps": "unreachable", "loops": "time",
		}),
		hostileFile("reenter", want{
			"load": "", "instantiate": "", "take": "cannot leave", "post": "cannot leave", "post-traps": "unreachable", "post-loops": "time", "twice": "",
		}),
		hostileFile("values", want{
			"load": "", "instantiate": "", "string-2-31": "longer than the limit", "string-2-32": "longer than the limit",
			"utf16-2-31": "longer than the limit", "latin-2-31": "", "list-2-31": "longer than the limit", "list-2-32": "longer than the limit",
			"string-at-end": "out of bounds", "list-at-end": "out of bounds", "string-odd": "aligned", "list-odd": "aligned",
			"not-utf8": "utf-8", "surrogate": "surrogate", "far": "out of bounds", "itself": "out of bounds", "strings": "values of one call|out of bounds|utf-8", "wide": "out of bounds",
		}),
		{"tables", tableFlood, want{"load": "", "instantiate": "tables"}},
		{"tables of many instances", tablesOfInstances, want{"load": "", "instantiate": "tables"}},
		{"globals", globalFlood, want{"load": "", "instantiate": "globals"}},
		{"memories", memoryFlood, want{"load": "", "instantiate": "memory"}},
		{"empty memories", emptyMemories, want{"load": "", "instantiate": "core instances"}},
		{"references", referenceFlood, want{"load": "", "instantiate": "core instances"}},
		{"core instances", coreInstanceFlood, want{"load": "", "instantiate": "core instances"}},
		{"core instances, doubled", func() []byte { return doubled(20, true) }, loads("component instances")},
		{"component instances, doubled", func() []byte { return doubled(40, false) }, loads("component instances")},
		{"core instances of nested components", nestedCoreInstances, loads("core instances")},
		{"shims of nested components", nestedShims, loads("")},
		{"types, doubled", doubledTypes, runs},
		{"types, deep", deepTypes, loads("nesting deeper")},
		{"instance types, doubled", doubledInstanceTypes, loads("steps")},
		{"instances of instances, doubled", doubledInstances, loads("steps")},
		{"wide types, imported often", wideTypes, loads("steps")},
		{"long names", longNames, runs},
		{"100,000 exports", exportFlood, runs},
		{"100,000 types", typeFlood, runs},
		{"100,000 imports", importFlood, want{"load": "", "instantiate": "functions"}},
		{"100,000 aliases", aliasFlood, runs},
		{"nested components", func() []byte { return nestedComponents(2000) }, loads("nesting deeper")},
		{"calls from component to component", callChain, want{"load": "", "instantiate": "", "f": "call depth"}},
		{"arguments of nested components", nestedArgs, loads("steps")},
		{"inline exports with long names", nestedNames, loads("steps")},
		{"aliases of nested components", nestedAliases, loads("")},
		{"canonical definitions", func() []byte { return canonFlood(20_000) }, runs},
		{"canonical definitions, too many", func() []byte { return canonFlood(20_001) }, loads("canonical definitions")},
		{"lifted functions", liftFlood, loads("")},
		{"a function type of 1,000,000 parameters", wideFunction, loads("more than the limit of 1000")},
		{"names like that of the counter", counterNames, runs},
		{"element segments to look at", func() []byte { return unsureSegments(200_000) }, loads("too complex")},
		{"loads that hide in a long loop", func() []byte { return hiddenLoads(20_000) }, want{"load": "", "instantiate": "", "f": "time"}},
		{"loads that hide between branches", func() []byte { return hiddenLoads(100) }, want{"load": "", "instantiate": "", "f": "time"}},
		{interpreted + "locals in a recursion", func() []byte { return hungry(49_000, build.Call(0)) }, want{"load": "", "instantiate": "", "f": "stack"}},
		{interpreted + "operands in a recursion", func() []byte {
			return hungry(0, build.Cat(empties(10_000, build.Const(0)...)...), build.Call(0), build.Cat(empties(10_000, 0x1a)...))
		}, want{"load": "", "instantiate": "", "f": "stack"}},
		{interpreted + "locals in a loop", func() []byte { return hungry(49_000, build.Forever(build.Call(1))) }, want{"load": "", "instantiate": "", "f": "time"}},
		{interpreted + "locals in a start function", func() []byte { return hungryStart(0) }, want{"load": "", "instantiate": "stack"}},
		{interpreted + "locals in a start function, and element segments", func() []byte { return hungryStart(1) }, want{"load": "", "instantiate": "stack"}},
		{interpreted + "element segments to look at", func() []byte { return unsureSegments(100_000) }, runs},
		{interpreted + "constants that are dropped", func() []byte {
			return hungry(0, build.Bytes(strings.Repeat("\x41\x00\x1a", 2_500_000)))
		}, loads("too large to interpret")},
		{interpreted + "locals of many functions", func() []byte {
			return one(build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.Repeat(200, 0)...),
				build.Code(build.Repeat(200, build.Body(49_000)...)...)))
		}, loads("too large to interpret")},
		{"a core import with a long name that nothing gives", func() []byte { return missing(build.Import(manyNs, manyNs, build.Func, 0)) }, loads("missing module instantiation argument")},
		{"a stack of functions with long names", longFrames, want{"load": "", "instantiate": "unreachable"}},
		{"an export with a long name that is no function's", func() []byte {
			return one(build.Module(build.Exports(build.Export(manyNs, build.Func, 7))))
		}, loads("unknown func 7")},
		{"a value as large as its type", largeValue, want{"load": "", "instantiate": "", "f": "values of one call"}},
	}
}

func empties(n int, part ...byte) []build.Bytes { return build.Repeat(n, part...) }

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "n" + strconv.Itoa(i)
	}
	return out
}

func one(m build.Bytes) []byte {
	return build.Component(build.CoreModule(m), build.CoreInstances(build.CoreInstance(0)))
}

func tableFlood() []byte {
	return one(build.Module(build.Tables(empties(100, build.TableOf(1e6, 1e6)...)...)))
}

func tablesOfInstances() []byte {
	return build.Component(build.CoreModule(build.Module(build.Tables(build.TableOf(1e6, 1e6)))),
		build.CoreInstances(empties(1000, build.CoreInstance(0)...)...))
}

func globalFlood() []byte {
	return build.Component(build.CoreModule(build.Module(build.Globals(empties(10_000, build.GlobalOf(0)...)...))),
		build.CoreInstances(empties(4000, build.CoreInstance(0)...)...))
}

func memoryFlood() []byte {
	return build.Component(build.CoreModule(build.Module(build.Memories(build.MemoryOf(15)))),
		build.CoreInstances(empties(1000, build.CoreInstance(0)...)...))
}

func emptyMemories() []byte {
	return build.Component(build.CoreModule(build.Module(build.Memories(build.MemoryOf(0)))),
		build.CoreInstances(empties(20_000, build.CoreInstance(0)...)...))
}

func referenceFlood() []byte {
	m := build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)), build.Tables(build.TableOf(1000, 1000)),
		build.Elements(build.Cat(build.Bytes{0}, build.Const(0), build.Bytes{0x0b}, build.Vec(empties(1000, 0)...))), build.Code(build.Body(0)))
	return build.Component(build.CoreModule(m), build.CoreInstances(empties(20_000, build.CoreInstance(0)...)...))
}

func coreInstanceFlood() []byte {
	return build.Component(build.CoreModule(build.Module()), build.CoreInstances(empties(20_000, build.CoreInstance(0)...)...))
}

// doubled is a component that instantiates two of the next, down to one that has a core instance or nothing
// in it.
func doubled(depth int, core bool) []byte {
	c := build.Component()
	if core {
		c = one(build.Module())
	}
	for range depth {
		c = build.Component(build.Nested(c), build.Instances(build.Instance(0), build.Instance(0)))
	}
	return c
}

func nestedCoreInstances() []byte {
	inner := build.Component(build.CoreModule(build.Module()), build.CoreInstances(empties(1000, build.CoreInstance(0)...)...))
	return build.Component(build.Nested(inner), build.Instances(empties(5000, build.Instance(0)...)...))
}

// nestedShims has core instances of inline exports, one in each component.
func nestedShims() []byte {
	a := build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)), build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(0)))
	b := build.Module(build.Types(build.FuncType(nil, nil)), build.Imports(build.Import("m", "f", build.Func, 0)))
	inner := build.Component(build.CoreModule(a), build.CoreModule(b), build.CoreInstances(build.CoreInstance(0)),
		build.Aliases(build.AliasCore(build.Func, 0, "f")),
		build.CoreInstances(build.InlineCore(build.Cat(build.Name("f"), build.Bytes{build.Func, 0})), build.CoreInstance(1, build.CoreArg("m", 1))))
	return build.Component(build.Nested(inner), build.Instances(empties(1000, build.Instance(0)...)...))
}

// doubledTypes has a function of a tuple of two tuples of two, and so on, of lists.
func doubledTypes() []byte {
	defs := []build.Bytes{{0x70, 0x7d}}
	for i := range 45 {
		at := build.S32(2 * i)
		defs = append(defs, build.Cat(build.Bytes{0x6f, 2}, at, at), build.Cat(build.Bytes{0x70}, build.S32(2*i+1)))
	}
	last := len(defs) - 1
	defs = append(defs, build.ComponentFunc(build.S32(last), build.Param("x", build.S32(last)...)))
	return build.Component(build.TypeDefs(defs...), build.ComponentImports(build.ComponentImport("f", build.Cat(build.Bytes{1}, build.U32(last+1))...)),
		build.ComponentExports(build.ComponentExport("g", build.SortFunc, 0)))
}

func deepTypes() []byte {
	return build.Component(build.TypeDefs(append([]build.Bytes{{0x70, 0x7d}}, build.Times(200_000, func(i int) build.Bytes {
		return append(build.Bytes{0x6b}, build.S32(i)...)
	})...)...))
}

func doubledInstanceTypes() []byte {
	// (instance (export "f" (func)))
	defs := []build.Bytes{build.Cat(build.Bytes{0x42, 2, 1}, build.ComponentFunc(nil), build.Bytes{4, 0}, build.Name("f"), build.Bytes{1, 0})}
	for i := range 60 {
		outer := build.Cat(build.Bytes{2, 3, 2, 1}, build.U32(i)) // alias outer 1 i (type)
		export := func(name string) build.Bytes {
			return build.Cat(build.Bytes{4, 0}, build.Name(name), build.Bytes{5, 0})
		}
		defs = append(defs, build.Cat(build.Bytes{0x42, 3}, outer, export("a"), export("b")))
	}
	return build.Component(build.TypeDefs(defs...), build.ComponentImports(build.ComponentImport("i", build.Cat(build.Bytes{5}, build.U32(60))...)))
}

func doubledInstances() []byte {
	items := []build.Bytes{build.Inline()}
	for i := range 60 {
		items = append(items, build.Inline(build.InlineExport("a", build.SortInstance, i), build.InlineExport("b", build.SortInstance, i)))
	}
	return build.Component(build.Instances(items...), build.ComponentExports(build.ComponentExport("e", build.SortInstance, 60)))
}

// wideTypes imports an interface with a record of many fields, many times.
func wideTypes() []byte {
	fields := build.Times(5000, func(i int) build.Bytes { return build.Param("f"+strconv.Itoa(i), 0x79) })
	record := build.Cat(build.Bytes{0x72}, build.Vec(fields...))
	typ := build.Cat(build.Bytes{0x42, 2, 1}, record, build.Bytes{4, 0}, build.Name("r"), build.Bytes{3, 0, 0})
	imports := build.Times(20_000, func(i int) build.Bytes { return build.ComponentImport("n"+strconv.Itoa(i), 5, 0) })
	return build.Component(build.TypeDefs(typ), build.ComponentImports(imports...))
}

// longNames has an interface with a long name and many functions.
func longNames() []byte {
	long := "a:b/" + strings.Repeat("c", 90_000)
	items := build.Times(20_000, func(i int) build.Bytes { return build.InlineExport("n"+strconv.Itoa(i), build.SortFunc, 0) })
	return build.Component(build.TypeDefs(build.ComponentFunc(nil)), build.ComponentImports(build.ComponentImport("f", 1, 0)),
		build.Instances(build.Inline(items...)), build.ComponentExports(build.ComponentExport(long, build.SortInstance, 0)))
}

const flood = 100_000

func exportFlood() []byte {
	m := build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)), build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(0)))
	list := names(flood)
	return build.Component(build.CoreModule(m), build.CoreInstances(build.CoreInstance(0)), build.Aliases(build.AliasCore(build.Func, 0, "f")),
		build.TypeDefs(build.ComponentFunc(nil)), build.Canons(build.Lift(0, 0)),
		build.ComponentExports(build.Times(flood, func(i int) build.Bytes { return build.ComponentExport(list[i], build.SortFunc, 0) })...))
}

func typeFlood() []byte {
	list := names(flood)
	return build.Component(build.TypeDefs(build.Times(flood, func(i int) build.Bytes {
		return build.Cat(build.Bytes{0x6d, 1}, build.Name("c"+strconv.Itoa(i)))
	})...), build.ComponentExports(build.Times(flood, func(i int) build.Bytes { return build.ComponentExport(list[i], build.SortType, i) })...))
}

func importFlood() []byte {
	list := names(flood)
	return build.Component(build.TypeDefs(build.ComponentFunc(nil)),
		build.ComponentImports(build.Times(flood, func(i int) build.Bytes { return build.ComponentImport(list[i], 1, 0) })...))
}

func aliasFlood() []byte {
	m := build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)), build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(0)))
	return build.Component(build.CoreModule(m), build.CoreInstances(build.CoreInstance(0)), build.Aliases(empties(flood, build.AliasCore(build.Func, 0, "f")...)...))
}

func nestedComponents(depth int) []byte {
	c := build.Component()
	for range depth {
		c = build.Component(build.Nested(c))
	}
	return c
}

// callChain is a component in which each instance's function calls the one of the instance before, many times
// over.
func callChain() []byte {
	m := build.Module(build.Types(build.FuncType(nil, nil)), build.Imports(build.Import("", "f", build.Func, 0)), build.Functions(build.U32(0)),
		build.Exports(build.Export("f", build.Func, 1)), build.Code(build.Body(0, build.Call(0))))
	link := build.Component(build.TypeDefs(build.ComponentFunc(nil)), build.ComponentImports(build.ComponentImport("f", 1, 0)),
		build.Canons(build.Lower(0)), build.CoreModule(m),
		build.CoreInstances(build.InlineCore(build.Cat(build.Name("f"), build.Bytes{build.Func, 0})), build.CoreInstance(0, build.CoreArg("", 0))),
		build.Aliases(build.AliasCore(build.Func, 1, "f")), build.Canons(build.Lift(1, 0)),
		build.ComponentExports(build.ComponentExport("f", build.SortFunc, 1)))
	parts := []build.Bytes{build.TypeDefs(build.ComponentFunc(nil)), build.ComponentImports(build.ComponentImport("f", 1, 0)), build.Nested(link)}
	for i := range 1000 {
		arg := build.Cat(build.Name("f"), build.Bytes{build.SortFunc}, build.U32(i))
		parts = append(parts, build.Instances(build.Cat(build.Bytes{0, 0, 1}, arg)), build.Aliases(build.AliasExport(build.SortFunc, i, "f")))
	}
	return build.Component(append(parts, build.ComponentExports(build.ComponentExport("f", build.SortFunc, 1000)))...)
}

// largeValue returns a list in place that is as large as the memory.
func largeValue() []byte { return largeValueOf(50 << 20) }

func largeValueOf(size int) []byte {
	m := build.Module(build.Types(build.FuncType(nil, build.Bytes{build.I32})), build.Functions(build.U32(0)), build.Memories(build.MemoryOf(size>>16)),
		build.Exports(build.Export("f", build.Func, 0), build.Export("m", build.Memory, 0)), build.Code(build.Body(0, build.Const(0))))
	return build.Component(build.CoreModule(m), build.CoreInstances(build.CoreInstance(0)),
		build.Aliases(build.AliasCore(build.Func, 0, "f"), build.AliasCore(build.Memory, 0, "m")),
		build.TypeDefs(build.Cat(build.Bytes{0x67, 0x7d}, build.U32(size)), build.ComponentFunc(build.Bytes{0})),
		build.Canons(build.Lift(0, 1, build.OptionMemory(0))), build.ComponentExports(build.ComponentExport("f", build.SortFunc, 0)))
}

// nothing is a core module with a function that does nothing, exported as f.
func nothing(sections ...build.Bytes) []byte {
	parts := append([]build.Bytes{build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0))}, sections...)
	return build.Module(append(parts, build.Code(build.Body(0)))...)
}

// nestedArgs has core instances with many arguments that their module does not
// import.
func nestedArgs() []byte {
	args := build.Times(flood, func(i int) build.Bytes { return build.CoreArg("n"+strconv.Itoa(i), 0) })
	inner := build.Component(build.CoreModule(build.Module()), build.CoreInstances(build.CoreInstance(0), build.CoreInstance(0, args...)))
	return build.Component(build.Nested(inner), build.Instances(empties(9000, build.Instance(0)...)...))
}

// nestedNames has core instances of inline exports that differ, with long names.
func nestedNames() []byte {
	inner := build.Component(build.CoreModule(build.Module()), build.TypeDefs(build.Bytes{0x3f, build.I32, 0}), build.Canons(build.Bytes{3, 0}),
		build.CoreInstances(build.InlineCore(build.Cat(build.Name(strings.Repeat("n", 90_000)), build.Bytes{build.Func, 0})), build.CoreInstance(0, build.CoreArg("m", 0))))
	return build.Component(build.Nested(inner), build.Instances(empties(9000, build.Instance(0)...)...))
}

// nestedAliases keeps the definitions of each instance in use, through a component in it that is exported.
func nestedAliases() []byte {
	m := nothing(build.Exports(build.Export("f", build.Func, 0)))
	inner := build.Component(build.CoreModule(m), build.Nested(build.Component()), build.CoreInstances(build.CoreInstance(0)),
		build.Aliases(empties(140, build.AliasCore(build.Func, 0, "f")...)...), build.ComponentExports(build.ComponentExport("c", build.SortComponent, 0)))
	return build.Component(build.Nested(inner), build.Instances(empties(9900, build.Instance(0)...)...))
}

func canonFlood(n int) []byte {
	return build.Component(build.TypeDefs(build.Bytes{0x3f, build.I32, 0}), build.Canons(empties(n, 3, 0)...))
}

func liftFlood() []byte {
	m := nothing(build.Memories(build.MemoryOf(0)), build.Exports(build.Export("f", build.Func, 0), build.Export("m", build.Memory, 0)))
	return build.Component(build.CoreModule(m), build.CoreInstances(build.CoreInstance(0)),
		build.Aliases(build.AliasCore(build.Func, 0, "f"), build.AliasCore(build.Memory, 0, "m")), build.TypeDefs(build.ComponentFunc(nil)),
		build.Canons(empties(flood, build.Lift(0, 0, build.OptionMemory(0), build.OptionPost(0))...)...))
}

// wideFunction has a wide function type that is compared once for each import.
func wideFunction() []byte {
	params := make(build.Bytes, 1_000_000)
	for i := range params {
		params[i] = build.I32
	}
	typ := build.Types(build.FuncType(params, nil))
	a := build.Module(typ, build.Functions(build.U32(0)), build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(0)))
	b := build.Module(typ, build.Imports(build.Import("m", "f", build.Func, 0)))
	instances := append([]build.Bytes{build.CoreInstance(0)}, empties(19_000, build.CoreInstance(1, build.CoreArg("m", 0))...)...)
	return build.Component(build.CoreModule(a), build.CoreModule(b), build.CoreInstances(instances...))
}

// counterNames exports each name that the counter of fuel could have. The shortest comes last.
func counterNames() []byte {
	const n = 6000
	return one(nothing(build.Exports(build.Times(n, func(i int) build.Bytes {
		return build.Export("fuel"+strings.Repeat("'", n-1-i), build.Func, 0)
	})...)))
}

// unsureSegments has element segments whose offsets have to be computed before they can be checked.
func unsureSegments(n int) []byte {
	return one(nothing(build.Tables(build.TableOf(10, 10)), unsure(n)))
}

func unsure(n int) build.Bytes {
	segment := build.Cat(build.Bytes{0}, build.Const(0), build.Const(0), build.Bytes{0x6a, 0x0b, 1, 0})
	return build.Elements(empties(n, segment...)...)
}

// hungryStart has a start function with many locals that calls itself. Before it, the module has so many
// element segments.
func hungryStart(segments int) []byte {
	return one(build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)), build.Tables(build.TableOf(10, 10)),
		build.Start(0), unsure(segments), build.Code(build.Body(49_000, build.Call(0)))))
}

// manyNs is a long name.
var manyNs = strings.Repeat("n", 90_000)

// missing is a module with an import that it does not get.
func missing(imp build.Bytes) []byte {
	return one(build.Module(build.Types(build.FuncType(nil, nil)), build.Imports(imp)))
}

// longImport needs a host function whose parameters have long names.
func longImport() []byte {
	params := build.Times(20, func(i int) build.Bytes { return build.Param(manyNs+strconv.Itoa(i), 0x79) })
	return build.Component(build.TypeDefs(build.ComponentFunc(nil, params...)), build.ComponentImports(build.ComponentImport(manyNs, 1, 0)))
}

// longFrames has a start function that fails 20 calls deep. The module and its functions have long names.
func longFrames() []byte {
	name := func(i int) build.Bytes { return build.Cat(build.U32(i), build.Name(strings.Repeat("n", 1_000_000))) }
	const n = 20
	names := build.Cat(build.Name("name"), build.Bytes{0}, build.Sized(build.Name(manyNs)), build.Bytes{1}, build.Sized(build.Vec(build.Times(n, name)...)))
	bodies := append(build.Times(n-1, func(i int) build.Bytes { return build.Body(0, build.Call(i+1)) }), build.Body(0, build.Bytes{0}))
	return one(build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.Repeat(n, 0)...), build.Start(0), build.Code(bodies...), build.Section(0, names)))
}

// hiddenLoads follows addresses all over a large memory, in a loop of 20,000
// loads with a branch that is not taken after so many.
func hiddenLoads(stretch int) []byte {
	const words = 1 << 23
	mask := build.Cat(build.Const(4*words-4), build.Bytes{0x71})
	// Word i of the memory is the i-th number of a generator: an address.
	fill := build.Cat(build.Bytes{0x03, 0x40, 0x20, 0}, build.Const(2), build.Bytes{0x74},
		build.Bytes{0x20, 1}, build.Const(1664525), build.Bytes{0x6c}, build.Const(1013904223), build.Bytes{0x6a}, mask, build.Bytes{0x22, 1, 0x36, 2, 0},
		build.Bytes{0x20, 0}, build.Const(1), build.Bytes{0x6a, 0x22, 0}, build.Const(words), build.Bytes{0x48, 0x0d, 0, 0x0b})
	load := build.Bytes(strings.Repeat("\x28\x02\x00", stretch))
	follow := build.Cat(build.Bytes{0x20, 1}, load, build.Bytes{0x21, 1}, build.Const(0), build.Bytes{0x0d, 1})
	forever := build.Cat(build.Bytes{0x02, 0x40}, build.Forever(build.Cat(empties(20_000/stretch, follow...)...)), build.Bytes{0x0b})
	m := build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0)), build.Memories(build.MemoryOf(4*words>>16)),
		build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(2, fill, forever)))
	return exported(m)
}

// exported is a component that exports f of a core module.
func exported(m build.Bytes) []byte {
	return build.Component(build.CoreModule(m), build.CoreInstances(build.CoreInstance(0)), build.Aliases(build.AliasCore(build.Func, 0, "f")),
		build.TypeDefs(build.ComponentFunc(nil)), build.Canons(build.Lift(0, 0)), build.ComponentExports(build.ComponentExport("f", build.SortFunc, 0)))
}

// hungry has a function with many locals. It also has another one with many locals that does nothing.
func hungry(locals int, code ...build.Bytes) []byte {
	return exported(build.Module(build.Types(build.FuncType(nil, nil)), build.Functions(build.U32(0), build.U32(0)),
		build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(locals, code...), build.Body(locals))))
}
