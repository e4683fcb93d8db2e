//go:build unix

package main

import (
	"os"
	"syscall"
)

// reloadSignals ask to read the configuration again.
var reloadSignals = []os.Signal{syscall.SIGHUP}
