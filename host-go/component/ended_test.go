package component

import (
	"bytes"
	"context"
	"reflect"
	"runtime"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
)

// An instance that begins with what was made for another finds nothing of the other's.
func TestReuse(t *testing.T) {
	ctx := context.Background()
	for name, cfg := range map[string]*Config{"compiled": nil, "interpreted": {Interpreter: true}, "heap": {HeapMemory: true}} {
		t.Run(name, func(t *testing.T) {
			p, err := prepare(testFile(t, "echo.wasm"), &Profile{}, 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			c, err := testRuntime(t, cfg).CompilePrepared(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			first := instantiate(t, c, echoLinker(map[string]any{}))
			memoryThen, globalsThen, fuelThen := bytes.Clone(memory.Whole(first.memory[0])), allGlobals(first), first.FuelUsed()
			reusable := runtime.GOOS == "linux" && name != "heap"
			for in, round := first, 0; round < 5; round++ {
				if got := in.reused; got != (round > 0 && reusable) {
					t.Errorf("round %d: reused: %t", round, got)
				}
				call(t, in, "echo-string", "before")
				in.memory[0].Grow(uint32(round % 3))
				whole := memory.Whole(in.memory[0])
				for i := range whole {
					whole[i] = 0xa5
				}
				for i := range in.modules {
					in.setGlobals(i, make([]uint64, len(in.ownGlobals(i))))
				}
				if err := in.Close(ctx); err != nil {
					t.Fatal(err)
				}
				in = instantiate(t, c, echoLinker(map[string]any{}))
				if got := memory.Whole(in.memory[0]); !bytes.Equal(got, memoryThen) {
					t.Errorf("round %d: the memory has %d bytes and not %d, or others", round, len(got), len(memoryThen))
				}
				if got := allGlobals(in); !reflect.DeepEqual(got, globalsThen) {
					t.Errorf("round %d: the globals are %v, and not %v", round, got, globalsThen)
				}
				if got := in.FuelUsed(); got != fuelThen {
					t.Errorf("round %d: it has used %d fuel to begin, and not %d", round, got, fuelThen)
				}
				for name, values := range echoes {
					for _, v := range values {
						if got := call(t, in, "echo-"+name, v); !reflect.DeepEqual(got, v) {
							t.Fatalf("%s: got %.200v, not %.200v", name, got, v)
						}
					}
				}
			}
		})
	}
}

func allGlobals(in *Instance) (all [][]uint64) {
	for i := range in.modules {
		all = append(all, in.globals(i))
	}
	return all
}

// What a trap has left, what belongs to another limit, and what has moved is not used again; and only a few are kept.
func TestNotReused(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nothing is used again")
	}
	ctx := context.Background()
	begin := func(c *Compiled, limits Limits) *Instance {
		t.Helper()
		in, err := c.InstantiateWith(ctx, echoLinker(map[string]any{}), limits)
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	end := func(in *Instance) {
		t.Helper()
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	c := prepared(t, nil, "echo.wasm")

	trapped := begin(c, Limits{})
	trapped.state.Store(dead)
	end(trapped)
	if n := len(c.ended.all); n != 0 {
		t.Errorf("%d are kept after a trap", n)
	}
	end(begin(c, Limits{Memory: 64 << 20}))
	if in := begin(c, Limits{}); in.reused {
		t.Error("it begins with the memory of another limit")
	}
	if in := begin(c, Limits{Memory: 64 << 20}); !in.reused {
		t.Error("it does not begin with the memory of its limit")
	} else if left := in.budget.left; left != begin(c, Limits{Memory: 64 << 20}).budget.left {
		t.Errorf("%d bytes of the budget are left, and not as many as of one that is new", left)
	}

	quick, err := testRuntime(t, &Config{Interpreter: true}).CompilePrepared(ctx, c.prepared)
	if err != nil {
		t.Fatal(err)
	}
	moved := begin(quick, Limits{})
	if err := moved.Move(ctx, c); err != nil {
		t.Fatal(err)
	}
	end(moved)
	if n := len(c.ended.all) + len(quick.ended.all); n != 0 {
		t.Errorf("%d are kept after a move", n)
	}

	var all []*Instance
	for range 2 * maxEnded {
		all = append(all, begin(c, Limits{}))
	}
	for _, in := range all {
		end(in)
	}
	kept := c.ended.all
	if len(kept) != maxEnded {
		t.Errorf("%d are kept", len(kept))
	}
	late := begin(c, Limits{})
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
	end(late)
	for _, k := range append(kept[:maxEnded-1:maxEnded-1], c.ended.all...) {
		for _, m := range k.modules {
			if !m.IsClosed() {
				t.Error("a core instance is left")
			}
		}
	}
}
