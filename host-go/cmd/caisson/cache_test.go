package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree lists the files of a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		files = append(files, filepath.ToSlash(relative))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, file := range files {
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCacheClearDeletesItsOwnFilesAlone(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0123456789abcdef", 4)
	dir := t.TempDir()
	write(t, dir,
		"wazero-v1.12.0-amd64-linux/"+hash,
		"wazero-v1.11.0-amd64-linux/"+hash,
		"wazero-v1.11.0-amd64-linux/"+hash+".tmp",
		"wazero-v1.11.0-amd64-linux/notes.txt",
		"component-1-wazero-v1.12.0-amd64-linux/"+hash+"-"+hash+".code",
		"component-1-wazero-v1.12.0-amd64-linux/"+hash+".memory.123.tmp",
		"component-3-wazero-v1.12.0-amd64-linux/"+hash+".start",
		"component-stage-1/wazero-v1.12.0-amd64-linux/"+hash,
		hash, "component-notes/"+hash,
		"wazero-notes", "photo.jpg", "other/"+hash,
	)
	if err := os.Mkdir(filepath.Join(dir, "wazero-empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := caissonRun(t, "cache", "clear", "--cache-dir", dir)
	o.expect(t, exitOK)
	if want := "Deleted 7.0 kB from " + dir + "\n"; o.out != want {
		t.Errorf("it says %q, want %q", o.out, want)
	}
	want := []string{
		hash, "component-notes", "component-notes/" + hash, "other", "other/" + hash, "photo.jpg",
		"wazero-notes", "wazero-v1.11.0-amd64-linux", "wazero-v1.11.0-amd64-linux/notes.txt",
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

func TestCacheClearWithNothingThere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	o := caissonRun(t, "cache", "clear", "--cache-dir", dir)
	o.expect(t, exitOK)
	if want := "Deleted 0 bytes from " + dir + "\n"; o.out != want {
		t.Errorf("it says %q, want %q", o.out, want)
	}
}

func TestCachePath(t *testing.T) {
	t.Parallel()
	base, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	o := caissonRun(t, "cache", "path")
	o.expect(t, exitOK)
	if want := filepath.Join(base, "caisson") + "\n"; o.out != want {
		t.Errorf("it prints %q, want %q", o.out, want)
	}
	o = caissonRun(t, "cache", "path", "--cache-dir", "x")
	o.expect(t, exitOK)
	if o.out != "x\n" {
		t.Errorf("with --cache-dir it prints %q", o.out)
	}
}

func TestCacheStatus(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	write(t, dir, "component-1-wazero-v1.12.0-amd64-linux/"+strings.Repeat("ab", 32)+".memory")
	o := caissonRun(t, "cache", "status", "--cache-dir", dir)
	o.expect(t, exitOK)
	if want := "1.0 kB in " + dir + ", which can be used\n"; o.out != want {
		t.Errorf("it says %q, want %q", o.out, want)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	o = caissonRun(t, "cache", "status", "--cache-dir", dir)
	o.expect(t, exitUsage)
	if o.out != "" || !strings.Contains(o.stderr, "nothing can be kept in "+dir) || !strings.Contains(o.stderr, "others may write to "+dir) {
		t.Errorf("it says %q and %q", o.out, o.stderr)
	}
}

// TestCacheWarm compiles the core once more, into a separate folder.
func TestCacheWarm(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	if testing.Short() {
		t.Skip("compiling the core takes seconds")
	}
	dir := filepath.Join(t.TempDir(), "cache")
	for range 2 {
		o := caissonRun(t, "cache", "warm", "--cache-dir", dir)
		o.expect(t, exitOK)
		if !strings.HasPrefix(o.out, "The cache is warm: ") || !strings.HasSuffix(o.out, " MB in "+dir+"\n") {
			t.Errorf("it says %q", o.out)
		}
	}
	files, err := cacheFiles(dir)
	if err != nil || len(files.paths) == 0 {
		t.Fatalf("the cache has %v, %v", files.paths, err)
	}
	if got, want := len(tree(t, dir)), len(files.paths)+len(files.folders); got != want {
		t.Errorf("the folder has %d files and folders, and %d of them are known", got, want)
	}
	o := caissonRun(t, "cache", "clear", "--cache-dir", dir)
	o.expect(t, exitOK)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after clearing, the folder is still there: %v", err)
	}
}
