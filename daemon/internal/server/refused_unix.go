//go:build unix

package server

import "syscall"

// refused is the error of a socket at which nobody listens.
const refused = syscall.ECONNREFUSED
