//go:build unix

package auth

import (
	"os/exec"
	"syscall"
)

// errInUse is that somebody listens on a port.
const errInUse = syscall.EADDRINUSE

// detach keeps an interrupt at the terminal, and the terminal's end, from the browser.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
