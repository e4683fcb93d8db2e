//go:build unix

package server

import "syscall"

// refused is the error of a socket at which nobody listens.
const refused = syscall.ECONNREFUSED

// guarded has a socket with a path be of a mode from its first moment on, where the system takes the mode from the
// descriptor, as Linux does: else others could connect until the mode of the file is changed.
func guarded(mode uint32) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), mode) })
	}
}
