package docs_test

import (
	"context"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/isolate"
)

// isolatedRuntime is what docs/isolation.md shows.
func isolatedRuntime(ctx context.Context) (*caisson.Runtime, error) {
	isolate.Main()
	runtime, err := caisson.New(ctx, &caisson.RuntimeOptions{Isolation: caisson.IsolationProcess})
	return runtime, err
}

// TestIsolationDocumented makes the runtime of docs/isolation.md: nothing runs in it.
func TestIsolationDocumented(t *testing.T) {
	runtime, err := isolatedRuntime(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := runtime.Close(); err != nil {
		t.Error(err)
	}
}
