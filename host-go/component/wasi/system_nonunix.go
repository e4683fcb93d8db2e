//go:build !unix

package wasi

import "syscall"

const nonblock = 0

// systemCode returns the code of those errors of Windows that errnos does not have.
func systemCode(e syscall.Errno) (code, bool) {
	c, ok := map[syscall.Errno]code{
		17:  "cross-device",       // ERROR_NOT_SAME_DEVICE
		32:  "busy",               // ERROR_SHARING_VIOLATION
		112: "insufficient-space", // ERROR_DISK_FULL
		123: "invalid",            // ERROR_INVALID_NAME
		145: "not-empty",          // ERROR_DIR_NOT_EMPTY
		267: "not-directory",      // ERROR_DIRECTORY
	}[e]
	return c, ok
}
