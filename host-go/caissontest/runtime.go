package caissontest

import (
	"context"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

var shared = sync.OnceValues(func() (*caisson.Runtime, error) { return caisson.New(context.Background(), nil) })

// Runtime returns a runtime that all tests of the process share, because making a runtime is slow. The first
// call makes it, with the default options. It is never closed; do not close it. When it cannot be made, the
// test fails at once.
func Runtime(t testing.TB) *caisson.Runtime {
	t.Helper()
	runtime, err := shared()
	if err != nil {
		t.Fatalf("caissontest: %v", err)
	}
	return runtime
}
