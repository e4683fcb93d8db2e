package caisson

import (
	"math"
	"runtime/debug"
	"testing"
)

// TestDefaultMaxScripts has machines of all sorts.
func TestDefaultMaxScripts(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	debug.SetMemoryLimit(math.MaxInt64)
	many := defaultMaxScripts()
	if many < leastScripts {
		t.Errorf("the default is %d", many)
	}
	for limit, want := range map[int64]int{1 << 20: 2, 10 * defaultScriptMemoryBytes: 10, 1 << 50: many} {
		debug.SetMemoryLimit(limit)
		if got := defaultMaxScripts(); got != want {
			t.Errorf("with %d bytes the default is %d, want %d", limit, got, want)
		}
	}
}
