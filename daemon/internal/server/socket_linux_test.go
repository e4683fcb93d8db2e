package server

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestGuarded shows that a socket is nobody else's from its first moment on, whatever the umask is.
func TestGuarded(t *testing.T) {
	folder, err := os.MkdirTemp("", "d") // A path of a socket is short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	of := net.ListenConfig{Control: guarded(0o600)}
	listener, err := of.Listen(t.Context(), "unix", filepath.Join(folder, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if info, err := os.Stat(filepath.Join(folder, "s")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it has the mode %v, %v", info.Mode(), err)
	}
}
