package egress

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// awaitExit waits until cmd has ended, and leaves it a zombie: its process id, and with it the id
// of its group, is not given to another until reap, so that the group can be killed safely.
func awaitExit(cmd *exec.Cmd) {
	for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// reap frees what awaitExit left. How cmd ended is in cmd.ProcessState.
func reap(cmd *exec.Cmd) { _ = cmd.Wait() }
