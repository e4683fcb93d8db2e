package component

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/memory"
)

// An instance that moves goes on with its memory, its globals and its fuel.
func TestMove(t *testing.T) {
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
	for _, to := range []*Compiled{forms[1], forms[0], forms[2], forms[2], forms[1]} {
		// There is no reset: the next allocation follows the one before.
		before := call(t, in, "echo-string", "before")
		held, fuel := bytes.Clone(memory.Whole(in.memory[0])), in.FuelUsed()
		if err := in.Move(ctx, to); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(held, memory.Whole(in.memory[0])) {
			t.Error("the memory is another")
		}
		if got := in.FuelUsed(); got != fuel {
			t.Errorf("it had used %d fuel, and now %d", fuel, got)
		}
		for name, values := range echoes {
			for _, v := range values {
				if got := call(t, in, "echo-"+name, v); !reflect.DeepEqual(got, v) {
					t.Fatalf("%s: got %.200v, not %.200v", name, got, v)
				}
			}
		}
		if before != "before" {
			t.Error(before)
		}
	}
	if err := in.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := in.Move(ctx, forms[0]); !errors.Is(err, ErrInstanceDead) {
		t.Errorf("a closed instance: %v", err)
	}
}

func TestNotMovable(t *testing.T) {
	ctx := context.Background()
	c, other := prepared(t, nil, "echo.wasm"), prepared(t, nil, "echo.wasm")
	plain, err := testRuntime(t, nil).Compile(ctx, testFile(t, "echo.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	in := instantiate(t, c, echoLinker(map[string]any{}))
	for what, to := range map[string]*Compiled{"another's": other, "not prepared": plain} {
		if err := in.Move(ctx, to); !errors.Is(err, ErrNotMovable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := call(t, in, "echo-u8", uint8(7)); got != uint8(7) {
		t.Errorf("after that it says %v", got)
	}
	// hello.wasm writes data into a memory that it imports, each time it is instantiated.
	data := prepared(t, nil, "hello.wasm")
	if err := instantiate(t, data, logLinker(noLog)).Move(ctx, data); !errors.Is(err, ErrNotMovable) {
		t.Errorf("a component with data: %v", err)
	}
}
