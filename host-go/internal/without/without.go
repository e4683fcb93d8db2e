// Package without says which optimisations a program leaves out. None, but in one that is linked
// with a list of their names: the tests are run so (CAISSON_WITHOUT=... make test).
//
//	go test -ldflags=-X=github.com/caisson-dev/caisson/host-go/internal/without.names=shared-memory,whole-responses ./...
package without

import (
	"slices"
	"strings"
)

// names is set by the linker: those of the variables below, with commas between them.
var names string

// What the host may leave out. scripts/without.mjs has the same names. That compiled code is kept in
// a folder is not among them: there is an option for that.
var (
	Interpreter    = has("interpreter")     // instances begin there while the core compiles
	SharedMemory   = has("shared-memory")   // instances share what none of them has written to
	WholeResponses = has("whole-responses") // a small response is one event
)

// What the embedded core was built without, for the tests that show what it gives: src/without.d.ts
// says what it is.
var (
	FastPath   = has("fast-path")
	Validators = has("validators")
	Warmup     = has("warmup")
	Sweep      = has("sweep")
	Collector  = has("collector")
)

func has(name string) bool {
	return slices.Contains(strings.Split(names, ","), name)
}
