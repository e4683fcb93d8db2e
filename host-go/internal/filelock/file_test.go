package filelock

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// TestFile has goroutines, each with its own File, take one lock; audit.TestProcesses has processes do it.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var count, inside atomic.Int64 // The race detector does not know locks on files.
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			f, err := OpenFile(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for range 100 {
				if err := f.Lock(testContext(t)); err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two are inside")
				}
				count.Add(1)
				inside.Add(-1)
				f.Unlock()
			}
		})
	}
	all.Wait()
	if count.Load() != 400 {
		t.Errorf("%d were inside", count.Load())
	}
	holder, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Lock(testContext(t)); err != nil {
		t.Fatal(err)
	}
	other, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ended, cancel := context.WithCancel(testContext(t))
	cancel()
	if err := other.Lock(ended); err == nil {
		t.Error("it is taken twice")
	}
	if err := holder.Close(); err != nil { // As the end of a process does.
		t.Fatal(err)
	}
	if err := holder.Close(); err != nil {
		t.Error(err)
	}
	if err := other.Lock(testContext(t)); err != nil {
		t.Error(err)
	}
}
