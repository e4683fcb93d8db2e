package closedport

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

func TestAddress(t *testing.T) {
	for range 100 {
		address := Address(t)
		if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("%v, %v", conn, err)
		}
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			t.Fatal("another can listen there")
		}
	}
}
