package component

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// Limits belong to an instance and fuel to a call. Neither is compiled in.
func TestLimitsOfInstances(t *testing.T) {
	ctx := context.Background()
	cache := t.TempDir()
	compiled := func(limits Limits) *Compiled {
		c, err := testRuntime(t, &Config{CacheDir: cache, Limits: limits}).Compile(ctx, testFile(t, "runaway.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := compiled(Limits{Memory: 8 << 20, Fuel: 20_000_000})
	before := entries(t, cache)
	for _, want := range []struct {
		given  Limits
		memory uint64 // the size at which growth by MiB stops
		fuel   uint64
	}{
		{Limits{}, 7<<20 + 1<<16, 20_000_000},
		{Limits{Memory: 4 << 20, Fuel: 1_000_000}, 3<<20 + 1<<16, 1_000_000},
		{Limits{Memory: 64 << 20}, 63<<20 + 1<<16, 20_000_000},
	} {
		in, err := c.InstantiateWith(ctx, runawayLinker(), want.given)
		if err != nil {
			t.Fatal(err)
		}
		call(t, in, "grow")
		if got := in.MemorySize(); got != want.memory {
			t.Errorf("%+v: memory of %d bytes, not %d", want.given, got, want.memory)
		}
		_, err = in.ExportedFunction("loop").Call(ctx)
		if limit := (*LimitError)(nil); !errors.As(err, &limit) || limit.Resource != "fuel" || limit.Limit != want.fuel {
			t.Errorf("%+v: ended with %v", want.given, err)
		}
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	compiled(Limits{Memory: 16 << 20, CallDepth: 3})
	if after := entries(t, cache); after != before || before == 0 {
		t.Errorf("%d entries in the cache, then %d", before, after)
	}
}

// entries counts the compiled code in the cache.
func entries(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFuelOfCall(t *testing.T) {
	ctx := context.Background()
	in := testInstance(t, &Config{Limits: Limits{Fuel: 5_000_000}}, "runaway.wasm", runawayLinker())
	count := in.ExportedFunction("count")
	bound, err := Bind[uint32, uint32](count)
	if err != nil {
		t.Fatal(err)
	}
	// A call may have more than the instance's own limit, or no limit. The next call has the instance's limit
	// again.
	for _, units := range []uint64{100_000_000, 0} {
		if _, err := count.Call(WithFuel(ctx, units), uint32(5_000_000)); err != nil {
			t.Errorf("%d units: %v", units, err)
		}
	}
	if _, err := bound(WithFuel(ctx, 100_000_000), 5_000_000); err != nil {
		t.Error(err)
	}
	_, err = bound(WithFuel(ctx, 1_000_000), 5_000_000)
	if limit := (*LimitError)(nil); !errors.As(err, &limit) || limit.Limit != 1_000_000 {
		t.Error(err)
	}
	in = instantiate(t, in.c, runawayLinker())
	_, err = in.ExportedFunction("count").Call(ctx, uint32(5_000_000))
	if limit := (*LimitError)(nil); !errors.As(err, &limit) || limit.Limit != 5_000_000 {
		t.Error(err)
	}
}

// The largest possible limits work as no limit: adding to them does not overflow.
func TestLargestLimits(t *testing.T) {
	ctx := context.Background()
	c, err := testRuntime(t, nil).Compile(ctx, largeValueOf(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.InstantiateWith(ctx, nil, Limits{Memory: math.MaxUint64, Fuel: math.MaxUint64, CallDepth: math.MaxInt})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close(ctx)
	// The elements of a list in place are charged as values, not as bytes.
	out, err := in.ExportedFunction("f").Call(WithFuel(ctx, math.MaxUint64))
	if err != nil || len(out[0].([]any)) != 1<<20 {
		t.Error(err)
	}
}

func TestCallDepth(t *testing.T) {
	in := testInstance(t, &Config{Limits: Limits{CallDepth: 3}}, "chain.wasm", nil)
	if got := call(t, in, "f"); got != uint32(10) {
		t.Fatal(got)
	}
	in = testInstance(t, &Config{Limits: Limits{CallDepth: 2}}, "chain.wasm", nil)
	_, err := in.ExportedFunction("f").Call(context.Background())
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Resource != "call depth" || limit.Limit != 2 {
		t.Fatal(err)
	}
}
