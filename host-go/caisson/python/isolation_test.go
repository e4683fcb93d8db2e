package python_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/python"
)

// TestIsolated runs Python in a worker: a package, whose files are in this process, a search, and a call that
// cannot await.
func TestIsolated(t *testing.T) {
	// Whoever compiles first has the code in the cache that both use.
	if _, err := shared(t).RunScript(t.Context(), script(t, "1")); err != nil {
		t.Fatal(err)
	}
	r, err := caisson.New(t.Context(), &caisson.RuntimeOptions{Isolation: caisson.IsolationProcess})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := script(t, `
import ours
return [call_tool('go', 'add', {'a': ours.one, 'b': 2}), search_tools('adding numbers')[0]['name']]
`)
	s.Language = python.WithPackages(fstest.MapFS{"ours.py": {Data: []byte("one = 1")}})
	s.Limits.Computing = time.Minute // for the package, which is compiled
	result, err := r.RunScript(t.Context(), s)
	if err != nil || string(result.Value) != `[3,"add"]` {
		t.Fatalf("%v, %v", result, err)
	}
	if result.Usage.Fuel == 0 || result.Usage.MemoryBytes == 0 {
		t.Errorf("%+v", result.Usage)
	}
}
