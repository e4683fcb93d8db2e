package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// Go's collector lets a heap begin with leastHeap bytes, at its usual percentage. Here it begins with firstHeap bytes.
const (
	usualPercent = 100
	leastHeap    = 4 << 20
	firstHeap    = 64 << 20
)

// collectLater puts Go's first collection off until the heap has firstHeap bytes. A start throws little of its memory
// away, and the collector would look through all of it several times. After the first collection the collector works as
// it always does. An environment with GOGC in it decides for itself.
func collectLater() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(usualPercent * (firstHeap / leastHeap))
	runtime.AddCleanup(new([16]byte), func(int) { debug.SetGCPercent(usualPercent) }, 0)
}
