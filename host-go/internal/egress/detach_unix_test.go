//go:build unix

package egress

import (
	"os/exec"
	"syscall"
)

// detach has cmd leave the group of its parent.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
