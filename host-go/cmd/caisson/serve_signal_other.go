//go:build !unix

package main

import "os"

// reloadSignals are none here: the file is looked at.
var reloadSignals []os.Signal
