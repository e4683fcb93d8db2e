package component

import (
	"context"
	"errors"
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
