//go:build unix && !(386 || arm || mips || mipsle)

package component

import "golang.org/x/sys/unix"

// reserve returns address space that commit makes memory of; nil when there is
// none to be had.
func reserve(size uint64) []byte {
	if size == 0 {
		return nil
	}
	b, err := unix.Mmap(-1, 0, int(size), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return b
}

// commit makes zeroed memory of a part of reserved address space.
func commit(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return unix.Mprotect(b, unix.PROT_READ|unix.PROT_WRITE)
}

// release gives back all that reserve returned. It cannot fail for such a range.
func release(b []byte) { _ = unix.Munmap(b) }
