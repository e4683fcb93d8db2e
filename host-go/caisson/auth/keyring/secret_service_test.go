//go:build linux

package keyring_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"
	"github.com/caisson-dev/caisson/host-go/internal/sessionbus"
)

// silentBus is a bus that takes connections and never says anything.
func silentBus(t testing.TB) (address string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			if _, err := listener.Accept(); err != nil {
				return
			}
		}
	}()
	return "DBUS_SESSION_BUS_ADDRESS=unix:path=" + path
}

func TestBusThatNeverAnswers(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "store")
	env := environment(silentBus(t))
	said, err := run(t, "asks", folder, env)
	if err != nil || !strings.Contains(said, "it did not answer within "+childTimeout.String()) {
		t.Errorf("%s (%v)", said, err)
	}
	said, err = run(t, "or file", folder, env)
	if err != nil || !strings.HasPrefix(said, string(keyring.PlaceFile)) || !strings.Contains(said, "did not answer") {
		t.Errorf("%s (%v)", said, err)
	}
}

// Without a bus it is known at once, and none is started.
func TestNoBus(t *testing.T) {
	runtime := fmt.Sprintf("/run/user/%d", os.Getuid())
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(filepath.Join(runtime, name)); err == nil {
			t.Skipf("%s has a session bus", runtime)
		}
	}
	bin := t.TempDir()
	launched := filepath.Join(bin, "launched")
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte("#!/bin/sh\ntouch "+launched+"\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"", "autolaunch:"} {
		said, err := run(t, "asks", filepath.Join(t.TempDir(), "store"), environment("PATH="+bin+":"+os.Getenv("PATH"), "DBUS_SESSION_BUS_ADDRESS="+address))
		if err != nil || !strings.Contains(said, "there is no session bus") {
			t.Errorf("%s (%v)", said, err)
		}
		if _, err := os.Stat(launched); err == nil {
			t.Error("it started a bus")
		}
	}
}

// TestSecretService runs itself under a session bus of its own, with a GNOME Keyring of its own.
func TestSecretService(t *testing.T) {
	if !sessionbus.Own(t) {
		return
	}
	folder := filepath.Join(t.TempDir(), "store")
	env := environment("DBUS_SESSION_BUS_ADDRESS=" + os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	// unusable wants the keyring to be unavailable in time, and a new store to have its key in a file.
	unusable := func(t *testing.T) (why string) {
		t.Helper()
		why, err := run(t, "asks", folder, env)
		t.Log(why)
		if err != nil {
			t.Error(err)
		}
		said, err := run(t, "or file", filepath.Join(t.TempDir(), "store"), env)
		if err != nil || !strings.HasPrefix(said, string(keyring.PlaceFile)) {
			t.Errorf("%s (%v)", said, err)
		}
		return why
	}
	t.Run("a bus without a keyring", func(t *testing.T) {
		if said := unusable(t); !strings.Contains(said, notThere) {
			t.Error(said)
		}
	})
	t.Run("a keyring that nobody has made", func(t *testing.T) {
		startKeyring(t, env, false)
		unusable(t)
	})
	t.Run("eight processes make one key", func(t *testing.T) {
		startKeyring(t, env, true)
		const processes = 8
		ended := make(chan error, processes)
		for range processes {
			go func() {
				_, err := run(t, "increments", folder, env)
				ended <- err
			}()
		}
		for range processes {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		store, err := auth.OpenFileStore(auth.FileStoreOptions{Folder: folder, Key: keyring.Key{Timeout: patience}})
		if err != nil {
			t.Fatal(err)
		}
		entry, err := store.Load(testContext(t), "number")
		if err != nil || string(entry) != strconv.Itoa(processes*childCounts) {
			t.Errorf("%s, %v", entry, err)
		}
		if _, err := os.Stat(filepath.Join(folder, "key")); err == nil {
			t.Error("there is a key in a file")
		}
		said, err := run(t, "or file", folder, env)
		if err != nil || said != "keyring <nil>" {
			t.Errorf("%s (%v)", said, err)
		}
	})
	t.Run("locked, and nobody can be asked for the password", func(t *testing.T) {
		startKeyring(t, env, false)
		unusable(t)
		said, err := run(t, "or file", folder, env)
		if err == nil || !strings.Contains(err.Error(), "keyring cannot be used") {
			t.Errorf("%s (%v)", said, err)
		}
		if _, err := os.Stat(filepath.Join(folder, "key")); err == nil {
			t.Error("there is a key in a file")
		}
	})
	t.Run("unlocked again", func(t *testing.T) {
		startKeyring(t, env, true)
		if said, err := run(t, "or file", folder, env); err != nil || said != "keyring <nil>" {
			t.Errorf("%s (%v)", said, err)
		}
	})
}

// startKeyring starts a keyring, with the password that unlocks it or without, and waits until it is there.
func startKeyring(t *testing.T, env []string, unlock bool) {
	t.Helper()
	sessionbus.StartKeyring(t, unlock)
	ctx := testContext(t)
	for {
		said, err := run(t, "or file", filepath.Join(t.TempDir(), "store"), env)
		if err != nil {
			t.Fatal(err)
		}
		if unlock && said == "keyring <nil>" || !unlock && !strings.Contains(said, notThere) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("the keyring is not ready: %s", said)
		}
	}
}

// notThere is what the bus says while nobody is the Secret Service.
const notThere = "The name org.freedesktop.secrets was not provided"
