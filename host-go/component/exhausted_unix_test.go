//go:build unix

package component

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// exhaustedChild is set in a separate process, which lacks a resource.
const exhaustedChild = "COMPONENT_TEST_EXHAUSTED"

// inChild runs the test in a separate process. It reports whether this is that process.
func inChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(exhaustedChild) != "" {
		return true
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), exhaustedChild+"=1")
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("--- SKIP: "+t.Name())) {
		t.Skipf("%s", out)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// useDescriptors opens files until the process has no descriptor left. It returns a function that frees them.
func useDescriptors(t *testing.T) (free func()) {
	t.Helper()
	limit := syscall.Rlimit{Cur: 100, Max: 100}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	var files []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			if !outOfDescriptors(err) {
				t.Fatal(err)
			}
			return func() {
				for _, f := range files {
					_ = f.Close()
				}
			}
		}
		files = append(files, f)
	}
}

// A guest goes on when chunks have to be loaded and the process has no descriptor left. This holds each time,
// with and without the code in the cache.
func TestChunksWithoutDescriptors(t *testing.T) {
	if !inChild(t) {
		return
	}
	ctx := context.Background()
	p, err := prepare(testFile(t, "runaway.wasm"), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, cached := range []bool{false, true} {
		c, err := testRuntime(t, &Config{CacheDir: dir}).CompilePrepared(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		in := instantiate(t, c, runawayLinker())
		free := useDescriptors(t)
		call(t, in, "count", uint32(10))
		loaded := len(in.chunks)
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		_, err = in.ExportedFunction("tree").Call(short)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cached %v: %v", cached, err)
		}
		if loaded == 0 || len(in.chunks) == loaded {
			t.Errorf("cached %v: %d chunks, then %d", cached, loaded, len(in.chunks))
		}
		call(t, instantiate(t, c, runawayLinker()), "count", uint32(10))
		free()
		if err := c.CompileChunks(ctx); err != nil {
			t.Error(err)
		}
	}
}

// A chunk that could not be compiled for lack of a resource is compiled when the resource is there again.
func TestChunkAfterLack(t *testing.T) {
	p, err := prepare(testFile(t, "runaway.wasm"), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	chunk, lacks := p.Chunk, 3
	p.Chunk = func(i int) ([]byte, error) {
		if lacks > 0 {
			lacks--
			return nil, &os.PathError{Op: "open", Path: "chunk", Err: syscall.EMFILE}
		}
		return chunk(i)
	}
	c, err := testRuntime(t, nil).CompilePrepared(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	call(t, instantiate(t, c, runawayLinker()), "count", uint32(10))
	if lacks != 0 {
		t.Error("nothing was lacking")
	}
}
