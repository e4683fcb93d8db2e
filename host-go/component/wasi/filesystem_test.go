package wasi

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// openRoot opens a folder for a mount.
func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// operations runs operations on descriptors, given as "operation > what it prints". * stands for any text.
func operations(t *testing.T, cfg *Config, script string) {
	t.Helper()
	var args, want []string
	for _, m := range cfg.Mounts {
		want = append(want, "mount "+m.Path)
	}
	for line := range strings.SplitSeq(script, "\n") {
		operation, result, ok := strings.Cut(strings.TrimSpace(line), " > ")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(operation, ":")
		args = append(args, operation)
		want = append(want, name+" "+strings.TrimSpace(result))
	}
	got := guestLines(t, cfg, append([]string{"fd"}, args...)...)
	for i := range max(len(got), len(want)) {
		var g, w, a string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if k := i - len(cfg.Mounts); k >= 0 && k < len(args) {
			a = args[k]
		}
		if !regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(w), `\*`, ".*") + "$").MatchString(g) {
			t.Errorf("%s: %q, not %q", a, g, w)
		}
	}
}

// A program uses a folder through the standard library of Rust.
func TestFilesOfAProgram(t *testing.T) {
	dir := t.TempDir()
	got := guestLines(t, &Config{Mounts: []Mount{{Path: "/", Root: openRoot(t, dir)}}}, "files", "/")
	wantLines(t, got, "read hello, world", "end there", "size 5 modified 1000000000", "big true", "copied 300000",
		"moved hello", `list [("b", true), ("copy", false), ("one", false)]`,
		"missing Some(NotFound)", "exists Some(AlreadyExists)", "not empty Some(Uncategorized)", "left 0")
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

func TestDescriptors(t *testing.T) {
	dir := t.TempDir()
	cfg := &Config{Mounts: []Mount{{Path: "/work", Root: openRoot(t, dir)}}}
	operations(t, cfg, `
		flags:0 > DescriptorFlags(READ | MUTATE_DIRECTORY)
		type:0 > DescriptorType::Directory
		open:0:a:crw > 1
		flags:1 > DescriptorFlags(READ | WRITE)
		type:1 > DescriptorType::RegularFile
		write:1:hello:0 > 5
		write:1:there:6 > 5
		read:1:100:0 > ("hello\0there", true)
		read:1:5:0 > ("hello", false)
		read:1:5:50 > ("", true)
		read:1:5:18446744073709551615 > error invalid
		size:1:3 > ()
		stat:1 > DescriptorType::RegularFile links 1 size 3 modified *
		times:1:now:1000 > ()
		stat-at:0:a:follow > DescriptorType::RegularFile links 1 size 3 modified Some(1000)
		times-at:0:a:keep:2000:follow > ()
		stat:1 > DescriptorType::RegularFile links 1 size 3 modified Some(2000)
		advise:1 > ()
		advise:0 > error bad-descriptor
		sync:1 > ()
		sync:0 > ()
		write-stream:1:1:XY > ()
		append-stream:1:end > ()
		read-stream:1:0:100 > "hXY!end"
		read-stream:1:100:100 > closed
		read-stream:0:0:1 > error is-directory
		read-stream:1:18446744073709551615:1 > failed Some("invalid")

		open:0:a:r > 2
		write:2:x:0 > error bad-descriptor
		write-stream:2:0:x > error bad-descriptor
		size:2:0 > error invalid
		same:1:2 > true
		same:0:1 > false
		own-hash:1:2 > true
		own-hash:0:1 > false
		open:0:w:cw > 3
		read:3:1:0 > error bad-descriptor
		hash:0:a:0:w:follow > false
		hash:0:a:0:a:follow > true
		hash:0:a:0:none:follow > (*) error no-entry

		open:0:a:cx > error exist
		open:0:new:cx > 4
		open:0:a:tr > 5
		stat:5 > DescriptorType::RegularFile links 1 size 0 modified *
		open:0:a:dr > error not-directory
		open:0:none:r > error no-entry
		open:0:none:cdr > error invalid
		open:0:.:w > error is-directory
		open:1:x:r > error not-directory
		list:1 > error not-directory

		mkdir:0:sub > ()
		mkdir:0:sub > error exist
		mkdir:0:none/sub > error no-entry
		open:0:sub:dr > 6
		flags:6 > DescriptorFlags(READ | MUTATE_DIRECTORY)
		open:6:inner:crw > 7
		list:0 > ["a DescriptorType::RegularFile", "new DescriptorType::RegularFile", "sub DescriptorType::Directory", "w DescriptorType::RegularFile"]
		list:6 > ["inner DescriptorType::RegularFile"]
		times:6:keep:3000 > ()
		stat:6 > DescriptorType::Directory links * size * modified Some(3000)
		rmdir:0:sub > error not-empty
		rmdir:0:a > error not-directory
		unlink:0:sub > error is-directory
		unlink:0:none > error no-entry
		rename:0:new:0:renamed > ()
		rename:0:renamed:6:moved > ()
		rename:6:moved:0:back > ()
		rename:0:none:6:x > error no-entry
		rename:0:../x:6:x > error not-permitted
		link:0:back:0:hard:no > ()
		link:0:back:6:hard:no > ()
		link:0:back:0:hard:no > error exist
		link:0:back:0:other:follow > error invalid
		stat-at:0:hard:no > DescriptorType::RegularFile links 3 size 0 modified *
		unlink:6:hard > ()
		unlink:6:inner > ()
		rmdir:0:sub > ()
		close:6 > *
		unlink:0:back > ()
		unlink:0:hard > ()
		unlink:0:w > ()
		list:0 > ["a DescriptorType::RegularFile"]
		many:0:a > 1018 then insufficient-memory
		open:0:a:r > 8
		open:0::r > error no-entry
		open:0:`+strings.Repeat("x", 5000)+`:r > error name-too-long
		open:0:`+strings.Repeat("x", 300)+`:r > error name-too-long
	`)
}

// A component reaches nothing outside of its folder: not by "..", not by an absolute path, not by a link, old
// or new.
func TestNoEscape(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	base := t.TempDir()
	dir := filepath.Join(base, "granted")
	writeFile(t, filepath.Join(base, "secret"), "secret")
	writeFile(t, filepath.Join(dir, "sub", "file"), "file")
	for name, to := range map[string]string{
		"absolute": filepath.Join(base, "secret"), "relative": "../secret", "up": "..", "sub/over": "../../secret",
		"inside": "sub/file", "sub/back": "../sub/file", "loop": "loop", "root": "/", "dangling": "sub/none",
	} {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	operations(t, &Config{Mounts: []Mount{{Path: "/", Root: openRoot(t, dir)}}}, `
		open:0:../secret:r > error not-permitted
		open:0:sub/../../secret:r > error not-permitted
		open:0:/etc/passwd:r > error not-permitted
		open:0:`+filepath.Join(base, "secret")+`:r > error not-permitted
		open:0:absolute:r > error not-permitted
		open:0:absolute:r:no > error loop
		open:0:absolute:w > error not-permitted
		open:0:relative:r > error not-permitted
		open:0:relative:ctw > error not-permitted
		open:0:up:dr > error not-permitted
		open:0:up/secret:r > error not-permitted
		open:0:root:dr > error not-permitted
		open:0:root/etc/passwd:r > error not-permitted
		open:0:loop:r > error loop
		open:0:..:dr > error not-permitted
		stat-at:0:..:follow > error not-permitted
		stat-at:0:../secret:no > error not-permitted
		stat-at:0:relative:follow > error not-permitted
		stat-at:0:relative:no > DescriptorType::SymbolicLink links 1 size 9 modified *
		hash:0:up/secret:0:up/secret:follow > error not-permitted error not-permitted
		readlink:0:absolute > error not-permitted
		readlink:0:relative > "../secret"
		readlink:0:sub > error invalid
		times-at:0:relative:now:now:follow > error not-permitted
		times-at:0:relative:keep:5000:no > ()
		stat-at:0:relative:no > DescriptorType::SymbolicLink links 1 size 9 modified Some(5000)
		times-at:0:sub/over:now:6000:no > ()
		times-at:0:up/secret:now:now:no > error not-permitted
		unlink:0:up/secret > error not-permitted
		unlink:0:../secret > error not-permitted
		rmdir:0:../granted > error not-permitted
		mkdir:0:../new > error not-permitted
		mkdir:0:up/new > error not-permitted
		rename:0:../secret:0:here > error not-permitted
		rename:0:up/secret:0:here > error not-permitted
		rename:0:sub/file:0:up/out > error not-permitted
		link:0:up/secret:0:here:no > error not-permitted
		link:0:relative:0:linked:no > ()
		open:0:linked:r > error not-permitted
		symlink:0:/etc/passwd:new > error not-permitted
		symlink:0:../secret:new > ()
		open:0:new:r > error not-permitted
		symlink:0:sub:../out > error not-permitted
		symlink:0:sub:way > ()
		readlink:0:way > "sub"
		open:0:way/file:r > 1
		read:1:10:0 > ("file", true)
		open:0:inside:r > 2
		open:0:inside:r:no > error loop
		open:0:dangling:r > error no-entry
		open:0:sub/over:r > error not-permitted
		open:0:sub:dr > 3
		open:3:../sub/file:r > error not-permitted
		open:3:back:r > error not-permitted
		open:3:over:r > error not-permitted
		open:0:sub/back:r > 4
		rename:3:../secret:0:x > error not-permitted
		rename:3:file:0:../secret > error not-permitted
	`)
	for name, want := range map[string]string{"secret": "secret", "granted/sub/file": "file"} {
		if b, err := os.ReadFile(filepath.Join(base, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	outside, err := os.ReadDir(base)
	if err != nil || len(outside) != 2 {
		t.Error(outside, err)
	}
}

// A moved folder is not confused with what is now at its place.
func TestMovedFolder(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a", "file"), "1")
	operations(t, &Config{Mounts: []Mount{{Path: "/", Root: openRoot(t, dir)}}}, `
		open:0:a:dr > 1
		rename:0:a:0:b > ()
		mkdir:0:a > ()
		rename:1:file:0:out > error no-entry
		rename:1:file:1:renamed > ()
		open:1:renamed:rw > 2
		times:2:now:now > error no-entry
		list:0 > ["a DescriptorType::Directory", "b DescriptorType::Directory"]
	`)
}

const readOnlyScript = `
	flags:0 > DescriptorFlags(READ)
	open:0:dir/file:r > 1
	read:1:100:0 > ("content", true)
	read:1:3:2 > ("nte", false)
	read:1:3:0 > ("con", false)
	read-stream:1:3:10 > "tent"
	stat:1 > DescriptorType::RegularFile links 1 size 7 modified Some(1000)
	stat-at:0:dir:follow > DescriptorType::Directory links * size * modified *
	stat-at:0:dir/file/:follow > error not-directory
	open:0:dir:dr > 2
	flags:2 > DescriptorFlags(READ)
	list:0 > ["dir DescriptorType::Directory"]
	list:2 > ["file DescriptorType::RegularFile"]
	open:2:../dir/file:r > error not-permitted
	open:0:../x:r > error not-permitted
	open:0:none:r > error no-entry
	open:2:file:r > 3
	same:1:3 > true
	hash:0:dir/file:2:file:no > true
	own-hash:1:2 > false
	open:0:dir/file:w > error read-only
	open:0:dir/file:tr > error read-only
	open:0:new:cr > error read-only
	open:0:dir:drm > error read-only
	write:1:x:0 > error bad-descriptor
	size:1:0 > error *
	sync:1 > ()
	times:1:now:now > error bad-descriptor
	times:2:now:now > error read-only
	times-at:0:dir/file:now:now:no > error read-only
	mkdir:0:new > error read-only
	rmdir:0:dir > error read-only
	unlink:0:dir/file > error read-only
	rename:0:dir:0:x > error read-only
	rename:2:file:0:x > error read-only
	link:0:dir/file:0:x:no > error read-only
	symlink:0:dir:x > error read-only
	readlink:0:dir/file > error invalid
`

func TestReadOnly(t *testing.T) {
	changed := time.Unix(1000, 0)
	dir := t.TempDir()
	file := filepath.Join(dir, "dir", "file")
	writeFile(t, file, "content")
	if err := os.Chtimes(file, changed, changed); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "dir/file", Method: zip.Deflate, Modified: changed})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("content")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	zipped, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]Mount{
		"os.Root": {Path: "/", Root: openRoot(t, dir), ReadOnly: true},
		"MapFS":   {Path: "/", FS: fstest.MapFS{"dir/file": {Data: []byte("content"), ModTime: changed}}},
		"zip":     {Path: "/", FS: zipped}, // its files can only be read from the start
		"DirFS":   {Path: "/", FS: os.DirFS(dir)},
	} {
		t.Run(name, func(t *testing.T) { operations(t, &Config{Mounts: []Mount{m}}, readOnlyScript) })
	}
}

func TestMountsAreApart(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(one, "file"), "1")
	operations(t, &Config{Mounts: []Mount{
		{Path: "/one", Root: openRoot(t, one)},
		{Path: "/two", Root: openRoot(t, two)},
		{Path: "/three", FS: fstest.MapFS{"link": {Data: []byte("file"), Mode: fs.ModeSymlink}}},
	}}, `
		rename:0:file:1:file > error cross-device
		link:0:file:1:file:no > error cross-device
		rename:0:file:2:file > error read-only
		same:0:1 > false
		same:0:0 > true
		same:1:2 > false
		hash:0:.:1:.:no > false
		readlink:2:link > "file"
		list:2 > ["link DescriptorType::SymbolicLink"]
		open:2:link:r:no > error loop
	`)
}

// What is neither file nor folder cannot be opened, and a pipe does not block anybody.
func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	if err := makePipe(filepath.Join(dir, "pipe")); err != nil {
		t.Skip(err)
	}
	operations(t, &Config{Mounts: []Mount{{Path: "/", Root: openRoot(t, dir)}}}, `
		stat-at:0:pipe:no > DescriptorType::Fifo links 1 size 0 modified *
		open:0:pipe:r > error not-permitted
		open:0:pipe:w > error not-permitted
		open:0:pipe:ctrw > error not-permitted
		list:0 > ["pipe DescriptorType::Fifo"]
		unlink:0:pipe > ()
	`)
}
