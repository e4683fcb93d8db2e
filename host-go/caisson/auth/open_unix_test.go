//go:build unix

package auth

import "syscall"

// detached reports whether a process is in another group than this one.
func detached(pid int) bool {
	group, err := syscall.Getpgid(pid)
	return err == nil && group != syscall.Getpgrp()
}
