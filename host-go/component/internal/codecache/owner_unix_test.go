//go:build unix

package codecache

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stranger is a user that is neither root nor this one.
const stranger = 54321

// asRoot skips a test that changes the owner of files, unless root runs it.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
}

// filled returns a cache with an entry in it, and the folder of the entry.
func filled(t *testing.T) (dir, folder string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a", "cache")
	mustFill(t, dir)
	return dir, filepath.Dir(cacheFiles(t, dir)[0])
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A folder cannot be a cache when another user owns it, may write to it, or could replace it: that user's
// code would run. The error says which folder it is, and whose.
func TestCacheOfAnotherUser(t *testing.T) {
	for name, test := range map[string]struct {
		root bool
		make func(t *testing.T, dir, folder string) string // returns the folder to open, if it is another one
		says string
	}{
		"owns the folder":      {true, func(t *testing.T, dir, _ string) string { do(t, os.Chown(dir, stranger, 0)); return "" }, "belongs to user 54321"},
		"owns the entries":     {true, func(t *testing.T, _, folder string) string { do(t, os.Chown(folder, stranger, 0)); return "" }, "belongs to user 54321"},
		"owns the parent":      {true, func(t *testing.T, dir, _ string) string { do(t, os.Chown(filepath.Dir(dir), stranger, 0)); return "" }, "belongs to user 54321"},
		"writes to the folder": {false, func(t *testing.T, dir, _ string) string { do(t, os.Chmod(dir, 0o777)); return "" }, "others may write to"},
		"writes to entries":    {false, func(t *testing.T, _, folder string) string { do(t, os.Chmod(folder, 0o702)); return "" }, "others may write to"},
		"writes to the parent": {false, func(t *testing.T, dir, _ string) string { do(t, os.Chmod(filepath.Dir(dir), 0o777)); return "" }, "others may write to"},
		"a group writes": {true, func(t *testing.T, dir, _ string) string {
			do(t, os.Chown(dir, 0, stranger))
			do(t, os.Chmod(dir, 0o770))
			return ""
		}, "others may write to"},
		"has the link": {true, func(t *testing.T, dir, _ string) string {
			link := filepath.Join(t.TempDir(), "link")
			do(t, os.Symlink(dir, link))
			do(t, os.Lchown(link, stranger, 0))
			return link
		}, "belongs to user 54321"},
		"has what a link leads through": {true, func(t *testing.T, dir, _ string) string {
			theirs := t.TempDir()
			do(t, os.Symlink(dir, filepath.Join(theirs, "there")))
			do(t, os.Chown(theirs, stranger, 0))
			link := filepath.Join(t.TempDir(), "link")
			do(t, os.Symlink(filepath.Join(theirs, "there"), link))
			return link
		}, "belongs to user 54321"},
		"links in a circle": {false, func(t *testing.T, dir, _ string) string {
			link := filepath.Join(t.TempDir(), "link")
			do(t, os.Symlink("link", link))
			return link
		}, "too many symbolic links"},
		"could make the folder": {true, func(t *testing.T, _, _ string) string {
			home := t.TempDir()
			do(t, os.Chown(home, stranger, stranger))
			return filepath.Join(home, ".cache", "caisson")
		}, "belongs to user 54321"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.root {
				asRoot(t)
			}
			dir, folder := filled(t)
			if other := test.make(t, dir, folder); other != "" {
				dir = other
			}
			if err := openAndClose(dir); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Open: %v", err)
			}
			if _, err := os.Lstat(dir); name == "could make the folder" && !os.IsNotExist(err) {
				t.Errorf("it was made: %v", err)
			}
		})
	}
}

// A folder of this user's or of root's can be a cache: also below a folder like /tmp, through links, and with
// a group of the user's own.
func TestCacheOfThisUser(t *testing.T) {
	for name, make := range map[string]func(t *testing.T, dir string) string{
		"a sticky parent": func(t *testing.T, dir string) string {
			do(t, os.Chmod(filepath.Dir(dir), 0o777|fs.ModeSticky))
			return dir
		},
		"links": func(t *testing.T, dir string) string {
			first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(filepath.Dir(dir), "second")
			do(t, os.Symlink("../a/cache", second))
			do(t, os.Symlink(second, first))
			return first
		},
		"its own group": func(t *testing.T, dir string) string {
			if os.Getegid() != os.Geteuid() {
				t.Skip("this user has none")
			}
			do(t, os.Chmod(dir, 0o770))
			return dir
		},
		"readable by all": func(t *testing.T, dir string) string { do(t, os.Chmod(dir, 0o755)); return dir },
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := filled(t)
			if dir = make(t, dir); !mustFill(t, dir) {
				t.Error("it is not used")
			}
			if err := openAndClose(dir); err != nil {
				t.Error(err)
			}
		})
	}
}

// A file in the cache that belongs to another user is not used.
func TestCacheEntryOfAnotherUser(t *testing.T) {
	asRoot(t)
	dir, _ := filled(t)
	for _, path := range cacheFiles(t, dir) {
		do(t, os.Chown(path, stranger, 0))
	}
	mustFill(t, dir)
	for _, path := range cacheFiles(t, dir) {
		if info, err := os.Stat(path); err != nil || !own(info) {
			t.Errorf("%s was not replaced", path)
		}
	}
}

// A user uses a cache that root has made, for example in a run of root's in the user's folder, when the user
// can read it. Otherwise the error tells the user what to do. Root does not use a user's cache.
func TestCacheOfRoot(t *testing.T) {
	asRoot(t)
	self, err := os.Executable()
	do(t, err)
	top, err := os.MkdirTemp("", "cache-of-root-")
	do(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	do(t, os.Chmod(top, 0o755))
	// The test binary is in a place that the user may not read.
	binary := filepath.Join(top, "test")
	content, err := os.ReadFile(self)
	do(t, err)
	do(t, os.WriteFile(binary, content, 0o755))
	dir := filepath.Join(top, "cache")
	mustFill(t, dir)
	check := func() string {
		cmd := exec.Command(binary)
		cmd.Dir = top
		cmd.Env = append(os.Environ(), cacheCheck+"="+dir, "TMPDIR=/tmp")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		return string(said)
	}
	if said := check(); !strings.Contains(said, "permission denied: give the folder to this user, or choose another one") {
		t.Errorf("of a folder that is closed to the user it says: %s", said)
	}
	do(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	}))
	if said := check(); !strings.Contains(said, "cached true") || !strings.Contains(said, "permission denied: give the folder to this user") {
		t.Errorf("of a folder that the user may read it says: %s", said)
	}
	do(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error { return os.Chown(path, stranger, stranger) }))
	if said := check(); !strings.Contains(said, "cached true") || strings.Contains(said, "denied") {
		t.Errorf("of the user's own folder it says: %s", said)
	}
	if err := openAndClose(dir); err == nil {
		t.Error("root uses the user's folder")
	}
}

// The stage of a living process stays, however old it is. A stage that was removed all the same costs only
// time.
func TestStageOfLivingProcess(t *testing.T) {
	dir, _ := filled(t)
	c, err := Open(dir, 1<<20)
	do(t, err)
	defer c.Close()
	defer c.Core().Close(context.Background())
	stage := c.stage
	long := time.Now().Add(-100 * leftOver)
	do(t, os.Chtimes(stage.dir, long, long))
	dead, err := os.MkdirTemp(dir, stagePrefix)
	do(t, err)
	do(t, os.Chtimes(dead, long, long))
	do(t, openAndClose(dir))
	if _, err := os.Stat(stage.code); err != nil {
		t.Fatalf("the stage was swept: %v", err)
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("what nobody holds is still there: %v", err)
	}

	do(t, os.RemoveAll(stage.dir))
	if err := stage.ready(); err != nil {
		t.Fatal(err)
	}
	do(t, os.Chtimes(stage.dir, long, long))
	do(t, openAndClose(dir))
	if _, err := os.Stat(stage.code); err != nil {
		t.Fatalf("the stage that was made anew was swept: %v", err)
	}

	do(t, os.RemoveAll(stage.dir))
	do(t, os.Mkdir(stage.dir, 0o700))
	if err := stage.ready(); err == nil {
		t.Error("another folder in its place is used")
	}
}

// The lock of a process ends with the process, not earlier.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	l := lockFolder(dir)
	if l == nil {
		t.Skip("the file system has no locks")
	}
	if !locked(dir) {
		t.Error("it is not locked")
	}
	var flags int
	flags, err := unix.FcntlInt(l.folder.Fd(), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("commands would go on to lock it: %v", err)
	}
	l.release()
	if locked(dir) {
		t.Error("it is locked still")
	}
}
