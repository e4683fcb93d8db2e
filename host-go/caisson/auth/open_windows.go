package auth

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// errInUse is that somebody listens on a port.
const errInUse = windows.WSAEADDRINUSE

// detach keeps an interrupt at the console from the browser.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}
