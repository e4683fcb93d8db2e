//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestPipeIsInterrupted gives the program a pipe in place of each file that it reads, and writes nothing: an interrupt
// ends the program. A run that --watch begins anew is left alone, too.
func TestPipeIsInterrupted(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	folder := t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	pipe := func(t *testing.T, name string) {
		t.Helper()
		if err := syscall.Mkfifo(path(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// hold opens a pipe to write: as soon as the program has begun to read.
	hold := func(t *testing.T, name string) {
		t.Helper()
		opened := make(chan error, 1)
		go func() {
			f, err := os.OpenFile(path(name), os.O_WRONLY, 0)
			if err == nil {
				t.Cleanup(func() { _ = f.Close() })
			}
			opened <- err
		}()
		select {
		case err := <-opened:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(2 * time.Minute):
			t.Fatal("nobody reads the pipe")
		}
	}
	ends := func(t *testing.T, r *running, want int) {
		t.Helper()
		r.interrupt()
		select {
		case code := <-r.code:
			if code != want {
				t.Errorf("it ends with %d, want %d", code, want)
			}
		case <-time.After(2 * time.Minute):
			t.Fatal("it is not interrupted")
		}
	}
	write := func(name string) {
		if err := os.WriteFile(path(name), []byte("return 1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.js")
	for name, args := range map[string][]string{
		"source":    {"run", path("source")},
		"input":     {"run", path("a.js"), "--input", "@" + path("input")},
		"answers":   {"run", path("a.js"), "--answers", path("answers")},
		"function":  {"run-function", path("function"), "f"},
		"arguments": slices.Concat([]string{"call-tool", "add", "--args", "@" + path("arguments")}, demoArgs(t)),
	} {
		t.Run(name, func(t *testing.T) {
			pipe(t, name)
			r := startRun(t, args...)
			r.drain()
			hold(t, name)
			ends(t, r, exitInterrupted)
		})
	}
	t.Run("watch", func(t *testing.T) {
		write("b.js")
		r := startRun(t, "run", path("b.js"), "--watch")
		if !r.out.Scan() || r.out.Text() != "1" {
			t.Fatalf("it prints %q", r.out.Text())
		}
		waitFor(t, r.stderr, "waiting for a change")
		if err := os.Remove(path("b.js")); err != nil {
			t.Fatal(err)
		}
		pipe(t, "b.js")
		r.drain()
		hold(t, "b.js")
		ends(t, r, exitOK)
	})
}
