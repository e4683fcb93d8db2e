package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// used is memory in megabytes. What is resident counts a page once for each mapping of it, what is
// proportional divides a page by its mappings.
type used struct{ resident, proportional, heap float64 }

// memory reads what the process uses, after a garbage collection. Only Linux says what is resident.
func memory() used {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m := used{heap: float64(stats.HeapAlloc) / 1e6}
	f, err := os.Open("/proc/self/smaps_rollup")
	if err != nil {
		return m
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kilobytes float64
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if n, _ := fmt.Sscanf(rest, "%f kB", &kilobytes); n != 1 {
			continue
		}
		switch name {
		case "Rss":
			m.resident = kilobytes * 1024 / 1e6
		case "Pss":
			m.proportional = kilobytes * 1024 / 1e6
		}
	}
	return m
}
