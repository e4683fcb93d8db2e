package component

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// compare measures two ways to do the same thing in short turns. It reports the median time of each and their
// ratio. Other work of the machine slows down few turns, and both ways alike.
func compare(b *testing.B, turn int, ours, theirs func(n int)) {
	times := inTurns(b, turn, ours, theirs)
	median := func(t []float64) float64 { slices.Sort(t); return t[len(t)/2] }
	a, c := median(times[0]), median(times[1])
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(a, "ours-ns")
	b.ReportMetric(c, "direct-ns")
	b.ReportMetric(a/c, "ratio")
}

// inTurns measures two functions in turns.
func inTurns(b *testing.B, turn int, f, g func(n int)) (times [2][]float64) {
	f(turn)
	g(turn)
	b.ResetTimer()
	for range max(b.N/turn, 10) {
		for i, f := range []func(int){f, g} {
			start := time.Now()
			f(turn)
			times[i] = append(times[i], float64(time.Since(start))/float64(turn))
		}
	}
	return times
}

// coreModule cuts the first core module out of a component of testdata.
func coreModule(b *testing.B, name string) []byte {
	for rest := testFile(b, name)[8:]; ; {
		size, n := binary.Uvarint(rest[1:])
		body := rest[1+n : 1+n+int(size)]
		if rest[0] == 1 {
			return body
		}
		rest = rest[1+n+int(size):]
	}
}

// direct runs the core module of calls.wasm on the core runtime alone.
func direct(b *testing.B) api.Module {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	b.Cleanup(func() { r.Close(ctx) })
	u32 := []api.ValueType{api.ValueTypeI32}
	_, err := r.NewHostModuleBuilder("host").
		NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) {}), nil, nil).Export("nop").
		NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
		stack[0] = uint64(uint32(stack[0]) + uint32(stack[1]))
	}), append(u32, u32...), u32).Export("add").Instantiate(ctx)
	if err != nil {
		b.Fatal(err)
	}
	m, err := r.Instantiate(ctx, coreModule(b, "calls.wasm"))
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func bind[P, R any](b *testing.B, in *Instance, name string) func(context.Context, P) (R, error) {
	f, err := Bind[P, R](in.ExportedFunction(name))
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// sink keeps the compiler from removing the code whose result it holds.
var sink string

// BenchmarkCall measures what the component layer adds to a call, in and out.
func BenchmarkCall(b *testing.B) {
	ctx := context.Background()
	in := testInstance(b, nil, "calls.wasm", callsLinker())
	m := direct(b)
	stack := make([]uint64, 4)
	core := func(name string) func(x, y uint64) {
		f := m.ExportedFunction(name)
		return func(x, y uint64) {
			stack[0], stack[1] = x, y
			if err := f.CallWithStack(ctx, stack); err != nil {
				b.Fatal(err)
			}
		}
	}
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("empty export", func(b *testing.B) {
		ours, theirs := bind[struct{}, struct{}](b, in, "empty"), core("empty")
		compare(b, 1000, func(n int) {
			for range n {
				_, err := ours(ctx, struct{}{})
				check(err)
			}
		}, func(n int) {
			for range n {
				theirs(0, 0)
			}
		})
	})
	b.Run("export of two scalars", func(b *testing.B) {
		ours, theirs := bind[struct{ A, B uint32 }, uint32](b, in, "sum"), core("sum")
		compare(b, 1000, func(n int) {
			for range n {
				_, err := ours(ctx, struct{ A, B uint32 }{1, 2})
				check(err)
			}
		}, func(n int) {
			for range n {
				theirs(1, 2)
			}
		})
	})
	for _, name := range []string{"nop", "add"} {
		title := map[string]string{"nop": "empty import", "add": "import of two scalars"}[name]
		b.Run(title, func(b *testing.B) {
			theirs := core("call-" + name)
			ours := func(ctx context.Context, n uint32) error {
				_, err := in.ExportedFunction("call-"+name).Call(ctx, n)
				return err
			}
			compare(b, 1000, func(n int) { check(ours(ctx, uint32(n))) }, func(n int) { theirs(uint64(n), 0) })
		})
	}
	b.Run("string of 1 KB there and back", func(b *testing.B) {
		ours := bind[string, string](b, in, "echo")
		realloc, echo := m.ExportedFunction("realloc"), m.ExportedFunction("echo")
		s := strings.Repeat("0123456789abcdef", 64)
		compare(b, 1000, func(n int) {
			for range n {
				out, err := ours(ctx, s)
				check(err)
				if len(out) != len(s) {
					b.Fatal(out)
				}
			}
		}, func(n int) {
			for range n {
				stack[0], stack[1], stack[2], stack[3] = 0, 0, 1, uint64(len(s))
				check(realloc.CallWithStack(ctx, stack))
				ptr := stack[0]
				ok := m.Memory().WriteString(uint32(ptr), s)
				stack[1] = uint64(len(s))
				check(echo.CallWithStack(ctx, stack))
				at, ok1 := m.Memory().ReadUint32Le(uint32(stack[0]))
				size, ok2 := m.Memory().ReadUint32Le(uint32(stack[0]) + 4)
				out, ok3 := m.Memory().Read(at, size)
				if sink = string(out); !ok || !ok1 || !ok2 || !ok3 || len(sink) != len(s) {
					b.Fatal(out)
				}
			}
		})
	})
}

// BenchmarkMetering measures what metering costs the same component. The least time of many turns counts, on
// several instances: the processor slows down a recursion when the counter and the stack of an instance
// happen to share the low bits of their addresses.
func BenchmarkMetering(b *testing.B) {
	const instances = 5
	var metered, unmetered [instances]*Instance
	for i := range instances {
		metered[i] = testInstance(b, nil, "kernels.wasm", nil)
		unmetered[i] = testInstance(b, &Config{Unmetered: true}, "kernels.wasm", nil)
	}
	for name, n := range map[string]uint32{"fib": 22, "sieve": 100_000, "product": 60} {
		b.Run(name, func(b *testing.B) {
			run := func(instances [instances]*Instance) func(int) {
				turn := 0
				return func(int) {
					f := instances[turn%len(instances)].ExportedFunction(name)
					turn++
					if _, err := f.Call(context.Background(), n); err != nil {
						b.Fatal(err)
					}
				}
			}
			times := inTurns(b, 1, run(metered), run(unmetered))
			a, c := slices.Min(times[0]), slices.Min(times[1])
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(a, "metered-ns")
			b.ReportMetric(c, "unmetered-ns")
			b.ReportMetric(a/c, "ratio")
		})
	}
}

// BenchmarkCompiling measures what safe points cost the compiler, for programs and for code that consists of
// places where safe points are added. The least time of the turns counts.
func BenchmarkCompiling(b *testing.B) {
	ctx := context.Background()
	programs := [][]byte{testFile(b, "../wasi/testdata/guest.wasm"), testFile(b, "corpus/rust-strings/component.wasm")}
	for name, components := range map[string][][]byte{
		"programs":     programs,
		"loops":        {componentOf(coreOf(1, loopsOf(2000)))},
		"nested loops": {componentOf(coreOf(1, slices.Concat(slices.Repeat([]byte{3, 0x40}, 1000), slices.Repeat([]byte{0x20, 0, 0x0d, 0, 0x0b}, 1000))))},
		"loop each":    {componentOf(coreOf(1, slices.Repeat([][]byte{loopsOf(1)}, 20_000)...))},
		"fifty loops":  {componentOf(coreOf(1, slices.Repeat([][]byte{loopsOf(50)}, 2000)...))},
		"calls":        {componentOf(coreOf(1, slices.Repeat([][]byte{{0x10, 0}}, 20_000)...))},
	} {
		b.Run(name, func(b *testing.B) {
			compile := func(unmetered bool) func(int) {
				return func(int) {
					r := testRuntime(b, &Config{Unmetered: unmetered})
					for _, wasm := range components {
						c, err := r.Compile(ctx, wasm)
						if err != nil {
							b.Fatal(err)
						}
						if err := c.Close(ctx); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			times := inTurns(b, 1, compile(false), compile(true))
			a, c := slices.Min(times[0]), slices.Min(times[1])
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(a/1e6, "metered-ms")
			b.ReportMetric(c/1e6, "unmetered-ms")
			b.ReportMetric(a/c, "ratio")
		})
	}
}
