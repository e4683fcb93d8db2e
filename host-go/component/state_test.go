package component

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
)

// An instance that is saved goes on elsewhere with its memory, its globals and its fuel, in either form of the code.
func TestSaveAndRestore(t *testing.T) {
	ctx := context.Background()
	p, err := prepare(testFile(t, "echo.wasm"), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	var forms []*Compiled
	for _, cfg := range []*Config{{Interpreter: true}, nil, {HeapMemory: true}} {
		c, err := testRuntime(t, cfg).CompilePrepared(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms, c)
	}
	in := instantiate(t, forms[0], echoLinker(map[string]any{}))
	for _, to := range []*Compiled{forms[1], forms[0], forms[2], forms[1]} {
		call(t, in, "echo-string", string(make([]byte, 200_000))) // The memory grows.
		var state bytes.Buffer
		if err := in.Save(&state); err != nil {
			t.Fatal(err)
		}
		other, err := to.Restore(ctx, echoLinker(map[string]any{}), Limits{}, &state)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(memory.Whole(in.memory[0]), memory.Whole(other.memory[0])) || in.FuelUsed() != other.FuelUsed() {
			t.Errorf("the memory or the fuel is another: %d and %d", in.FuelUsed(), other.FuelUsed())
		}
		for name, values := range echoes {
			for _, v := range values {
				if got, want := call(t, other, "echo-"+name, v), call(t, in, "echo-"+name, v); !reflect.DeepEqual(got, want) {
					t.Fatalf("%s: got %.200v, not %.200v", name, got, want)
				}
			}
		}
		if in.FuelUsed() != other.FuelUsed() {
			t.Errorf("the same calls use %d and %d", in.FuelUsed(), other.FuelUsed())
		}
		if err := in.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if err := in.Save(&state); !errors.Is(err, ErrInstanceDead) {
			t.Errorf("a closed instance: %v", err)
		}
		in = other
	}
	plain, err := testRuntime(t, nil).Compile(ctx, testFile(t, "echo.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := instantiate(t, plain, echoLinker(map[string]any{})).Save(&bytes.Buffer{}); !errors.Is(err, ErrNotSavable) {
		t.Errorf("a component that was not prepared: %v", err)
	}
	if _, err := plain.Restore(ctx, nil, Limits{}, &bytes.Buffer{}); !errors.Is(err, ErrNotSavable) {
		t.Errorf("a component that was not prepared: %v", err)
	}
	var state bytes.Buffer
	if err := in.Save(&state); err != nil {
		t.Fatal(err)
	}
	var limit *LimitError
	if _, err := forms[1].Restore(ctx, echoLinker(map[string]any{}), Limits{Memory: 200 << 10}, &state); !errors.As(err, &limit) {
		t.Errorf("less memory than it has: %v", err)
	}
}

// FuzzRestore makes instances of anything: an instance, a *StateError or a limit.
func FuzzRestore(f *testing.F) {
	ctx := context.Background()
	p, err := prepare(testFile(f, "echo.wasm"), &Profile{}, 0, 1)
	if err != nil {
		f.Fatal(err)
	}
	c, err := testRuntime(f, &Config{Interpreter: true}).CompilePrepared(ctx, p)
	if err != nil {
		f.Fatal(err)
	}
	in := instantiate(f, c, echoLinker(map[string]any{}))
	var state bytes.Buffer
	if err := in.Save(&state); err != nil {
		f.Fatal(err)
	}
	f.Add(state.Bytes())
	f.Add(state.Bytes()[:state.Len()/2])
	f.Add([]byte{stateVersion, 0})
	for i := range min(state.Len(), 64) {
		for _, with := range [][]byte{{0xff, 0xff, 0xff, 0xff, 0x0f}, {1, 1, 1, 1}, bytes.Repeat([]byte{0xff}, 11)} {
			b := slices.Clone(state.Bytes())
			copy(b[i:], with)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := c.Restore(ctx, echoLinker(map[string]any{}), Limits{Memory: 8 << 20}, bytes.NewReader(b))
		var wrong *StateError
		var limit *LimitError
		switch {
		case err == nil:
			if err := in.Close(ctx); err != nil {
				t.Error(err)
			}
		case !errors.As(err, &wrong) && !errors.As(err, &limit):
			t.Errorf("%v", err)
		}
	})
}
