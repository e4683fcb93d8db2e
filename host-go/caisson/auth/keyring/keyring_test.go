package keyring_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	library "github.com/zalando/go-keyring"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"
	"github.com/caisson-dev/caisson/host-go/internal/reference"
)

// inMemory replaces the keyring by an empty one in memory, or by one that fails.
func inMemory(t testing.TB, fault error) {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	if fault != nil {
		library.MockInitWithError(fault)
	} else {
		library.MockInit()
	}
}

func TestKey(t *testing.T) {
	inMemory(t, nil)
	ctx := testContext(t)
	if _, err := (keyring.Key{}).Key(ctx, "/a", false); !errors.Is(err, auth.ErrNoKey) {
		t.Errorf("%v", err)
	}
	one, err := keyring.Key{}.Key(ctx, "/a", true)
	if err != nil || len(one) != auth.KeySize {
		t.Fatalf("%d bytes, %v", len(one), err)
	}
	for _, create := range []bool{true, false} {
		if again, err := (keyring.Key{}).Key(ctx, "/a", create); err != nil || !bytes.Equal(again, one) {
			t.Errorf("another key (%v)", err)
		}
	}
	if other, err := (keyring.Key{}).Key(ctx, "/b", true); err != nil || bytes.Equal(other, one) {
		t.Errorf("the same key for another folder (%v)", err)
	}
}

// An item that is no key is left alone.
func TestDamagedKey(t *testing.T) {
	inMemory(t, nil)
	ctx := testContext(t)
	if _, err := (keyring.Key{}).Key(ctx, "/a", true); err != nil {
		t.Fatal(err)
	}
	const user = "credentials 6a50dc8584134c7d" // The SHA-256 of "/a" begins so.
	for _, text := range []string{"", "not base64!", "c2hvcnQ="} {
		if _, err := library.Get("caisson", user); err != nil {
			t.Fatal(err)
		}
		if err := library.Set("caisson", user, text); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.Key{}.Key(ctx, "/a", true)
		var damaged *auth.DamagedKeyError
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), user) {
			t.Errorf("%q: %v", text, err)
		}
		if kept, _ := library.Get("caisson", user); kept != text {
			t.Errorf("it is %q now", kept)
		}
	}
}

func TestOrFile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "store")
	source := keyring.OrFile()
	store, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder, Key: source})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	wantTaken := func(want keyring.Place, wantWhy bool) {
		t.Helper()
		if place, why := source.Taken(); place != want || (why != nil) != wantWhy {
			t.Errorf("it took %q because of %v, want %q", place, why, want)
		}
	}

	inMemory(t, nil)
	wantTaken(keyring.PlaceUnknown, false)
	if err := increment(ctx, store); err != nil {
		t.Fatal(err)
	}
	wantTaken(keyring.PlaceKeyring, false)

	// What is encrypted with a key in the keyring is not given up when the keyring is away.
	inMemory(t, errors.New("it is locked"))
	other, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder, Key: keyring.OrFile()})
	if err != nil {
		t.Fatal(err)
	}
	var unavailable *keyring.UnavailableError
	if err := increment(ctx, other); !errors.As(err, &unavailable) {
		t.Errorf("%v", err)
	}
	if err := increment(ctx, store); err != nil {
		t.Errorf("this process knows the key: %v", err)
	}

	// Where there is nothing yet, a file has the key,
	if err := store.Delete(ctx, "number"); err != nil {
		t.Fatal(err)
	}
	folder = filepath.Join(t.TempDir(), "store")
	source = keyring.OrFile()
	if store, err = auth.OpenFileStore(auth.FileStoreOptions{Folder: folder, Key: source}); err != nil {
		t.Fatal(err)
	}
	if err := increment(ctx, store); err != nil {
		t.Fatal(err)
	}
	wantTaken(keyring.PlaceFile, true)

	// and keeps it when the keyring is back.
	inMemory(t, nil)
	source = keyring.OrFile()
	if store, err = auth.OpenFileStore(auth.FileStoreOptions{Folder: folder, Key: source}); err != nil {
		t.Fatal(err)
	}
	if entry, err := store.Load(ctx, "number"); err != nil || string(entry) != "1" {
		t.Errorf("%q, %v", entry, err)
	}
	wantTaken(keyring.PlaceFile, false)
}

// Only a program that imports this package links what is needed for keyrings.
func TestOthersDoNotLinkIt(t *testing.T) {
	deps := func(path string) string {
		t.Helper()
		out, err := exec.CommandContext(testContext(t), "go", "list", "-deps", path).Output()
		if err != nil {
			t.Skipf("go list: %v", err)
		}
		return string(out)
	}
	const root = "github.com/caisson-dev/caisson/host-go/caisson"
	libraries := []string{"go-keyring", "dbus", "wincred"}
	if got := deps(root + "/auth/keyring"); !strings.Contains(got, libraries[0]) {
		t.Errorf("%s does not import %s: the test looks for the wrong name", root+"/auth/keyring", libraries[0])
	}
	for _, path := range []string{root, root + "/auth"} {
		got := deps(path)
		for _, name := range append(libraries, "auth/keyring") {
			if strings.Contains(got, name) {
				t.Errorf("%s imports %s", path, name)
			}
		}
	}
}

// A configuration refers to an item of the keyring, in a program that imports this package.
func TestSecret(t *testing.T) {
	inMemory(t, nil)
	ctx := testContext(t)
	if err := library.Set("my service", "a/b", "s3cret"); err != nil {
		t.Fatal(err)
	}
	if secret, err := keyring.Secret(ctx, "my service", "a/b"); err != nil || secret != "s3cret" {
		t.Errorf("%q, %v", secret, err)
	}
	if _, err := keyring.Secret(ctx, "my service", "c"); err == nil || !strings.Contains(err.Error(), `no item with the service "my service" and the name "c"`) {
		t.Errorf("%v", err)
	}
	secret, known, err := reference.Read(ctx, "keyring:my service/a/b", nil)
	if err != nil || !known || secret != "s3cret" {
		t.Errorf("%q, %v, %v", secret, known, err)
	}
	inMemory(t, errors.New("it is locked"))
	var unavailable *keyring.UnavailableError
	if _, err := keyring.Secret(ctx, "my service", "a/b"); !errors.As(err, &unavailable) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}
