package component

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"
)

// prepared compiles a component of testdata that was taken apart. Each of its functions is in a separate
// chunk.
func prepared(t testing.TB, cfg *Config, name string) *Compiled {
	t.Helper()
	p, err := prepare(testFile(t, name), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := testRuntime(t, cfg).CompilePrepared(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// engines are both ways to run core code.
var engines = map[string]*Config{"compiler": {}, "interpreter": {Interpreter: true}}

func TestPreparedEcho(t *testing.T) {
	for engine, cfg := range engines {
		t.Run(engine, func(t *testing.T) {
			given := map[string]any{}
			in := instantiate(t, prepared(t, cfg, "echo.wasm"), echoLinker(given))
			for name, values := range echoes {
				for _, v := range values {
					call(t, in, "reset")
					if got := call(t, in, "echo-"+name, v); !reflect.DeepEqual(got, v) || !reflect.DeepEqual(given[name], v) {
						t.Errorf("%s: got %.200v, the host function %.200v, not %.200v", name, got, given[name], v)
					}
				}
			}
			if len(in.chunks) == 0 {
				t.Error("nothing was in a chunk")
			}
		})
	}
}

// Code in chunks is metered like other code: it can be stopped, and it uses the same fuel.
func TestPreparedRunaway(t *testing.T) {
	for engine, cfg := range engines {
		c := prepared(t, cfg, "runaway.wasm")
		for _, name := range []string{"loop", "fill-for-ever", "call-for-ever", "tree"} {
			t.Run(engine+"/"+name, func(t *testing.T) { runaway(t, c, name) })
		}
	}
}

func TestPreparedFuel(t *testing.T) {
	whole, err := testRuntime(t, nil).Compile(context.Background(), testFile(t, "runaway.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	var used []uint64
	for _, c := range []*Compiled{whole, prepared(t, nil, "runaway.wasm")} {
		in := instantiate(t, c, runawayLinker())
		call(t, in, "count", uint32(100_000))
		used = append(used, in.FuelUsed())
	}
	if used[0] != used[1] || used[0] == 0 {
		t.Errorf("fuel used: %v", used)
	}
}

// What a profile has seen stays together. The rest works too.
func TestProfile(t *testing.T) {
	ctx := context.Background()
	wasm := testFile(t, "runaway.wasm")
	whole, err := prepare(wasm, nil, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Chunks != 0 {
		t.Errorf("without a profile there are %d chunks", whole.Chunks)
	}
	var profile Profile
	c, err := testRuntime(t, nil).CompilePrepared(WithProfile(ctx, &profile), whole)
	if err != nil {
		t.Fatal(err)
	}
	call(t, instantiate(t, c, runawayLinker()), "count", uint32(10))

	p, err := prepare(wasm, &profile, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p.Chunks == 0 {
		t.Fatal("every function ran")
	}
	if c, err = testRuntime(t, nil).CompilePrepared(ctx, p); err != nil {
		t.Fatal(err)
	}
	in := instantiate(t, c, runawayLinker())
	if call(t, in, "count", uint32(10)); len(in.chunks) != 0 {
		t.Errorf("the profiled call loaded %d chunks", len(in.chunks))
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := in.ExportedFunction("tree").Call(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if len(in.chunks) == 0 {
		t.Error("the other call loaded no chunk")
	}
}

// A chunk that cannot be read causes a trap that says so.
func TestMissingChunk(t *testing.T) {
	p, err := prepare(testFile(t, "runaway.wasm"), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	lost := errors.New("lost")
	p.Chunk = func(int) ([]byte, error) { return nil, lost }
	c, err := testRuntime(t, nil).CompilePrepared(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	in := instantiate(t, c, runawayLinker())
	_, err = in.ExportedFunction("count").Call(context.Background(), uint32(1))
	if trap := (*TrapError)(nil); !errors.As(err, &trap) || !errors.Is(err, lost) {
		t.Error(err)
	}
}

// A damaged index is reported as a fault of the component.
func TestDamagedIndex(t *testing.T) {
	p, err := prepare(testFile(t, "hello.wasm"), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	index, err := p.Index()
	if err != nil {
		t.Fatal(err)
	}
	index[len(index)/2] ^= 0x55
	_, err = testRuntime(t, nil).CompilePrepared(context.Background(), p)
	if fault := (*DecodeError)(nil); !errors.As(err, &fault) || fault.Msg != "prepared component: the index is damaged, or cut short" {
		t.Error(err)
	}
}
