//go:build unix

package egress

import (
	"os"
	"syscall"
)

// writeDirect returns a function that writes as much to a pipe as it can without waiting: nothing
// also for an error, which whoever waits for the pipe will see.
func writeDirect(file *os.File) func([]byte) int {
	conn, err := file.SyscallConn()
	if err != nil {
		return nil
	}
	return func(b []byte) (n int) {
		_ = conn.Write(func(fd uintptr) bool {
			n, _ = syscall.Write(int(fd), b)
			return true
		})
		return max(n, 0)
	}
}
