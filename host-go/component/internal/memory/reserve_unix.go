//go:build unix && !(386 || arm || mips || mipsle)

package memory

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// reserve returns address space that costs nothing until commit turns it into memory. It returns nil when the
// system gives none.
func reserve(size uint64) []byte {
	if size == 0 {
		return nil
	}
	at, err := unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|mapNoReserve)
	if err != nil {
		return nil
	}
	return unsafe.Slice((*byte)(at), size)
}

// commit turns a part of reserved address space into zeroed memory.
func commit(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return unix.Mprotect(b, unix.PROT_READ|unix.PROT_WRITE)
}

// release frees all that reserve returned. Nothing may use it after that. It cannot fail for such a range.
func release(b []byte) {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)))
}
