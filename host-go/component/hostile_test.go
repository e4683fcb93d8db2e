package component

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component/internal/types"
	"github.com/caisson-dev/caisson/host-go/internal/race"
)

// hostileChild names the case that a separate process runs.
const hostileChild = "CAISSON_TEST_HOSTILE"

// These are the bounds of a hostile component, and of what the process may hold in addition: the program and
// the tests, the stack of the call that runs, and the values of calls. A compiled stack grows to 84 MB, by a
// copy of half of it. The stack of the call before stays until the collector runs: it lets the heap grow to
// twice what was in use.
// twice what was in use.
const (
	hostileBudget = 64 << 20
	hostileTime   = 2 * time.Second
	hostileFixed  = 288 << 20
	// The host holds a file's definitions as a tree, and their types.
	hostileLoaded = 100 // times the file
	// An error names a few things. A stack has 30 frames of functions with names.
	hostileText = 16 << 10
)

// interpreted is the prefix of cases that the interpreter runs.
const interpreted = "interpreted: "

// hostileResult is what a process did.
type hostileResult struct {
	Outcomes map[string]string // by step: "", or the error
	Peak     uint64            // bytes of memory
	CPU      time.Duration
	Text     int // bytes of the longest error, its stack included
}

// Each component of the corpus tries to take all that it can get. A separate process loads it, inspects it
// and runs it. The process ends within twice its time, and holds at most its budget and a fixed part.
func TestHostile(t *testing.T) {
	for _, c := range hostileCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got := hostileProcess(t, c.name)
			for range 5 {
				if !got.starved(c.want) {
					break
				}
				t.Log("the machine is too busy to tell: again")
				got = hostileProcess(t, c.name)
			}
			for step, want := range c.want {
				outcome := got.Outcomes[step]
				if got.starved(c.want) && step == "load" {
					t.Logf("%s: the machine is too busy to tell", step)
				} else if !ends(step, outcome, want) {
					t.Errorf("%s: %q, wanted %q", step, outcome, want)
				}
			}
			if got.CPU > 2*hostileTime {
				t.Errorf("%v of processor time", got.CPU)
			}
			if got.Text > hostileText {
				t.Errorf("an error of %d bytes", got.Text)
			}
			if got.Peak > hostileBudget+hostileFixed+hostileLoaded*uint64(len(c.wasm())) && !race.Enabled {
				t.Errorf("%d MiB are held", got.Peak>>20)
			}
			t.Logf("%d bytes: %d MiB, %v, %v", len(c.wasm()), got.Peak>>20, got.CPU.Round(time.Millisecond), got.Outcomes)
		})
	}
}

// starved reports whether the time was over before the process has had three quarters of it to compute, where
// something else was to end a step.
func (r *hostileResult) starved(want map[string]string) bool {
	for step, outcome := range r.Outcomes {
		if outcome == "time" && !strings.Contains(want[step], "time") {
			return r.CPU < hostileTime*3/4
		}
	}
	return false
}

// hostileProcess runs a case in a separate process.
func hostileProcess(t *testing.T, name string) (r hostileResult) {
	t.Helper()
	// This is longer than even a busy machine needs.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), hostileChild+"="+name)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String()[:min(2000, stderr.Len())])
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return r
}

// runHostile is the main function of the separate process.
func runHostile(name string) {
	r := hostileResult{Outcomes: map[string]string{}}
	for _, c := range hostileCases(nil) {
		if c.name == name {
			r.run(c.wasm(), strings.HasPrefix(name, interpreted))
		}
	}
	r.Peak = peakMemory()
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

func (r *hostileResult) run(wasm []byte, interpret bool) {
	ctx, cancel := context.WithTimeout(context.Background(), hostileTime)
	defer cancel()
	rt, err := NewRuntime(ctx, &Config{Interpreter: interpret})
	if err != nil {
		r.ended("runtime", err)
		return
	}
	defer rt.Close(context.Background())
	c, err := rt.Compile(ctx, wasm)
	if err != nil {
		r.ended("load", err)
		return
	}
	c.Imports()
	c.Exports()
	c.WIT()
	var functions []string
	for name := range c.exports.all("") {
		if functions = append(functions, name); len(functions) == 100 {
			break
		}
	}
	// Each call has a new instance, and a part of the time.
	part := hostileTime / time.Duration(len(functions)+1)
	for _, name := range append(functions, "") {
		r.call(c, name, part)
	}
}

func (r *hostileResult) call(c *Compiled, name string, part time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), part)
	defer cancel()
	var in *Instance
	in, err := c.InstantiateWith(ctx, hostileLinker(c, func() *Instance { return in }), Limits{Memory: hostileBudget})
	if err != nil {
		r.ended("instantiate", err)
		return
	}
	defer in.Close(context.Background())
	if name == "" {
		return
	}
	f := in.ExportedFunction(name)
	if deep(f.sig.Type) {
		return
	}
	if _, err = f.Call(ctx, hostileArgs(f.sig.Type)...); err != nil {
		r.ended(name, err)
	}
}

// ended records the error of a step.
func (r *hostileResult) ended(step string, err error) {
	r.Outcomes[step] = short(err)
	n := longest(err)
	if trap := (*TrapError)(nil); errors.As(err, &trap) {
		n += len(trap.Stack)
	}
	r.Text = max(r.Text, n)
}

// longest returns the length of the longest text of an error and its causes.
func longest(err error) int {
	n := len(err.Error())
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			n = max(n, longest(cause))
		}
	case interface{ Unwrap() error }:
		if cause := e.Unwrap(); cause != nil {
			n = max(n, longest(cause))
		}
	}
	return n
}

func short(err error) string {
	var limit *LimitError
	switch {
	case errors.As(err, &limit):
		return limit.Resource
	case errors.Is(err, context.DeadlineExceeded):
		return "time"
	}
	s := err.Error()
	return s[:min(len(s), 300)]
}

// hostileLinker gives what the corpus imports: a function that calls back into the instance, and others that
// do nothing.
func hostileLinker(c *Compiled, in func() *Instance) *Linker {
	l := denyAll(c)
	l.Root().Func("host", func(ctx context.Context, _ []any) ([]any, error) {
		if in := in(); in != nil {
			if _, err := in.ExportedFunction("twice").Call(ctx); !errors.Is(err, ErrReentered) {
				return nil, fmt.Errorf("entered again: %w", err)
			}
		}
		return nil, nil
	})
	return l
}

// hostileArgs are arguments that have to be lowered through realloc.
func hostileArgs(f *types.Func) []any {
	args := zeroArgs(f)
	for i, p := range f.Params {
		switch p.Type.Kind {
		case types.String:
			args[i] = strings.Repeat("\u00e4", 1000)
		case types.List:
			if p.Type.Elem.Kind == types.Tuple {
				list := make([]any, 1000)
				for k := range list {
					list[k] = Tuple{uint8(k), strings.Repeat("x", k), []any{"\u20ac", "y"}}
				}
				args[i] = list
			}
		}
	}
	return args
}

// peakMemory returns the most memory that the process has had.
func peakMemory() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.Sys // at least what the Go runtime has
	}
	for line := range strings.Lines(string(status)) {
		var kb uint64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}

// hostileCase is a component and its outcomes. want gives, for each step that it names, a text that the
// outcome contains, or several with "|" between them; "" is success. A step that it does not name may have
// any outcome.
type hostileCase struct {
	name string
	wasm func() []byte
	want map[string]string
}

// ends reports whether an outcome is wanted. On a busy machine the time may be over before another bound is
// reached.
func ends(step, outcome, want string) bool {
	if want == "" {
		return outcome == "" || outcome == "time" && step == "load"
	}
	return slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return strings.Contains(outcome, w) })
}

// hostileFile is a case of testdata/hostile.
func hostileFile(name string, want map[string]string) hostileCase {
	return hostileCase{name, func() []byte {
		b, err := os.ReadFile(filepath.Join("testdata", "hostile", name+".wasm"))
		if err != nil {
			panic(err)
		}
		return b
	}, want}
}
