package witjson

import (
	"context"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// An echoer writes a component whose function gives its parameter to the host, and what the host returns back to
// its caller. Both go through the component's memory.
type echoer struct {
	sections build.Bytes
	types    int
	named    int
}

func (e *echoer) add(section build.Bytes) { e.sections = append(e.sections, section...) }

// define adds a type, and returns it as a value type.
func (e *echoer) define(parts ...build.Bytes) build.Bytes {
	e.add(build.TypeDefs(build.Cat(parts...)))
	e.types++
	return build.S32(e.types - 1)
}

// name adds a type that must have a name, and imports it under one.
func (e *echoer) name(parts ...build.Bytes) build.Bytes {
	e.define(parts...)
	e.named++
	e.add(build.ComponentImports(build.ComponentImport(typeName(e.named), build.Cat(build.Bytes{3, 0}, build.U32(e.types-1))...)))
	e.types++
	return build.S32(e.types - 1)
}

func typeName(n int) string { return "t" + string(rune('a'+n/26)) + string(rune('a'+n%26)) }

// primitives are the codes of the primitive types (Binary.md, "Type Definitions").
var primitives = map[component.TypeKind]byte{
	component.TypeBool: 0x7f, component.TypeS8: 0x7e, component.TypeU8: 0x7d, component.TypeS16: 0x7c, component.TypeU16: 0x7b,
	component.TypeS32: 0x7a, component.TypeU32: 0x79, component.TypeS64: 0x78, component.TypeU64: 0x77,
	component.TypeF32: 0x76, component.TypeF64: 0x75, component.TypeChar: 0x74, component.TypeString: 0x73,
}

func (e *echoer) value(t *component.Type) build.Bytes {
	if code, ok := primitives[t.Kind]; ok {
		return build.Bytes{code}
	}
	fields := func(of func(f component.Field) build.Bytes) build.Bytes {
		var all []build.Bytes
		for _, f := range t.Fields {
			all = append(all, of(f))
		}
		return build.Vec(all...)
	}
	labels := func() build.Bytes {
		var all []build.Bytes
		for _, l := range t.Labels {
			all = append(all, build.Name(l))
		}
		return build.Vec(all...)
	}
	maybe := func(t *component.Type) build.Bytes {
		if t == nil {
			return build.Bytes{0}
		}
		return build.Cat(build.Bytes{1}, e.value(t))
	}
	switch t.Kind {
	case component.TypeRecord:
		return e.name(build.Bytes{0x72}, fields(func(f component.Field) build.Bytes { return build.Param(f.Name, e.value(f.Type)...) }))
	case component.TypeVariant:
		return e.name(build.Bytes{0x71}, fields(func(f component.Field) build.Bytes {
			return build.Cat(build.Name(f.Name), maybe(f.Type), build.Bytes{0})
		}))
	case component.TypeEnum:
		return e.name(build.Bytes{0x6d}, labels())
	case component.TypeFlags:
		return e.name(build.Bytes{0x6e}, labels())
	case component.TypeList:
		elem := e.value(t.Elem)
		if t.Length > 0 {
			return e.define(build.Bytes{0x67}, elem, build.U32(int(t.Length)))
		}
		return e.define(build.Bytes{0x70}, elem)
	case component.TypeMap:
		key, elem := e.value(t.Key), e.value(t.Elem)
		return e.define(build.Bytes{0x63}, key, elem)
	case component.TypeTuple:
		return e.define(build.Bytes{0x6f}, fields(func(f component.Field) build.Bytes { return e.value(f.Type) }))
	case component.TypeOption:
		return e.define(build.Bytes{0x6b}, e.value(t.Elem))
	case component.TypeResult:
		ok, err := maybe(t.OK), maybe(t.Err)
		return e.define(build.Bytes{0x6a}, ok, err)
	}
	panic("no type " + t.Kind)
}

// room is where the component's echo has its result: in front of the memory that it allocates.
const room = 16

// echoComponent returns a component with the function "echo", which imports a function of the same name and type:
// func(x: T, pad: tuple<u8, … 17 times>) -> tuple<T, u8, u8>. The tuples make all values go through memory.
func echoComponent(t *component.Type) []byte {
	e := &echoer{}
	x := e.value(t)
	pad := e.define(build.Bytes{0x6f}, build.Vec(build.Repeat(17, primitives[component.TypeU8])...))
	result := e.define(build.Bytes{0x6f}, build.Vec(x, build.Bytes{primitives[component.TypeU8]}, build.Bytes{primitives[component.TypeU8]}))
	e.define(build.ComponentFunc(result, build.Param("x", x...), build.Param("pad", pad...)))
	function := e.types - 1
	e.add(build.ComponentImports(build.ComponentImport("echo", build.Cat(build.Bytes{1}, build.U32(function))...)))

	memory := build.Module(
		build.Types(build.FuncType(build.Bytes{build.I32, build.I32, build.I32, build.I32}, build.Bytes{build.I32})),
		build.Functions(build.U32(0)),
		build.Memories(build.MemoryOf(256)),
		build.Globals(build.GlobalOf(1<<16)),
		build.Exports(build.Export("memory", build.Memory, 0), build.Export("realloc", build.Func, 0)),
		// The result is the global, rounded up to 8; the global moves on by the size.
		build.Code(build.Body(1, build.Bytes{0x23, 0}, build.Const(7), build.Bytes{0x6a}, build.Const(-8), build.Bytes{0x71, 0x22, 4},
			build.Bytes{0x20, 3, 0x6a, 0x24, 0, 0x20, 4})),
	)
	echo := build.Module(
		build.Types(build.FuncType(build.Bytes{build.I32, build.I32}, nil), build.FuncType(build.Bytes{build.I32}, build.Bytes{build.I32})),
		build.Imports(build.Import("host", "echo", build.Func, 0)),
		build.Functions(build.U32(1)),
		build.Exports(build.Export("echo", build.Func, 1)),
		build.Code(build.Body(0, build.Bytes{0x20, 0}, build.Const(room), build.Call(0), build.Const(room))),
	)
	options := []build.Bytes{build.OptionMemory(0), build.OptionRealloc(0)}
	e.add(build.CoreModule(memory))
	e.add(build.CoreModule(echo))
	e.add(build.CoreInstances(build.CoreInstance(0)))
	e.add(build.Aliases(build.AliasCore(build.Memory, 0, "memory"), build.AliasCore(build.Func, 0, "realloc")))
	e.add(build.Canons(build.Lower(0, options...)))
	e.add(build.CoreInstances(build.InlineCore(build.Export("echo", build.Func, 1)), build.CoreInstance(1, build.CoreArg("host", 1))))
	e.add(build.Aliases(build.AliasCore(build.Func, 2, "echo")))
	e.add(build.Canons(build.Lift(2, function, options...)))
	e.add(build.ComponentExports(build.ComponentExport("echo", build.SortFunc, 1)))
	return build.Component(e.sections)
}

// compileEcho compiles the component for a type. It returns the type as the component has it.
func compileEcho(t *testing.T, r *component.Runtime, typ *component.Type) (*component.Compiled, *component.Type) {
	t.Helper()
	c, err := r.Compile(context.Background(), echoComponent(typ))
	if err != nil {
		t.Fatalf("%v: %v", typ, err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c, c.Exports()[len(c.Exports())-1].Func.Params[0].Type
}
