//go:build unix

package main

import (
	"os"
	"syscall"
)

// reloadSignals are those at which the daemon reads its files again.
var reloadSignals = []os.Signal{syscall.SIGHUP}
