package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// protect takes a folder of the test away from others.
func protect(t testing.TB, folder string) {
	t.Helper()
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
}

// wantFiles compares the names of the files in a folder.
func wantFiles(t testing.TB, folder string, want ...string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		got = append(got, file.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the folder has %q, want %q", got, want)
	}
}

func TestDefaultFolder(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, home)
	}
	store := openStore(t, "", nil)
	if filepath.Base(store.Folder()) != "credentials-v1" || filepath.Base(filepath.Dir(store.Folder())) != "caisson" {
		t.Errorf("the folder is %s", store.Folder())
	}
	save(t, store, "key", "a secret that nobody reads")
	wantFiles(t, store.Folder(), "credentials", "key")
	for _, name := range []string{"", "credentials", "key"} {
		path := filepath.Join(store.Folder(), name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[info.IsDir()]; runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte("nobody reads")) {
			t.Errorf("the secret is in %s", path)
		}
	}
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, "")
	}
	if _, err := auth.OpenFileStore(auth.FileStoreOptions{}); err == nil || !strings.Contains(err.Error(), "set FileStoreOptions.Folder") {
		t.Errorf("without a home: %v", err)
	}
}

// A fixedKey is a source whose key tests change; nil is none.
type fixedKey struct {
	key []byte
	err error
}

func (k *fixedKey) Key(_ context.Context, _ string, create bool) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	if k.key == nil && !create {
		return nil, auth.ErrNoKey
	}
	if k.key == nil {
		k.key = auth.NewKey()
	}
	return k.key, nil
}

// Whatever makes the file unreadable, the first call says so and sets the file aside, and the next one works.
func TestUnreadable(t *testing.T) {
	folder := t.TempDir()
	protect(t, folder)
	path := filepath.Join(folder, "credentials")
	source := &fixedKey{}
	save(t, openStore(t, folder, source), "key", "one")
	good, key := read(t, path), source.key
	damages := map[string]func(){
		"the key is lost":    func() { source.key = nil },
		"the key is another": func() { source.key = auth.NewKey() },
		"empty":              func() { write(t, path, nil) },
		"a text":             func() { write(t, path, []byte("Dear diary, today nothing was saved in this file at all.")) },
		"too large":          func() { write(t, path, bytes.Repeat(good, (auth.MaxStoreBytes+1<<10)/len(good)+1)) },
		"one byte more":      func() { write(t, path, append(slices.Clone(good), 0)) },
	}
	for n := range good {
		damages[fmt.Sprintf("cut off after %d bytes", n)] = func() { write(t, path, good[:n]) }
		damages[fmt.Sprintf("a bit of byte %d", n)] = func() {
			bad := slices.Clone(good)
			bad[n] ^= 1 << (n % 8)
			write(t, path, bad)
		}
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			source.key = key
			write(t, path, good)
			damage()
			bad := read(t, path)
			store := openStore(t, folder, source)
			_, err := store.Load(testContext(t), "key")
			var unreadable *auth.UnreadableError
			if !errors.As(err, &unreadable) || !strings.Contains(err.Error(), "log in anew") {
				t.Fatal(err)
			}
			if !bytes.Equal(read(t, unreadable.Aside), bad) {
				t.Errorf("%s is not the file", unreadable.Aside)
			}
			wantKeys(t, store)
			save(t, store, "key", "two")
			wantEntry(t, store, "key", []byte("two"))
			remove(t, unreadable.Aside)
		})
	}
}

// A store that is open when its key is lost says so, too, and takes up the key that another process has made.
func TestKeyChangesMeanwhile(t *testing.T) {
	folder := t.TempDir()
	protect(t, folder)
	one, other := openStore(t, folder, nil), openStore(t, folder, nil)
	save(t, one, "key", "one")
	wantEntry(t, other, "key", []byte("one"))
	key := filepath.Join(folder, "key")
	old := read(t, key)
	remove(t, key)
	remove(t, filepath.Join(folder, "credentials"))
	save(t, one, "key", "two")
	wantEntry(t, other, "key", []byte("two"))

	// Its old name and its old key make a file readable again.
	current := read(t, key)
	write(t, key, old)
	third := openStore(t, folder, nil)
	_, err := third.Keys(testContext(t))
	var unreadable *auth.UnreadableError
	if !errors.As(err, &unreadable) {
		t.Fatal(err)
	}
	write(t, key, current)
	if err := os.Rename(unreadable.Aside, unreadable.Path); err != nil {
		t.Fatal(err)
	}
	wantEntry(t, third, "key", []byte("two"))
}

func TestUnreadableFilesAreBounded(t *testing.T) {
	folder := t.TempDir()
	protect(t, folder)
	path := filepath.Join(folder, "credentials")
	store := openStore(t, folder, nil)
	for n := range auth.MaxUnreadable + 1 {
		write(t, path, []byte{byte(n)})
		_, err := store.Keys(testContext(t))
		var unreadable *auth.UnreadableError
		if !errors.As(err, &unreadable) || (unreadable.Aside == "") != (n == auth.MaxUnreadable) {
			t.Fatal(err)
		}
	}
	if text := read(t, path); !bytes.Equal(text, []byte{auth.MaxUnreadable}) {
		t.Errorf("the file is %q", text)
	}
	remove(t, path+".unreadable-3")
	if _, err := store.Keys(testContext(t)); err == nil {
		t.Error("no error")
	}
	wantKeys(t, store)
}

// A fault of the key's source leaves the file alone.
func TestNoKeyNow(t *testing.T) {
	folder := t.TempDir()
	protect(t, folder)
	source := &fixedKey{}
	save(t, openStore(t, folder, source), "key", "one")
	locked := errors.New("the keyring is locked")
	source.err = locked
	store := openStore(t, folder, source)
	if _, err := store.Load(testContext(t), "key"); !errors.Is(err, locked) || !strings.Contains(err.Error(), folder) {
		t.Errorf("%v", err)
	}
	if err := store.Save(testContext(t), "key", nil); !errors.Is(err, locked) {
		t.Errorf("%v", err)
	}
	source.err = nil
	wantEntry(t, store, "key", []byte("one"))
	source.key = source.key[:7]
	var damaged *auth.DamagedKeyError
	if _, err := openStore(t, folder, source).Load(testContext(t), "key"); !errors.As(err, &damaged) {
		t.Errorf("%v", err)
	}
	wantFiles(t, folder, "credentials")
}

func TestDamagedFileKey(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "short": "abc", "long": strings.Repeat("x", auth.KeySize+1)} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			protect(t, folder)
			write(t, filepath.Join(folder, "key"), []byte(text))
			var damaged *auth.DamagedKeyError
			if err := openStore(t, folder, nil).Save(testContext(t), "key", nil); !errors.As(err, &damaged) || !strings.Contains(err.Error(), "remove it, and log in anew") {
				t.Errorf("%v", err)
			}
			if got := read(t, filepath.Join(folder, "key")); string(got) != text {
				t.Errorf("it is %q now", got)
			}
		})
	}
}

// A store that has nothing asks for no key: whoever has no login is not asked for the keyring's password.
func TestEmptyStoreNeedsNoKey(t *testing.T) {
	store := openStore(t, t.TempDir()+"/store", &fixedKey{err: errors.New("asked for the key")})
	wantKeys(t, store)
	wantEntry(t, store, "key", nil)
	if err := store.Delete(testContext(t), "key"); err != nil {
		t.Error(err)
	}
}

// A folder that somebody removes is made anew.
func TestFolderIsRemoved(t *testing.T) {
	folder := t.TempDir() + "/a/b"
	store := openStore(t, folder, nil)
	save(t, store, "key", "one")
	if err := os.RemoveAll(filepath.Dir(folder)); err != nil {
		t.Fatal(err)
	}
	wantEntry(t, store, "key", nil)
	save(t, store, "key", "two")
	wantEntry(t, store, "key", []byte("two"))
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
