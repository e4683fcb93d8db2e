package caisson_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/footprint"
	"github.com/caisson-dev/caisson/host-go/internal/race"
	"github.com/caisson-dev/caisson/host-go/internal/underway"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// oddRuns are scripts of which half fail.
var oddRuns = []struct {
	source string
	kind   caisson.ScriptErrorKind
}{
	{`(await tools.go.add({ a: 1, b: 2 })) + 1`, ""},
	{`throw new Error('no')`, caisson.ScriptRuntime},
	{`const a = []; for (let i = 0; i < 1000; i++) a.push({ i }); a.length`, ""},
	{`await tools.go.fail()`, caisson.ScriptTool},
	{`(await Promise.all(Array.from({ length: 20 }, (_, i) => tools.go.add({ a: i, b: 1 })))).length`, ""},
	{`tools.go.wait(); let x = ;`, caisson.ScriptSyntax},
	{`tools.go.wait(); await sleep(1); 'left'`, ""},
	{`tools.go.wait(); for (let i = 0; i < 2000; i++) print(i)`, caisson.ScriptLimit},
}

// TestScriptMany has a thousand scripts one after the other, and then 64 at a time: the memory does not grow, and
// no goroutine is left.
func TestScriptMany(t *testing.T) {
	rounds := 1000
	if race.Enabled || without.SharedMemory || testing.Short() {
		rounds = 100
	}
	patient := caisson.ScriptLimits{Computing: patience, Time: 2 * patience} // 64 at once, on a busy machine
	r := sharedRuntime(t)
	tools := toolSet(t, map[string]caisson.Caller{"go": programTools(t)})
	one := func(i int) {
		run := oddRuns[i%len(oddRuns)]
		_, err := r.RunScript(testContext(t), caisson.Script{Source: run.source, Tools: tools, Limits: patient})
		if got := kindOf(err); got != run.kind {
			t.Errorf("%s ends with %v", run.source, err)
		}
	}
	for i := range 3 * len(oddRuns) {
		one(i)
	}
	goroutines, memory, space := runtime.NumGoroutine(), heapInUse(), footprint.AddressSpace()
	for i := range rounds {
		one(i)
	}
	atOnce := 64
	if without.SharedMemory { // Each has its memory to itself.
		atOnce = 16
	}
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range rounds {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			one(i)
		})
	}
	all.Wait()
	if !eventually(func() bool { return runtime.NumGoroutine() <= goroutines }) {
		t.Errorf("%d goroutines are left; there were %d", runtime.NumGoroutine(), goroutines)
	}
	if !eventually(func() bool { return heapInUse() < memory+(16<<20) }) {
		t.Errorf("%d bytes of the heap are in use; there were %d", heapInUse(), memory)
	}
	// Each sandbox has reserved 128 MiB, and some are kept for further runs.
	if !eventually(func() bool { return footprint.AddressSpace() < space+4<<30 }) {
		t.Errorf("the process has %d bytes; it had %d", footprint.AddressSpace(), space)
	}
}

// TestParallelCalls has as many calls of tools underway at once as the bound says, and no more.
func TestParallelCalls(t *testing.T) {
	t.Parallel()
	for bound, want := range map[int]int{0: 8, 3: 3} {
		hold, most := underway.Hold(want)
		result, err := sharedRuntime(t).RunScript(testContext(t), caisson.Script{
			Source: "(await Promise.all(Array.from({ length: 40 }, () => tools.go.hold()))).length",
			Tools:  oneFunction(t, "hold", hold),
			Limits: caisson.ScriptLimits{ParallelCalls: bound},
		})
		if err != nil || string(result.Value) != "40" || most() != want {
			t.Errorf("with a bound of %d: %d calls were underway at once: %v, %+v", bound, most(), err, result)
		}
	}
}

func kindOf(err error) caisson.ScriptErrorKind {
	if err == nil {
		return ""
	}
	if e, ok := err.(*caisson.ScriptError); ok {
		return e.Kind
	}
	return caisson.ScriptErrorKind(fmt.Sprint(err))
}

func heapInUse() uint64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
