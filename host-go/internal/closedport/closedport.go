// Package closedport has, for tests, addresses that refuse connections.
package closedport

import (
	"net"
	"testing"
)

// Address returns an address of loopback, for the length of a test, that refuses connections. A
// connection has its port, so that no other process can come to listen there.
func Address(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	holder, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Close() })
	other, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return holder.LocalAddr().String()
}
