// Package footprint measures the process, for tests that find what is left behind. Go's heap does not have the
// memories of sandboxes.
package footprint

import (
	"fmt"
	"os"
)

// AddressSpace returns the size of the process in bytes, memory that is only reserved included; 0 where the system
// does not report it.
func AddressSpace() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var pages uint64
	_, _ = fmt.Sscan(string(b), &pages)
	return pages * uint64(os.Getpagesize())
}
