package component

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// The charge for an instance is at least what the host holds for it.
func TestCosts(t *testing.T) {
	const n = 10_000
	one := build.CoreInstances(build.CoreInstance(0))
	void := build.Types(build.FuncType(nil, nil))
	named := func(part func(name string) build.Bytes) []build.Bytes {
		return build.Times(n, func(i int) build.Bytes { return part("n" + strconv.Itoa(i)) })
	}
	for name, c := range map[string]build.Bytes{
		"core instances": build.Component(build.CoreModule(build.Module()), build.CoreInstances(build.Repeat(n, build.CoreInstance(0)...)...)),
		"globals":        build.Component(build.CoreModule(build.Module(build.Globals(build.Repeat(n, build.GlobalOf(7)...)...))), one),
		"tables":         build.Component(build.CoreModule(build.Module(build.Tables(build.Repeat(n, build.TableOf(0, 0)...)...))), one),
		"table elements": build.Component(build.CoreModule(build.Module(build.Tables(build.TableOf(n, n)))), one),
		"memories":       build.Component(build.CoreModule(build.Module(build.Memories(build.MemoryOf(0)))), build.CoreInstances(build.Repeat(n, build.CoreInstance(0)...)...)),
		"segments":       build.Component(build.CoreModule(build.Module(build.Memories(build.MemoryOf(0)), build.Data(build.Repeat(n, 1, 0)...))), one),
		"references": build.Component(build.CoreModule(build.Module(void, build.Functions(build.U32(0)), build.Tables(build.TableOf(n, n)),
			build.Elements(build.Cat(build.Bytes{0}, build.Const(0), build.Bytes{0x0b}, build.Vec(build.Repeat(n, 0)...))), build.Code(build.Body(0)))), one),
		"functions": build.Component(build.CoreModule(build.Module(void, build.Functions(build.Repeat(n, 0)...), build.Code(build.Repeat(n, build.Body(0)...)...))), one),
		"imports": build.Component(
			build.CoreModule(build.Module(void, build.Functions(build.U32(0)), build.Exports(named(func(s string) build.Bytes { return build.Export(s, build.Func, 0) })...), build.Code(build.Body(0)))),
			build.CoreModule(build.Module(void, build.Imports(named(func(s string) build.Bytes { return build.Import("m", s, build.Func, 0) })...))),
			build.CoreInstances(build.CoreInstance(0), build.CoreInstance(1, build.CoreArg("m", 0)))),
		"component instances": build.Component(build.Nested(build.Component()), build.Instances(build.Repeat(n-1, build.Instance(0)...)...)),
	} {
		for _, interpreter := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", interpreter ", interpreter), func(t *testing.T) {
				compiled, err := testRuntime(t, &Config{Interpreter: interpreter}).Compile(context.Background(), c)
				if err != nil {
					t.Fatal(err)
				}
				// What else the process allocates meanwhile only adds to it: the least of three counts.
				held, charged := uint64(math.MaxUint64), uint64(0)
				for range 3 {
					before := heap()
					in := instantiate(t, compiled, nil)
					held = min(held, max(heap(), before)-before)
					charged = in.limits.Memory - in.budget.left
					runtime.KeepAlive(in)
				}
				t.Logf("%d bytes each, charged %d", held/n, charged/n)
				// The charge is doubled for the collector. The eighth allows for what a test of this size
				// adds.
				if charged < 2*held-held/8 {
					t.Errorf("%d bytes are held for %d, and %d charged", held, n, charged)
				}
			})
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// One budget pays for everything in an instance, and for everything that it asks for when it runs.
func TestBudget(t *testing.T) {
	const budget = 1 << 20
	one := build.CoreInstances(build.CoreInstance(0))
	many := build.CoreInstances(build.Repeat(100, build.CoreInstance(0)...)...)
	for _, c := range []struct {
		resource string
		wasm     build.Bytes
	}{
		{"memory", build.Component(build.CoreModule(build.Module(build.Memories(build.MemoryOf(17)))), one)},
		{"memory", build.Component(build.CoreModule(build.Module(build.Memories(build.MemoryOf(1)))), many)},
		{"tables", build.Component(build.CoreModule(build.Module(build.Tables(build.TableOf(1e5, 1e5)))), one)},
		{"tables", build.Component(build.CoreModule(build.Module(build.Tables(build.TableOf(2e4, 2e4)))), many)},
		{"globals", build.Component(build.CoreModule(build.Module(build.Globals(build.Repeat(6000, build.GlobalOf(0)...)...))), one)},
		{"core instances", build.Component(build.CoreModule(build.Module()), many)},
		{"component instances", build.Component(build.Nested(build.Component()), build.Instances(build.Repeat(5000, build.Instance(0)...)...))},
	} {
		for _, interpreter := range []bool{false, true} {
			compiled, err := testRuntime(t, &Config{Interpreter: interpreter}).Compile(context.Background(), c.wasm)
			if err != nil {
				t.Fatal(err)
			}
			_, err = compiled.InstantiateWith(context.Background(), nil, Limits{Memory: budget})
			if limit := (*LimitError)(nil); !errors.As(err, &limit) || *limit != (LimitError{c.resource, budget}) {
				t.Errorf("%s: %v", c.resource, err)
			}
			in, err := compiled.InstantiateWith(context.Background(), nil, Limits{Memory: 100 << 20})
			if err != nil {
				t.Errorf("%s: %v", c.resource, err)
			} else if err := in.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}
}

// growers is a component whose tables, memory and handles grow on demand. It counts how often they grew.
func growers() build.Bytes {
	void := build.FuncType(nil, build.Bytes{build.I32})
	grow := func(body build.Bytes) build.Bytes {
		// This counts in local 0 until the result is -1.
		return build.Body(1, build.Bytes{0x03, 0x40}, body, build.Const(-1), build.Bytes{0x47, 0x04, 0x40},
			build.Bytes{0x20, 0}, build.Const(1), build.Bytes{0x6a, 0x21, 0, 0x0c, 1, 0x0b, 0x0b, 0x20, 0})
	}
	names := []string{"tables", "memory", "references", "handles"}
	return build.Component(
		build.TypeDefs(build.Bytes{0x3f, 0x7f, 0}, build.ComponentFunc(build.Bytes{0x79})),
		build.Canons(build.Bytes{2, 0}),
		build.CoreModule(build.Module(
			build.Types(void, build.FuncType(build.Bytes{build.I32}, build.Bytes{build.I32})),
			build.Imports(build.Import("", "new", build.Func, 1)),
			build.Functions(build.Repeat(len(names), 0)...),
			build.Tables(build.Bytes{build.FuncRef, 0, 0}, build.Bytes{build.FuncRef, 0, 0}),
			build.Memories(build.MemoryOf(0)),
			build.Exports(build.Times(len(names), func(i int) build.Bytes { return build.Export(names[i], build.Func, i+1) })...),
			build.Elements(build.Bytes{3, 0, 1, 0}),
			build.Code(
				grow(build.Cat(build.Bytes{0xd0, build.FuncRef}, build.Const(100), build.Bytes{0xfc, 15, 1})),
				grow(build.Cat(build.Const(1), build.Bytes{0x40, 0})),
				// This makes a million references to the same function.
				build.Body(1, build.Bytes{0x03, 0x40, 0xd2, 0, 0x1a, 0x20, 0}, build.Const(1), build.Bytes{0x6a, 0x22, 0}, build.Const(1e6),
					build.Bytes{0x48, 0x0d, 0, 0x0b, 0x20, 0}),
				grow(build.Cat(build.Const(7), build.Call(0))),
			))),
		build.CoreInstances(build.InlineCore(build.Cat(build.Name("new"), build.Bytes{build.Func, 0})), build.CoreInstance(0, build.CoreArg("", 0))),
		build.Aliases(build.Times(len(names), func(i int) build.Bytes { return build.AliasCore(build.Func, 1, names[i]) })...),
		build.Canons(build.Times(len(names), func(i int) build.Bytes { return build.Lift(i+1, 1) })...),
		build.ComponentExports(build.Times(len(names), func(i int) build.Bytes { return build.ComponentExport(names[i], build.SortFunc, i) })...),
	)
}

func TestGrowingWithinBudget(t *testing.T) {
	ctx := context.Background()
	for _, interpreter := range []bool{false, true} {
		compiled, err := testRuntime(t, &Config{Interpreter: interpreter}).Compile(ctx, growers())
		if err != nil {
			t.Fatal(err)
		}
		const budget = 1 << 20
		fresh := func() *Instance {
			in, err := compiled.InstantiateWith(ctx, nil, Limits{Memory: budget})
			if err != nil {
				t.Fatal(err)
			}
			return in
		}
		in := fresh()
		left := in.budget.left
		if got, want := call(t, in, "tables"), uint32(left/(100*tableElementCost)); got != want {
			t.Errorf("a table grew %v times, not %d", got, want)
		}
		if got := call(t, in, "memory"); got != uint32(0) {
			t.Errorf("a memory grew %v times when the budget was used up", got)
		}
		in = fresh()
		before := heap()
		if got, held := call(t, in, "references"), int64(heap())-int64(before); got != uint32(1e6) || held > budget {
			t.Errorf("%v references held %d bytes", got, held)
		}
		if got, want := call(t, in, "memory"), uint32(left>>16); got != want {
			t.Errorf("a memory grew %v times, not %d", got, want)
		}
		in = fresh()
		_, err = in.ExportedFunction("handles").Call(ctx)
		if limit := (*LimitError)(nil); !errors.As(err, &limit) || *limit != (LimitError{"handles", budget}) {
			t.Error(err)
		}
		if held := heap() - before; held > budget {
			t.Errorf("%d bytes are held", held)
		}
		runtime.KeepAlive(in)
	}
}
