//go:build unix && !(386 || arm || mips || mipsle)

package memory

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// reserve returns address space that commit makes memory of, and that costs
// nothing before; nil when there is none to be had.
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

// commit makes zeroed memory of a part of reserved address space.
func commit(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return unix.Mprotect(b, unix.PROT_READ|unix.PROT_WRITE)
}

// release gives back all that reserve returned; nothing may look into it any
// more. It cannot fail for such a range.
func release(b []byte) {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)))
}
