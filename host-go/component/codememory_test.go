package component

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
)

// loweredCode are modules that take much memory in the interpreter for their size. Each takes it in another
// way.
var loweredCode = map[string]func() []byte{
	"constants that are dropped": func() []byte { return coreOf(1, slices.Repeat([]byte{0x41, 0, 0x1a}, 300_000)) },
	"locals":                     func() []byte { return coreOf(40_000, slices.Repeat([][]byte{nil}, 15)...) },
	"functions":                  func() []byte { return coreOf(1, slices.Repeat([][]byte{nil}, 100_000)...) },
	"ifs":                        func() []byte { return coreOf(1, slices.Repeat([]byte{0x20, 0, 4, 0x40, 0x0b}, 100_000)) },
	"ifs with else":              func() []byte { return coreOf(1, slices.Repeat([]byte{0x20, 0, 4, 0x40, 5, 0x0b}, 100_000)) },
	"blocks":                     func() []byte { return coreOf(1, slices.Repeat([]byte{2, 0x40, 0x0c, 0, 0x0b}, 100_000)) },
	"loops":                      func() []byte { return coreOf(1, slices.Repeat([]byte{3, 0x40, 0x0b}, 100_000)) },
	"branches":                   func() []byte { return coreOf(1, slices.Repeat([]byte{0x20, 0, 0x0d, 0}, 200_000)) },
	"tees":                       func() []byte { return coreOf(1, slices.Repeat([]byte{0x20, 0, 0x22, 0, 0x1a}, 200_000)) },
	"code behind what ends":      func() []byte { return coreOf(1, slices.Repeat([]byte{2, 0x40, 0, 0x0b, 0x41, 0, 0x1a}, 100_000)) },
	"returns":                    func() []byte { return coreOf(1, slices.Repeat([]byte{0x20, 0, 4, 0x40, 0x0f, 0x0b}, 100_000)) },
	"a table of branches": func() []byte {
		return coreOf(1, slices.Concat([]byte{2, 0x40, 0x20, 0, 0x0e}, uleb(1_000_000), make([]byte, 1_000_001), []byte{0x0b}))
	},
	"tables of branches": func() []byte { return coreOf(1, tablesOf(20_000)) },
	"loops in functions": func() []byte { return coreOf(1, slices.Repeat([][]byte{loopsOf(1000)}, 60)...) },
	"small functions":    func() []byte { return coreOf(1, slices.Repeat([][]byte{{0x10, 0}}, 50_000)...) },
}

// heapAfter returns the size of the heap after a collection.
func heapAfter() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // This frees what the first collection finalized.
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What the interpreter holds for code is at most half of the estimate: the collector lets the heap grow to
// twice what is held.
func TestCodeMemory(t *testing.T) {
	for name, module := range loweredCode {
		t.Run(name, func(t *testing.T) {
			b := componentOf(module())
			load := func(limit uint64) (*Compiled, error) {
				return testRuntime(t, &Config{Interpreter: true, InterpreterMemory: limit}).Compile(context.Background(), b)
			}
			_, err := load(1)
			var over *CodeMemoryError
			if !errors.As(err, &over) || over.Module != 0 || over.Limit != 1 || over.Memory == 0 {
				t.Fatalf("%+v, %v", over, err)
			}
			before := heapAfter()
			stop := peak()
			c, err := load(over.Memory) // one byte more than is needed
			top := stop() - before
			if err != nil {
				t.Fatal(err)
			}
			held := heapAfter() - before
			t.Logf("%d bytes: %d KiB are held, peak %d, %d estimated", len(b), held>>10, top>>10, over.Memory>>10)
			if 2*held > over.Memory {
				t.Errorf("%d bytes are held, and %d estimated", held, over.Memory)
			}
			if err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if _, err := load(over.Memory - 1); !errors.As(err, &over) {
				t.Error(err)
			}
		})
	}
}

// The modules of a component share one bound. Prepared and compiled modules have none.
func TestCodeMemoryOfModules(t *testing.T) {
	const limit = 20 << 20
	module := coreOf(1, slices.Repeat([][]byte{slices.Repeat([]byte{0x41, 0, 0x1a}, 400)}, 120)...)
	b := slices.Concat([]byte("\x00asm\x0d\x00\x01\x00"), slices.Repeat(slices.Concat([]byte{1}, uleb(len(module)), module), 3))
	r := testRuntime(t, &Config{Interpreter: true, InterpreterMemory: limit})
	_, err := r.Compile(context.Background(), b)
	var over *CodeMemoryError
	if !errors.As(err, &over) || over.Module != 1 || over.Size != len(module) || over.Memory <= limit {
		t.Fatalf("%+v, %v", over, err)
	}
	p, err := Prepare(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.CompilePrepared(context.Background(), p); err != nil {
		t.Error(err)
	}
	if CompilerSupported() {
		if _, err := testRuntime(t, &Config{InterpreterMemory: 1}).Compile(context.Background(), b); err != nil {
			t.Error(err)
		}
	}
}
