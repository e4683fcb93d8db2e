package atomicfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
)

// TestWrite has many write one file, and others read it: each reads one whole text, and nothing is left behind.
func TestWrite(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	text := func(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%d", n), 100_000) }
	if err := atomicfile.Write(path, text(0), 0o600); err != nil {
		t.Fatal(err)
	}
	var writers, readers sync.WaitGroup
	for n := range 4 {
		writers.Go(func() {
			for range 10 {
				if err := atomicfile.Write(path, text(n), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	over := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				b, err := os.ReadFile(path)
				if err != nil && runtime.GOOS != "windows" { // which refuses it while the file is replaced
					t.Error(err)
				}
				if err == nil && (len(b) != 100_000 || len(bytes.Trim(b, string(b[:1]))) > 0) {
					t.Errorf("a text of %d bytes is read, or of several writers", len(b))
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(over)
	readers.Wait()
	if left := names(t, folder); len(left) != 1 {
		t.Errorf("the folder has %v", left)
	}
}

func names(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestMode has the mode of a file be what is asked for, and not what it was.
func TestMode(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has other rights")
	}
	path := filepath.Join(t.TempDir(), "file")
	for _, mode := range []fs.FileMode{0o644, 0o600, 0o640} {
		if err := atomicfile.Write(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("the mode is %v, %v, want %v", info.Mode(), err, mode)
		}
	}
}

// TestCreate has several make one file: one of them does, and the others are told.
func TestCreate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	var all sync.WaitGroup
	made := make(chan int, 8)
	for n := range cap(made) {
		all.Go(func() {
			switch err := atomicfile.Create(path, fmt.Append(nil, n), 0o600); {
			case err == nil:
				made <- n
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(made) != 1 {
		t.Fatalf("%d have made it", len(made))
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != fmt.Sprint(<-made) {
		t.Errorf("it has %s, %v", b, err)
	}
	if left := names(t, folder); len(left) != 1 {
		t.Errorf("the folder has %v", left)
	}
}

// TestFails leaves nothing behind, and the old file as it was.
func TestFails(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := atomicfile.Write(filepath.Join(folder, "none", "file"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
	taken := filepath.Join(folder, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(taken, []byte("x"), 0o600); err == nil {
		t.Error("a folder is replaced")
	}
	if left := names(t, folder); len(left) != 1 {
		t.Errorf("the folder has %v", left)
	}
}
