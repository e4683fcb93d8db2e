package component

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// limitData leaves the process little memory beside what it has.
func limitData(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	field := regexp.MustCompile(`VmData:\s+(\d+) kB`).FindSubmatch(status)
	if field == nil {
		t.Skipf("no VmData in %s", status)
	}
	now, err := strconv.ParseUint(string(field[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	most := now<<10 + 100<<20
	limit := syscall.Rlimit{Cur: most, Max: most}
	if err := syscall.Setrlimit(unix.RLIMIT_DATA, &limit); err != nil {
		t.Skip(err)
	}
}

// Memory that the system does not give is an error of Instantiate, and -1 of
// memory.grow.
func TestWithoutMemory(t *testing.T) {
	if !inChild(t) {
		return
	}
	ctx := context.Background()
	const pages = 4096 // 256 MiB
	start := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), []byte{5, 4, 1, 0}, uleb(pages))
	// A start function that traps unless memory.grow gives -1.
	grow := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), []byte{1, 4, 1, 0x60, 0, 0}, []byte{3, 2, 1, 0}, []byte{5, 3, 1, 0, 1}, []byte{8, 1, 0},
		[]byte{10, 16, 1, 14, 0, 0x41, 0x80, 0x20, 0x40, 0, 0x41, 0x7f, 0x47, 4, 0x40, 0, 0x0b, 0x0b})
	r := testRuntime(t, nil)
	var compiled []*Compiled
	for _, module := range [][]byte{start, grow} {
		c, err := r.Compile(ctx, componentOf(module))
		if err != nil {
			t.Fatal(err)
		}
		compiled = append(compiled, c)
	}
	limitData(t)
	if _, err := compiled[0].Instantiate(ctx, nil); !errors.Is(err, syscall.ENOMEM) {
		t.Error(err)
	}
	instantiate(t, compiled[1], nil)
}
