//go:build unix

package wasi

import "syscall"

const nonblock = syscall.O_NONBLOCK | syscall.O_NOCTTY

func systemCode(syscall.Errno) (code, bool) { return "", false }
