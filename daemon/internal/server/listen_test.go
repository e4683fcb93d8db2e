package server

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestGivenSockets refuses sockets that take no connections.
func TestGivenSockets(t *testing.T) {
	d := start(t, "")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Listen(t.Context(), []net.Listener{listener, nil}); err == nil || !strings.Contains(err.Error(), "socket 2") {
		t.Errorf("%v", err)
	}
	if err := listener.Close(); err == nil {
		t.Error("the other socket was left open")
	}
}

// TestStaleSocket shows that a socket is removed only where nobody listens at it.
func TestStaleSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no other sockets with a path")
	}
	folder, err := os.MkdirTemp("", "d") // A path of a socket is short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := removeStale(path); err == nil {
		t.Error("a socket of a process that listens is removed")
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	if err := removeStale(path); err != nil {
		t.Errorf("a stale one: %v", err)
	}
	other, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := removeStale(path); err == nil {
		t.Error("a socket of another kind is removed")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
