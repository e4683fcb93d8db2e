//go:build !race

// Package race says whether a program is built with the race detector, for the tests: it makes the same code take
// several times the time and the memory.
package race

// Enabled reports whether the race detector watches.
const Enabled = false
