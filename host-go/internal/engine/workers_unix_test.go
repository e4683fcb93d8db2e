//go:build unix

package engine

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// TestWorkerDoesNotLoad has the worker for the next guest never load the code, as one that is stopped: it is ended, and the
// guest does not wait for it any longer.
func TestWorkerDoesNotLoad(t *testing.T) {
	program := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	all, err := isolation.New(program, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(all.Close)
	lasts, stop := context.WithCancel(t.Context())
	defer stop()
	w := &workers{all: all, component: hostile(t), lasts: lasts, loadWait: 100 * time.Millisecond}
	w.refill()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if r, err := w.take(ctx); r != nil || err != nil {
		t.Fatalf("the guest gets %v, %v", r, err)
	}
	if left := all.PIDs(); len(left) != 0 {
		t.Errorf("%d processes are left", len(left))
	}
	w.refill() // There is room for another one.
	w.close()
}
