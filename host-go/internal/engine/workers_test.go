package engine

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/wasi"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// TestCompileInWorker has a worker compile into an empty cache, while there is a place for one guest only: the guest
// waits for the code, and compiles nothing. Without a cache the code is in a folder that goes with the engine.
func TestCompileInWorker(t *testing.T) {
	core := hostile(t)
	for name, folder := range map[string]string{"a cache": t.TempDir(), "no cache": ""} {
		all, err := isolation.New("", 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(all.Close)
		e := testEngine(t, Config{Core: func() (*component.Prepared, error) { return core, nil }, CacheDir: folder, Isolated: all})
		l := component.NewLinker()
		wasi.AddToLinker(l, nil)
		guest, err := e.Instantiate(t.Context(), l, component.Limits{}, patience)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := e.Compile(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if moved, err := guest.Follow(); moved || err != nil || guest.Memories() != nil {
			t.Errorf("%s: it is not in a worker: %t, %v", name, moved, err)
		}
		scratch := e.workers.scratch
		if kept := folder != ""; kept == (scratch != "") {
			t.Errorf("%s: the code is in %q and %q", name, folder, scratch)
		}
		entries, err := filepath.Glob(filepath.Join(folder+scratch, "component-*", "*.code"))
		if err != nil || len(entries) == 0 {
			t.Errorf("%s: nothing was kept: %v", name, err)
		}
		guest.Close()
		e.workers.close()
		if _, err := os.Stat(scratch); scratch != "" && err == nil {
			t.Errorf("%s is left", scratch)
		}
		if err := e.Compile(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
