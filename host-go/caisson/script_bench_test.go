package caisson_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// BenchmarkScript runs scripts in a program that has run some before.
func BenchmarkScript(b *testing.B) {
	r := sharedRuntime(b)
	if err := r.Compile(testContext(b), nil); err != nil {
		b.Fatal(err)
	}
	tools := toolSet(b, map[string]caisson.Caller{"go": programTools(b)})
	for _, s := range []struct{ name, source string }{
		{"nothing", `return 1`},
		{"call", `const r = await tools.go.add({ a: 1, b: 2 }); return r + 1`},
		{"calls", `const rs = await Promise.all(Array.from({ length: 50 }, (_, i) => tools.go.add({ a: i, b: 1 }))); return rs.length`},
		{"loop", `let s = 0; for (let i = 0; i < 1000000; i++) s += i; return s`},
		{"fib", `function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } return f(25)`},
		{"sort", `const a = Array.from({ length: 100000 }, (_, i) => (i * 7919) % 100003); a.sort((x, y) => x - y); return a[5]`},
		{"json", `const o = JSON.parse(JSON.stringify(Array.from({ length: 10000 }, (_, i) => ({ id: i, name: "n" + i, tags: ["a", "b"] })))); return o.length`},
	} {
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				result, err := r.RunScript(b.Context(), caisson.Script{Source: s.source, Tools: tools})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(result.Usage.Fuel)/1e6, "Mfuel")
			}
		})
	}
	b.Run("function", func(b *testing.B) {
		m, err := r.Load(testContext(b), caisson.Script{Source: `export const add = (a, b) => tools.go.add({ a, b })`, Tools: tools})
		if err != nil {
			b.Fatal(err)
		}
		defer m.Close()
		for b.Loop() {
			if _, err := caisson.RunFunctionAs[int](b.Context(), m, "add", 1, 2); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkScriptCancelled is how long a run goes on after the end of its context, while it computes.
func BenchmarkScriptCancelled(b *testing.B) {
	r := sharedRuntime(b)
	if err := r.Compile(testContext(b), nil); err != nil {
		b.Fatal(err)
	}
	for _, s := range []struct{ name, source string }{
		{"loop", `for (;;) {}`},
		{"pattern", `/^(a+)+$/.test('a'.repeat(60) + 'b')`},
		{"awaiting", `for (;;) await null`},
	} {
		b.Run(s.name, func(b *testing.B) {
			var after, most time.Duration
			for range b.N {
				ctx, cancel := context.WithCancel(b.Context())
				fs := &caisson.Functions{}
				var ended time.Time
				if err := caisson.AddFunction(fs, "begin", "", func(context.Context, struct{}) (any, error) {
					time.AfterFunc(20*time.Millisecond, func() { ended = time.Now(); cancel() })
					return nil, nil
				}); err != nil {
					b.Fatal(err)
				}
				tools := toolSet(b, map[string]caisson.Caller{"go": fs})
				if _, err := r.RunScript(ctx, caisson.Script{Source: "await tools.go.begin(); " + s.source, Tools: tools}); !errors.Is(err, context.Canceled) {
					b.Fatal(err)
				}
				took := time.Since(ended)
				after, most = after+took, max(most, took)
			}
			b.ReportMetric(float64(after.Microseconds())/1000/float64(b.N), "ms-after")
			b.ReportMetric(float64(most.Microseconds())/1000, "ms-most")
		})
	}
}
