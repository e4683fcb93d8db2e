package component

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// greetings runs hello.wasm, taken apart, with the cache of cfg. It reports whether the cache had the code.
func greetings(cfg *Config) (cached bool, err error) {
	ctx := context.Background()
	wasm, err := os.ReadFile(filepath.Join("testdata", "hello.wasm"))
	if err != nil {
		return false, err
	}
	p, err := prepare(wasm, &Profile{}, 0, 1)
	if err != nil {
		return false, err
	}
	r, err := NewRuntime(ctx, cfg)
	if err != nil {
		return false, err
	}
	defer r.Close(ctx)
	cached = r.Cached(p)
	c, err := r.CompilePrepared(ctx, p)
	if err != nil {
		return cached, err
	}
	in, err := c.Instantiate(ctx, logLinker(noLog))
	if err != nil {
		return cached, err
	}
	out, err := in.ExportedFunction(greet).Call(ctx, "x")
	if err == nil && out[0] != "hello, x" {
		err = fmt.Errorf("it says %v", out)
	}
	if err == nil {
		err = c.CompileChunks(ctx)
	}
	return cached, err
}

func mustGreet(t *testing.T, dir string) (cached bool) {
	t.Helper()
	cached, err := greetings(&Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return cached
}

// cacheFiles lists the entries of a cache.
func cacheFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// The cache keeps the code of modules and of chunks, and a later run uses it.
func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if mustGreet(t, dir) {
		t.Error("an empty cache has it")
	}
	before := cacheFiles(t, dir)
	if !mustGreet(t, dir) {
		t.Error("a filled cache does not have it")
	}
	if after := cacheFiles(t, dir); !slices.Equal(before, after) || len(after) < 3 {
		t.Errorf("the entries were %v and are %v", before, after)
	}
}

// The cache is no larger than the configuration allows.
func TestCacheBytes(t *testing.T) {
	dir := t.TempDir()
	if _, err := greetings(&Config{CacheDir: dir, CacheBytes: 1}); err != nil {
		t.Fatal(err)
	}
	if paths := cacheFiles(t, dir); len(paths) > 0 {
		t.Errorf("%v are more than a byte", paths)
	}
}

// A damaged entry of any part of a component is not used. It is replaced.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	mustGreet(t, dir)
	for _, path := range cacheFiles(t, dir) {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := bytes.Clone(good)
		damaged[len(damaged)/2] ^= 1
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		mustGreet(t, dir)
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, good) {
			t.Fatalf("%s was not replaced (%d bytes, %v)", filepath.Base(path), len(now), err)
		}
	}
}

// A start with a warm cache needs only the beginning of the index. The index is read when code is missing from the cache.
func TestStartWithoutIndex(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	p, err := prepare(testFile(t, "runaway.wasm"), &Profile{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	index, err := p.Index()
	if err != nil {
		t.Fatal(err)
	}
	count := func() (read int) {
		again := &Prepared{
			Index:     func() ([]byte, error) { read++; return index, nil },
			Beginning: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(index)), nil },
			Memory:    p.Memory, Chunk: p.Chunk, Chunks: p.Chunks,
		}
		r := testRuntime(t, &Config{CacheDir: dir})
		r.Cached(again)
		c, err := r.CompilePrepared(ctx, again)
		if err != nil {
			t.Fatal(err)
		}
		call(t, instantiate(t, c, runawayLinker()), "count", uint32(10))
		return read
	}
	if n := count(); n != 1 {
		t.Errorf("with an empty cache the index is read %d times", n)
	}
	if n := count(); n != 0 {
		t.Errorf("with a warm cache the index is read %d times", n)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.code"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(); n != 1 {
		t.Errorf("without the code the index is read %d times", n)
	}
}

// When the cache can keep nothing, everything works, and CacheErr and CheckCache return the reason. A folder
// that cannot be a cache is an error of both NewRuntime and CheckCache.
func TestUnusableCache(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	mustGreet(t, dir)
	if err := CheckCache(ctx, dir); err != nil {
		t.Error(err)
	}
	folder := filepath.Dir(cacheFiles(t, dir)[0])
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if mustGreet(t, dir) {
			t.Error("it was kept in a file")
		}
	}
	if err := testRuntime(t, &Config{CacheDir: dir}).CacheErr(); err == nil {
		t.Error("CacheErr does not tell it")
	}
	if err := CheckCache(ctx, dir); err == nil {
		t.Error("CheckCache does not tell it")
	}
	inFile := filepath.Join(folder, "x")
	if _, err := NewRuntime(ctx, &Config{CacheDir: inFile}); err == nil {
		t.Error("NewRuntime takes a cache in a file")
	}
	if err := CheckCache(ctx, inFile); err == nil {
		t.Error("CheckCache takes a cache in a file")
	}
}
