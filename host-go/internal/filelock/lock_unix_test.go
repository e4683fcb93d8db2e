//go:build unix && !aix && !solaris

package filelock

import (
	"os"
	"path/filepath"
	"testing"
)

// Whoever has opened a file that its holder then removes does not hold the lock, and the next holder's file
// stays.
func TestRemovedFileIsNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock := take(t, path)
	for _, next := range []bool{false, true} {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		if next {
			unlock = take(t, path)
		}
		if l, err := hold(file); l != nil || err != nil {
			t.Fatalf("it holds a file without a name (%v)", err)
		}
		if !next {
			unlock = take(t, path)
		}
		if !held(t, path) {
			t.Error("the next one does not hold it")
		}
	}
	unlock()
}

// A holder whose file somebody else has removed leaves the next one's alone.
func TestForeignFileStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock := take(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	next := take(t, path)
	unlock()
	if !held(t, path) {
		t.Error("the next one does not hold it any more")
	}
	next()
}
