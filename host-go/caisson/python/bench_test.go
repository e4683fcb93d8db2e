package python_test

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
)

// The computations are those of the same name in CPython, in a process, at the level of the module.
var computations = map[string]string{
	"fib(25)":                "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(25)",
	"a loop of a million":    "total = 0\nfor i in range(1_000_000):\n    total += i * 2\ntotal",
	"sorting 100,000":        "x = [(i * 7919) % 100_003 for i in range(100_000)]\nsorted(x)[0]",
	"JSON of 10,000 objects": "import json\nx = [{'a': i, 'b': str(i), 'c': [i]} for i in range(10_000)]\nlen(json.loads(json.dumps(x)))",
	"classes":                "class P:\n    def __init__(self, x): self.x = x\n    def get(self): return self.x\nsum(P(i).get() for i in range(100_000))",
	"text":                   "import re\nlen(re.findall(r'\\w+', 'the quick brown fox ' * 5000)), len(' '.join(str(i) for i in range(50_000)).split())",
}

// BenchmarkComputing is what scripts compute, without their start, and the same in a process of python3 where there
// is one.
func BenchmarkComputing(b *testing.B) {
	r := shared(b)
	for name, source := range computations {
		b.Run(name, func(b *testing.B) {
			var least time.Duration
			for b.Loop() {
				result, err := r.RunScript(b.Context(), caisson.Script{Language: python.Language, Source: source})
				if err != nil {
					b.Fatal(err)
				}
				if d := result.Usage.Computing; least == 0 || d < least {
					least = d
				}
			}
			b.ReportMetric(float64(least.Microseconds())/1000, "ms-least")
			if ms, ok := inProcess(b, source); ok {
				b.ReportMetric(ms, "ms-cpython")
				b.ReportMetric(float64(least.Microseconds())/1000/ms, "ratio")
			}
		})
	}
}

// inProcess runs a source in python3, ten times, and returns the least time without the start.
func inProcess(b *testing.B, source string) (ms float64, ok bool) {
	program, err := exec.LookPath("python3")
	if err != nil {
		return 0, false
	}
	code := "import sys, time\ncode = compile(sys.argv[1], 'x', 'exec')\ndef once():\n    t = time.perf_counter()\n    exec(code, {})\n    return time.perf_counter() - t\nprint(min(once() for _ in range(10)) * 1000)"
	out, err := exec.CommandContext(b.Context(), program, "-c", code, source).Output()
	if err != nil {
		b.Fatal(err)
	}
	ms, err = strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return ms, true
}

// BenchmarkRun is a run, all of it, with the code in memory: one that does nothing, and one that calls a tool; and
// a process of python3 that does nothing.
func BenchmarkRun(b *testing.B) {
	r, set := shared(b), tools(b)
	for name, source := range map[string]string{"nothing": "None", "a tool": "await tools.go.add(a=1, b=2)"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.RunScript(b.Context(), caisson.Script{Language: python.Language, Source: source, Tools: set}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	program, err := exec.LookPath("python3")
	if err != nil {
		return
	}
	b.Run("a process that does nothing", func(b *testing.B) {
		for b.Loop() {
			if err := exec.CommandContext(b.Context(), program, "-c", "None").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkFirst is the first run of a process, from New to its value: without a cache, so that it is in the
// interpreter, and with one.
func BenchmarkFirst(b *testing.B) {
	first := func(b *testing.B, cache string) {
		r, err := caisson.New(b.Context(), &caisson.RuntimeOptions{CacheDir: cache})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.RunScript(b.Context(), caisson.Script{Language: python.Language, Source: "sum(range(10))"}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = r.Close()
		b.StartTimer()
	}
	b.Run("empty cache", func(b *testing.B) {
		for b.Loop() {
			first(b, b.TempDir())
		}
	})
	b.Run("warm cache", func(b *testing.B) {
		cache := b.TempDir()
		r, err := caisson.New(context.Background(), &caisson.RuntimeOptions{CacheDir: cache, CompileFirst: true})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.RunScript(b.Context(), caisson.Script{Language: python.Language, Source: "1"}); err != nil {
			b.Fatal(err)
		}
		_ = r.Close()
		for b.Loop() {
			first(b, cache)
		}
	})
}
