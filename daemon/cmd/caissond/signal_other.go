//go:build !unix

package main

import "os"

// reloadSignals are those at which the daemon reads its files again: this system has none.
var reloadSignals []os.Signal
