package component

import (
	"context"
	"encoding/binary"
	"errors"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"
)

func uleb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// coreOf returns a core module with a memory, a table, a global, and functions without parameters and
// results. Each function has locals of type i32. The bodies come without their ends.
func coreOf(locals int, bodies ...[]byte) []byte {
	section := func(id byte, content ...[]byte) []byte {
		c := slices.Concat(content...)
		return slices.Concat([]byte{id}, uleb(len(c)), c)
	}
	code := uleb(len(bodies))
	for _, b := range bodies {
		f := slices.Concat([]byte{1}, uleb(locals), []byte{0x7f}, b, []byte{0x0b})
		code = append(append(code, uleb(len(f))...), f...)
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte{1, 0x60, 0, 0}),
		section(3, uleb(len(bodies)), make([]byte, len(bodies))),
		section(4, []byte{1, 0x70, 0, 1}),
		section(5, []byte{1, 0, 1}),
		section(6, []byte{1, 0x7f, 1, 0x41, 0, 0x0b}),
		section(10, code))
}

// componentOf is a component of a core module and an instance of it.
func componentOf(module []byte) []byte {
	return slices.Concat([]byte("\x00asm\x0d\x00\x01\x00\x01"), uleb(len(module)), module,
		[]byte{2, 4, 1, 0, 0, 0})
}

// hostileCode are components that take long to compile, or much memory, for their size. A refusal names the
// function.
var hostileCode = map[string]struct {
	module  func() []byte
	refused bool // by the compiler
}{
	"2,000 loops":        {func() []byte { return coreOf(1, loopsOf(2000)) }, false},
	"4,000 loops":        {func() []byte { return coreOf(1, loopsOf(4000)) }, false},
	"8,000 loops":        {func() []byte { return coreOf(1, loopsOf(8000)) }, true},
	"140 KB of loops":    {func() []byte { return coreOf(1, loopsOf(20_000)) }, true},
	"loops in functions": {func() []byte { return coreOf(1, slices.Repeat([][]byte{loopsOf(4000)}, 60)...) }, false},
	"2,000 nested loops": {func() []byte {
		return coreOf(1, slices.Concat(slices.Repeat([]byte{3, 0x40}, 2000), slices.Repeat([]byte{0x20, 0, 0x0d, 0, 0x0b}, 2000)))
	}, false},
	"50,000 nested blocks": {func() []byte {
		return coreOf(1, slices.Concat(slices.Repeat([]byte{2, 0x40}, 50_000), slices.Repeat([]byte{0x20, 0, 0x0d, 0, 0x0b}, 50_000)))
	}, true},
	"500,000 empty blocks": {func() []byte {
		return coreOf(1, slices.Concat(slices.Repeat([]byte{2, 0x40}, 500_000), slices.Repeat([]byte{0x0b}, 500_000)))
	}, true},
	"a table of branches": {func() []byte {
		return coreOf(1, slices.Concat([]byte{2, 0x40, 0x20, 0, 0x0e}, uleb(1_000_000), make([]byte, 1_000_001), []byte{0x0b}))
	}, true},
	"tables of branches":    {func() []byte { return coreOf(1, tablesOf(2000)) }, true},
	"locals in every block": {func() []byte { return coreOf(800, localsOf(800, 8000)) }, true},
	"values under blocks": {func() []byte {
		return coreOf(1, slices.Concat(slices.Repeat([]byte{0x41, 0, 0x28, 2, 0}, 5000), slices.Repeat([]byte{0x20, 0, 4, 0x40, 0x0b}, 5000), slices.Repeat([]byte{0x24, 0}, 5000)))
	}, true},
	"a function of 2 MB": {func() []byte { return coreOf(1, slices.Repeat([]byte{0x20, 0, 0x41, 1, 0x6a, 0x21, 0}, 300_000)) }, true},
	"100,000 functions":  {func() []byte { return coreOf(1, slices.Repeat([][]byte{{0x10, 0}}, 100_000)...) }, false},
	"functions of indirects": {func() []byte {
		return coreOf(1, slices.Repeat([][]byte{slices.Repeat([]byte{0x41, 0, 0x11, 0, 0}, 2000)}, 50)...)
	}, false},
}

func loopsOf(n int) []byte { return slices.Repeat([]byte{3, 0x40, 0x20, 0, 0x0d, 0, 0x0b}, n) }

func tablesOf(n int) []byte {
	table := []byte{2, 0x40, 0x20, 0, 0x0e, 30}
	for i := range 31 {
		table = append(table, byte(i))
	}
	return slices.Concat(slices.Repeat([]byte{2, 0x40}, 30), slices.Repeat(append(table, 0x0b), n), slices.Repeat([]byte{0x0b}, 30))
}

// localsOf sets locals in branches, one after another, and reads all of them at the end.
func localsOf(locals, n int) (code []byte) {
	for i := range n {
		code = append(append(code, 0x20, 0, 4, 0x40, 0x41, 5, 0x21), uleb(i%locals)...)
		code = append(code, 0x0b)
	}
	for i := range locals {
		code = append(append(append(code, 0x20), uleb(i)...), 0x24, 0)
	}
	return code
}

// idle waits until no compilation runs.
func (c *compiling) idle(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		n := c.n
		c.mu.Unlock()
		if n == 0 {
			return
		}
	}
	t.Error("what is compiled behind the end of a context does not end")
}

// peak returns a function that returns the largest size of the heap since the call of peak.
func peak() (stop func() uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	end, most := make(chan struct{}), make(chan uint64)
	go func() {
		var n uint64
		for {
			metrics.Read(sample)
			n = max(n, sample[0].Value.Uint64())
			select {
			case <-end:
				most <- n
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(end); return <-most }
}

// A component with code that takes extremely long to compile is refused, compiled, or stopped when its time
// is over. In no case does it take much memory.
func TestHostileCode(t *testing.T) {
	const (
		budget   = 2 * time.Second
		slack    = 20 * time.Second // for a machine that does other things
		mostHeap = 1 << 30
	)
	for name, test := range hostileCode {
		t.Run(name, func(t *testing.T) {
			for _, cfg := range []*Config{{}, {Interpreter: true}} {
				r := testRuntime(t, cfg)
				ctx, cancel := context.WithTimeout(context.Background(), budget)
				defer cancel()
				heap := peak()
				began := time.Now()
				c, err := r.Compile(ctx, componentOf(test.module()))
				took := time.Since(began)
				r.compiling.idle(t)
				most := heap()
				t.Logf("interpreted %v: %v, %d MB, %v", cfg.Interpreter, took.Round(time.Millisecond), most>>20, err)
				var complex *ComplexityError
				switch {
				case err == nil:
					_ = c.Close(context.Background())
				case errors.As(err, &complex):
					if complex.Function != 0 || complex.Module != 0 || complex.Effort <= 1 {
						t.Errorf("%+v", complex)
					}
				case !errors.Is(err, context.DeadlineExceeded):
					t.Error(err)
				}
				if (complex != nil) != (test.refused && r.compiles()) {
					t.Errorf("it ends with %v", err)
				}
				if took > budget+slack {
					t.Errorf("it took %v", took)
				}
				if most > mostHeap {
					t.Errorf("it took %d MB of heap", most>>20)
				}
			}
		})
	}
}

// Locals cost no bytes of code. Their number is bounded for all functions together.
func TestLocalsOfManyFunctions(t *testing.T) {
	for _, cfg := range []*Config{{}, {Interpreter: true}} {
		_, err := testRuntime(t, cfg).Compile(context.Background(), componentOf(coreOf(49_000, slices.Repeat([][]byte{nil}, 10_000)...)))
		if decode := (*DecodeError)(nil); !errors.As(err, &decode) || !strings.Contains(err.Error(), "too many locals in all functions") {
			t.Error(err)
		}
	}
}

// A Runtime can be closed while a compilation goes on after its context ended. It then compiles nothing more.
func TestCloseWhileCompiling(t *testing.T) {
	dir := t.TempDir()
	r, err := NewRuntime(context.Background(), &Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	slow := componentOf(hostileCode["loops in functions"].module())
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		_, err := r.Compile(ctx, slow)
		result <- err
	}()
	for begun := false; !begun; time.Sleep(time.Millisecond) {
		r.compiling.mu.Lock()
		begun = r.compiling.n > 0
		r.compiling.mu.Unlock()
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := r.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := r.Compile(context.Background(), slow); !errors.Is(err, ErrRuntimeClosed) {
		t.Error(err)
	}
	r.compiling.idle(t)
	if err := r.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// Functions that are costly to compile are not compiled many at a time.
func TestWorkers(t *testing.T) {
	r := testRuntime(t, &Config{CompilationWorkers: 16})
	for n, want := range map[int]int{10: 16, 1000: 16, 4000: 8} {
		got, err := r.workers(coreOf(1, loopsOf(n), loopsOf(10)))
		if err != nil || got > want || got < fewWorkers || (want == 16) != (got == 16) {
			t.Errorf("%d loops are compiled by %d workers, %v", n, got, err)
		}
	}
}
