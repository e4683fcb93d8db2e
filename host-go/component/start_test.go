package component

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// starting is a component whose core module counts in its memory how often its start function ran, and then
// runs the code then. Its export f returns the count.
func starting(then ...build.Bytes) []byte {
	count := build.Cat(build.Const(0), build.Const(0), build.Bytes{0x28, 2, 0}, build.Const(1), build.Bytes{0x6a, 0x36, 2, 0}, build.Cat(then...))
	m := build.Module(build.Types(build.FuncType(nil, nil), build.FuncType(nil, build.Bytes{build.I32})),
		build.Functions(build.U32(0), build.U32(1)), build.Memories(build.MemoryOf(1)),
		build.Exports(build.Export("f", build.Func, 1)), build.Start(0),
		build.Code(build.Body(0, count), build.Body(0, build.Const(0), build.Bytes{0x28, 2, 0})))
	return build.Component(build.CoreModule(m), build.CoreInstances(build.CoreInstance(0)), build.Aliases(build.AliasCore(build.Func, 0, "f")),
		build.TypeDefs(build.ComponentFunc(build.Bytes{0x79})), build.Canons(build.Lift(0, 0)),
		build.ComponentExports(build.ComponentExport("f", build.SortFunc, 0)))
}

// startForms returns the component compiled for each engine, whole and in parts.
func startForms(t *testing.T, wasm []byte) map[string]*Compiled {
	t.Helper()
	ctx := context.Background()
	p, err := prepare(wasm, &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]*Compiled{}
	for engine, cfg := range engines {
		if forms[engine], err = testRuntime(t, cfg).Compile(ctx, wasm); err != nil {
			t.Fatal(err)
		}
		if forms[engine+", in parts"], err = testRuntime(t, cfg).CompilePrepared(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	return forms
}

// A start function runs once, also when its instance moves, and pays for what it does.
func TestStartFunction(t *testing.T) {
	ctx := context.Background()
	forms := startForms(t, starting())
	fuel := map[uint64]bool{}
	for form, c := range forms {
		in := instantiate(t, c, nil)
		fuel[in.FuelUsed()] = true
		if got := call(t, in, "f"); got != uint32(1) {
			t.Errorf("%s: it ran %v times", form, got)
		}
	}
	if len(fuel) != 1 {
		t.Errorf("the forms used different fuel: %v", fuel)
	}
	in := instantiate(t, forms["interpreter, in parts"], nil)
	if err := in.Move(ctx, forms["compiler, in parts"]); err != nil {
		t.Fatal(err)
	}
	if got := call(t, in, "f"); got != uint32(1) {
		t.Errorf("after a move it ran %v times", got)
	}
}

// Time and fuel stop a start function as they stop any function.
func TestStartFunctionStopped(t *testing.T) {
	for form, c := range startForms(t, starting(build.Forever())) {
		t.Run(form, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			if _, err := c.Instantiate(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("by time: %v", err)
			}
			_, err := c.Instantiate(WithFuel(context.Background(), 1_000_000), nil)
			if limit := (*LimitError)(nil); !errors.As(err, &limit) || limit.Resource != "fuel" {
				t.Errorf("by fuel: %v", err)
			}
		})
	}
}

// placed is a component with a module whose element segment is at an imported global, as modules of position
// independent code are. Its export f calls the function at that place in the table, which counts in the memory.
func placed(at int) []byte {
	base := build.Module(build.Tables(build.TableOf(4, 4)), build.Globals(build.Cat(build.Bytes{build.I32, 0}, build.Const(at), build.Bytes{0x0b})),
		build.Exports(build.Export("t", build.Table, 0), build.Export("g", build.Global, 0)))
	count := build.Cat(build.Const(0), build.Const(0), build.Bytes{0x28, 2, 0}, build.Const(1), build.Bytes{0x6a, 0x36, 2, 0},
		build.Const(0), build.Bytes{0x28, 2, 0})
	m := build.Module(build.Types(build.FuncType(nil, build.Bytes{build.I32})),
		build.Imports(build.Import("m", "t", build.Table, build.FuncRef, 0, 4), build.Import("m", "g", build.Global, build.I32, 0)),
		build.Functions(build.U32(0), build.U32(0)), build.Memories(build.MemoryOf(1)), build.Exports(build.Export("f", build.Func, 1)),
		build.Elements(build.Cat(build.Bytes{0, 0x23, 0, 0x0b}, build.Vec(build.U32(0)))),
		build.Code(build.Body(0, count), build.Body(0, build.Bytes{0x23, 0, 0x11, 0, 0})))
	return build.Component(build.CoreModule(base), build.CoreModule(m),
		build.CoreInstances(build.CoreInstance(0), build.CoreInstance(1, build.CoreArg("m", 0))),
		build.Aliases(build.AliasCore(build.Func, 1, "f")), build.TypeDefs(build.ComponentFunc(build.Bytes{0x79})),
		build.Canons(build.Lift(0, 0)), build.ComponentExports(build.ComponentExport("f", build.SortFunc, 0)))
}

// A module with elements at a global is taken apart as others are, and its instances move. Where the elements
// do not fit there is no instance, in any form.
func TestElementsAtGlobal(t *testing.T) {
	p, err := prepare(placed(3), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p.Chunks < 2 { // The two functions; the check of the elements may be a third.
		t.Errorf("%d chunks", p.Chunks)
	}
	forms := startForms(t, placed(3))
	for form, c := range forms {
		if got := call(t, instantiate(t, c, nil), "f"); got != uint32(1) {
			t.Errorf("%s: the function at the global is called %v times", form, got)
		}
	}
	in := instantiate(t, forms["interpreter, in parts"], nil)
	for i, to := range []string{"compiler, in parts", "interpreter, in parts", "compiler, in parts"} {
		if got := call(t, in, "f"); got != uint32(i+1) {
			t.Errorf("called %v times, not %d", got, i+1)
		}
		if err := in.Move(context.Background(), forms[to]); err != nil {
			t.Fatal(err)
		}
	}
	for form, c := range startForms(t, placed(4)) {
		if _, err := c.Instantiate(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "invalid table access") {
			t.Errorf("%s: elements beyond the table: %v", form, err)
		}
	}
}
