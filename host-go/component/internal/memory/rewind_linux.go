package memory

import (
	"encoding/binary"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rewind puts the contents of the memory back to how they began.
func (l *linear) rewind() bool {
	grown := l.reserved[l.first:l.grown]
	l.grown = l.first
	if forget(grown) != nil {
		return false
	}
	memory := l.reserved[:l.first]
	pages, known := writtenPages(memory)
	source, err := l.image.contents()
	if !known || err != nil || len(pages)*pageSize > maxWritten {
		return forget(memory) == nil
	}
	for _, at := range pages {
		page := memory[at : at+pageSize]
		n := 0
		if at < len(source) {
			n = copy(page, source[at:])
		}
		clear(page[n:])
	}
	return true
}

// forget gives written pages back to the system: they are the image's again, or zero. It takes less time to put
// back the contents of some pages than to have them anew, by a fault for each.
func forget(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return unix.Madvise(b, unix.MADV_DONTNEED)
}

var (
	pageSize = os.Getpagesize()
	// pagemap is the file that says of each page of the process what it is; nil where there is no such file.
	pagemap = sync.OnceValue(func() *os.File {
		f, _ := os.Open("/proc/self/pagemap")
		return f
	})
)

// The bits of an entry of pagemap (proc_pid_pagemap(5)).
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageOfFile  = 1 << 61
)

// writtenPages returns where the pages of b begin that are not the file's: those that were written. known is false
// when the system does not tell.
func writtenPages(b []byte) (pages []int, known bool) {
	f := pagemap()
	if f == nil {
		return nil, false
	}
	first := uintptr(unsafe.Pointer(unsafe.SliceData(b))) / uintptr(pageSize)
	buf := make([]byte, 16<<10)
	for page, all := 0, len(b)/pageSize; page < all; {
		entries := buf[:min(len(buf), (all-page)*8)]
		if _, err := f.ReadAt(entries, (int64(first)+int64(page))*8); err != nil {
			return nil, false
		}
		for ; len(entries) > 0; entries = entries[8:] {
			entry := binary.NativeEndian.Uint64(entries)
			if entry&(pagePresent|pageSwapped) != 0 && entry&pageOfFile == 0 {
				pages = append(pages, page*pageSize)
			}
			page++
		}
	}
	return pages, true
}

// contents returns the image. Nobody may write to it.
func (im *Image) contents() ([]byte, error) {
	if im == nil {
		return nil, nil
	}
	im.once.Do(func() {
		im.mapped, im.err = unix.Mmap(int(im.file.Fd()), 0, im.size, unix.PROT_READ, unix.MAP_SHARED)
	})
	return im.mapped, im.err
}

func (im *Image) unmap() {
	if im.mapped != nil {
		_ = unix.Munmap(im.mapped)
	}
}
