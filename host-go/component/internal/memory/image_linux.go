package memory

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const mapNoReserve = unix.MAP_NORESERVE

// newFile makes a file in memory that only this process has. Instances share the file by copy on write.
// Another process could shorten a shared file while it is mapped, which would end this process.
func newFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("component-memory", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "component-memory"), nil
}

// mapImage maps a private copy of the file at the beginning of a region.
func mapImage(region []byte, f *os.File, size int) bool {
	if f == nil || len(region) < size {
		return false
	}
	_, err := unix.MmapPtr(int(f.Fd()), 0, unsafe.Pointer(unsafe.SliceData(region)), uintptr(size),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	return err == nil
}
