package component

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

func runawayLinker() *Linker {
	l := NewLinker()
	l.Root().Func("nop", func(context.Context, []any) ([]any, error) { return nil, nil })
	return l
}

// The deadline stops a guest that does not end. Until then the guest does not hold up the garbage collection
// of the process.
func TestRunaway(t *testing.T) {
	for _, interpreter := range []bool{false, true} {
		r := testRuntime(t, &Config{Interpreter: interpreter})
		c, err := r.Compile(context.Background(), testFile(t, "runaway.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"loop", "loop-nested", "tail", "grow-for-ever", "fill-for-ever", "call-for-ever", "tree"} {
			if interpreter && name == "tail" {
				continue // its interpreter turns a tail call into a call
			}
			t.Run(map[bool]string{false: "compiler/", true: "interpreter/"}[interpreter]+name, func(t *testing.T) {
				runaway(t, c, name)
			})
		}
	}
}

func runaway(t *testing.T, c *Compiled, name string) {
	in := instantiate(t, c, runawayLinker())
	deadline := time.Now().Add(300 * time.Millisecond)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := in.ExportedFunction(name).Call(ctx)
		ended <- err
	}()
	collections, longest := 0, time.Duration(0)
	for {
		select {
		case err := <-ended:
			var trap *TrapError
			if !errors.As(err, &trap) || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("ended with %v", err)
			}
			if trap.Func != name {
				t.Errorf("the trap names %q", trap.Func)
			}
			t.Logf("%v past the deadline, %d collections, the longest %v", time.Since(deadline), collections, longest)
			if collections == 0 {
				t.Error("no garbage collection completed while the guest ran")
			}
			if _, err := in.ExportedFunction(name).Call(context.Background()); !errors.Is(err, ErrInstanceDead) {
				t.Errorf("the instance is not dead: %v", err)
			}
			if got := call(t, instantiate(t, c, runawayLinker()), "count", uint32(10)); got != uint32(55) {
				t.Errorf("a new instance: %v", got)
			}
			return
		case <-time.After(time.Minute):
			t.Fatal("the guest was not stopped")
		default:
			start := time.Now()
			runtime.GC()
			longest = max(longest, time.Since(start))
			collections++
		}
	}
}

func TestCancel(t *testing.T) {
	in := testInstance(t, nil, "runaway.wasm", runawayLinker())
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := in.ExportedFunction("loop").Call(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestContextOverBeforeCall(t *testing.T) {
	in := testInstance(t, nil, "runaway.wasm", runawayLinker())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := in.ExportedFunction("loop").Call(ctx)
	if trap := (*TrapError)(nil); !errors.Is(err, context.Canceled) || errors.As(err, &trap) {
		t.Fatal(err)
	}
	if got := call(t, in, "count", uint32(4)); got != uint32(10) {
		t.Fatal(got)
	}
}

// Endless recursion and a list that is longer than memory end by themselves. Later calls work.
func TestExcess(t *testing.T) {
	for _, interpreter := range []bool{false, true} {
		c, err := testRuntime(t, &Config{Interpreter: interpreter}).Compile(context.Background(), testFile(t, "runaway.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"recurse", "long-list"} {
			in := instantiate(t, c, runawayLinker())
			_, err := in.ExportedFunction(name).Call(context.Background())
			if trap := (*TrapError)(nil); !errors.As(err, &trap) {
				t.Errorf("%s: %v", name, err)
			}
			if limit := (*LimitError)(nil); name == "recurse" && (!errors.As(err, &limit) || limit.Resource != "stack") {
				t.Error(err)
			}
			if _, err := in.ExportedFunction("count").Call(context.Background(), uint32(1)); !errors.Is(err, ErrInstanceDead) {
				t.Errorf("%s: the instance is not dead: %v", name, err)
			}
			if got := call(t, instantiate(t, c, runawayLinker()), "count", uint32(10)); got != uint32(55) {
				t.Errorf("%s: a new instance: %v", name, got)
			}
		}
	}
}

// A guest that asks for more than its limit is refused, and can go on.
func TestMemoryAndTableLimits(t *testing.T) {
	in := testInstance(t, &Config{Limits: Limits{Memory: 100 << 16}}, "runaway.wasm", runawayLinker())
	if in.MemoryRefused() {
		t.Error("it says that it was refused memory before it asked")
	}
	if got := call(t, in, "grow"); got != uint32(6) {
		t.Errorf("grew %v times by 16 pages within 100", got)
	}
	if !in.MemoryRefused() {
		t.Error("it does not say that it was refused memory")
	}
	if got := in.MemorySize(); got != 97<<16 {
		t.Errorf("memory of %d bytes", got)
	}
	if got := call(t, in, "grow-table"); got != int32(-1) {
		t.Errorf("table.grow returned %v", got)
	}
	table := testInstance(t, &Config{Limits: Limits{Memory: 4 << 16}}, "runaway.wasm", runawayLinker())
	if got := call(t, table, "grow-table"); got != int32(-1) || !table.MemoryRefused() {
		t.Errorf("table.grow returned %v, and the instance says %t", got, table.MemoryRefused())
	}
	if got := call(t, in, "count", uint32(3)); got != uint32(6) {
		t.Error(got)
	}
}

func TestMemoryOfStartBeyondLimit(t *testing.T) {
	r := testRuntime(t, &Config{Limits: Limits{Memory: 2 << 16}})
	c, err := r.Compile(context.Background(), testFile(t, "memories.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Instantiate(context.Background(), nil)
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Resource != "memory" || limit.Limit != 2<<16 {
		t.Fatal(err)
	}
	if want := "limit reached: memory, 131072 bytes"; limit.Error() != want {
		t.Errorf("the error is %q, not %q", limit, want)
	}
}

func TestFuel(t *testing.T) {
	cfg := &Config{Limits: Limits{Fuel: 10_000_000}}
	c, err := testRuntime(t, cfg).Compile(context.Background(), testFile(t, "runaway.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	var used [2]uint64
	for i := range used {
		in := instantiate(t, c, runawayLinker())
		call(t, in, "count", uint32(100_000))
		used[i] = in.FuelUsed()
	}
	if used[0] != used[1] || used[0] < 100_000 {
		t.Errorf("fuel used: %v", used)
	}
	in := instantiate(t, c, runawayLinker())
	_, err = in.ExportedFunction("loop").Call(context.Background())
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Resource != "fuel" || limit.Limit != 10_000_000 {
		t.Error(err)
	}
	// The limit holds for one call: many calls may use more together.
	in = instantiate(t, c, runawayLinker())
	for range 20 {
		call(t, in, "count", uint32(200_000))
	}
	if in.FuelUsed() < 20_000_000 {
		t.Errorf("used %d", in.FuelUsed())
	}
}

// Metering does not change what code computes.
func TestMeteredResults(t *testing.T) {
	for _, n := range []uint32{1, 2, 77} {
		var got [2][2]any
		for i, unmetered := range []bool{false, true} {
			in := testInstance(t, &Config{Unmetered: unmetered}, "simd.wasm", nil)
			got[i] = [2]any{call(t, in, "vec", n), call(t, in, "misc", n)}
		}
		if got[0] != got[1] {
			t.Errorf("%d: metered %v, unmetered %v", n, got[0], got[1])
		}
	}
	for _, unmetered := range []bool{false, true} {
		in := testInstance(t, &Config{Unmetered: unmetered}, "kernels.wasm", nil)
		got := [3]any{call(t, in, "fib", uint32(20)), call(t, in, "sieve", uint32(100_000)), call(t, in, "product", uint32(2))}
		if got != [3]any{uint32(6765), uint32(9592), 1.3e-05} {
			t.Errorf("unmetered %v: %v", unmetered, got)
		}
	}
}
