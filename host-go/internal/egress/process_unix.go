//go:build unix

package egress

import (
	"os"
	"os/exec"
	"syscall"
)

// group is the process group that a command leads, by its id.
type group int

// setGroup has cmd start in a group of its own.
func setGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func newGroup(leader *os.Process) group { return group(leader.Pid) }

func (g group) terminate() { _ = syscall.Kill(-int(g), syscall.SIGTERM) }

func (g group) kill() { _ = syscall.Kill(-int(g), syscall.SIGKILL) }

func (g group) release() {}
