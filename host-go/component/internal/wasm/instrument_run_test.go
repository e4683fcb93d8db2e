package wasm

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// outcome is everything that is visible of a run.
type outcome struct {
	result, turns, state uint64
	trap                 string
	memory               []byte
	fuel                 int64 // only of a metered run
}

// run instantiates a generated module and calls it twice.
func run(t *testing.T, r wazero.Runtime, module []byte, counter string) (o outcome) {
	t.Helper()
	ctx := context.Background()
	var granted int64
	host := hostCheck(t, r, &granted)
	defer host.Close(ctx)
	m, err := r.Instantiate(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(ctx)
	for _, x := range []uint64{5, 100} {
		results, err := m.ExportedFunction("f").Call(ctx, x, 3)
		if err != nil {
			o.trap, _, _ = strings.Cut(err.Error(), "\n")
			break
		}
		o.result = o.result<<32 | results[0]
	}
	o.turns, o.state = m.ExportedGlobal("turns").Get(), m.ExportedGlobal("state").Get()
	memory, _ := m.Memory().Read(0, m.Memory().Size())
	o.memory = bytes.Clone(memory)
	if counter != "" {
		o.fuel = granted + int64(metering.Quantum) - int64(int32(m.ExportedGlobal(counter).Get()))
	}
	return o
}

// engines are both ways to run core code.
var engines = map[string]wazero.RuntimeConfig{
	"compiler":    wazero.NewRuntimeConfig().WithCoreFeatures(features),
	"interpreter": wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features),
}

// features are the features that package component allows.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExceptionHandling

// hostCheck returns the module with the check function. It adds up the fuel that it gives.
func hostCheck(t *testing.T, r wazero.Runtime, granted *int64) api.Module {
	t.Helper()
	i32 := []api.ValueType{api.ValueTypeI32}
	host, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
		n := int32(stack[0])
		for n <= 0 {
			n += metering.Quantum
			*granted += int64(metering.Quantum)
		}
		stack[0] = uint64(uint32(n))
	}), i32, i32).Export("check").Instantiate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// FuzzMeteredRuns checks that metering does not change what code computes, compiled or interpreted, with each
// kind of safe points. Code also pays the same in each engine, and at least one unit for each turn of a loop.
func FuzzMeteredRuns(f *testing.F) {
	random := rand.New(rand.NewPCG(6, 28))
	for range 300 {
		seed := make([]byte, 40+random.IntN(400))
		for i := range seed {
			seed[i] = byte(random.Uint32())
		}
		f.Add(seed)
	}
	ctx := context.Background()
	interpreter := wazero.NewRuntimeWithConfig(ctx, engines["interpreter"])
	f.Cleanup(func() { interpreter.Close(ctx) })
	compiler := wazero.NewRuntimeWithConfig(ctx, engines["compiler"])
	f.Cleanup(func() { compiler.Close(ctx) })
	off := metering
	off.Off = true
	f.Fuzz(func(t *testing.T, b []byte) {
		module := generate(b)
		plain, _, err := Instrument(module, off)
		if err != nil {
			t.Fatal(err)
		}
		want := run(t, interpreter, plain, "")
		turns := generatedTurns - int64(int32(want.turns))
		for _, calls := range []bool{false, true} {
			form := metering
			form.Calls = calls
			metered, names, err := Instrument(module, form)
			if err != nil {
				t.Fatal(err)
			}
			var fuel [2]int64
			for i, r := range []wazero.Runtime{interpreter, compiler} {
				got := run(t, r, metered, names.Counter)
				if got.result != want.result || got.turns != want.turns || got.state != want.state || got.trap != want.trap || !bytes.Equal(got.memory, want.memory) {
					got.memory, want.memory = nil, nil
					t.Fatalf("runtime %d: %+v, unmetered %+v", i, got, want)
				}
				fuel[i] = got.fuel
			}
			if fuel[0] != fuel[1] || fuel[0] < turns {
				t.Fatalf("fuel interpreted %d, compiled %d, for %d turns", fuel[0], fuel[1], turns)
			}
		}
	})
}
