//go:build unix

package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// What another user could have read or written is refused, stays as it is, and the error names it.
//
// requirement: authorization.storage
func TestUnsafe(t *testing.T) {
	const nobody = 65534
	faults := map[string]struct {
		make     func(t *testing.T, path string) error
		reason   string
		noFolder bool
	}{
		"others may read it":  {func(_ *testing.T, path string) error { return os.Chmod(path, mode(path)|0o044) }, "lets others at it", false},
		"others may write it": {func(_ *testing.T, path string) error { return os.Chmod(path, mode(path)|0o002) }, "lets others at it", false},
		"another user's": {func(t *testing.T, path string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file to another user")
			}
			return os.Chown(path, nobody, -1)
		}, "belongs to user 65534", false},
		"a link": {func(_ *testing.T, path string) error {
			moved := path + "-moved"
			if err := os.Rename(path, moved); err != nil {
				return err
			}
			return os.Symlink(moved, path)
		}, "is not an ordinary file (L", true},
		"a pipe": {func(_ *testing.T, path string) error {
			return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600))
		}, "is not an ordinary file (p", true},
		"a folder": {func(_ *testing.T, path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, "is not an ordinary file (d", true},
	}
	for name, fault := range faults {
		for _, what := range []string{".", "credentials", "key"} {
			if what == "." && fault.noFolder {
				continue
			}
			t.Run(what+"/"+name, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "store")
				save(t, openStore(t, folder, nil), "key", "one")
				path := filepath.Join(folder, what)
				if err := fault.make(t, path); err != nil {
					t.Fatal(err)
				}
				before := mode(path)
				store, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder})
				if err == nil {
					_, err = store.Load(testContext(t), "key")
				}
				var unsafe *auth.UnsafeError
				if !errors.As(err, &unsafe) || unsafe.Path != path || !strings.Contains(unsafe.Reason, fault.reason) || unsafe.Remedy == "" {
					t.Errorf("%v", err)
				}
				if mode(path) != before {
					t.Errorf("the mode is %v now", mode(path))
				}
			})
		}
	}
}

func mode(path string) os.FileMode {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	return info.Mode()
}

// The folder may be reached by a link: its own rights count.
func TestLinkToFolder(t *testing.T) {
	folder, link := t.TempDir()+"/store", t.TempDir()+"/link"
	save(t, openStore(t, folder, nil), "key", "one")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	store := openStore(t, link, nil)
	wantEntry(t, store, "key", []byte("one"))
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	var unsafe *auth.UnsafeError
	if _, err := store.Load(testContext(t), "key"); !errors.As(err, &unsafe) {
		t.Errorf("%v", err)
	}
}

// A folder that this user cannot write to is said with a remedy.
func TestFolderWithoutRights(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root has every right")
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder + "/store"}); err == nil || !strings.Contains(err.Error(), "choose another folder") {
		t.Errorf("%v", err)
	}
}

// A folder that cannot be made is named.
func TestFolderBelowFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(file, "store")
	if _, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder}); err == nil || !strings.Contains(err.Error(), "the credentials in "+folder+" cannot be opened") {
		t.Errorf("%v", err)
	}
}
