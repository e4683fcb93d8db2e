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
	if known && len(pages)*pageSize <= maxWritten && l.image.copyTo(memory, pages) {
		return true
	}
	return forget(memory) == nil
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
	pagemap = sync.OnceValue(func() *os.File { return openPagemap("/proc/self/pagemap") })
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
	if f := pagemap(); f != nil {
		return writtenSays(f, b)
	}
	return nil, false
}

// openPagemap opens the file, if it tells of a page that was written that it was. An emulator of processors gives
// the file of its own process, where the addresses are others.
func openPagemap(name string) *os.File {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	page := reserve(uint64(pageSize))
	defer release(page)
	if commit(page) == nil && page != nil {
		page[0] = 1
		if pages, known := writtenSays(f, page); known && len(pages) == 1 {
			return f
		}
	}
	_ = f.Close()
	return nil
}

func writtenSays(f *os.File, b []byte) (pages []int, known bool) {
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

// copyTo puts the contents of pages of a memory back. It returns false, and does nothing, when the image is closed
// or cannot be mapped. A nil image is zeros.
func (im *Image) copyTo(memory []byte, pages []int) bool {
	var source []byte
	if im != nil {
		if !im.open() {
			return false
		}
		defer im.mu.RUnlock()
		source = im.mapped
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

// open maps the image, and locks it for reading. It returns false, and locks nothing, when it cannot.
func (im *Image) open() bool {
	im.mu.RLock()
	if im.mapped != nil {
		return true
	}
	im.mu.RUnlock()
	im.mu.Lock()
	if im.mapped == nil && !im.closed {
		im.mapped, _ = unix.Mmap(int(im.file.Fd()), 0, im.size, unix.PROT_READ, unix.MAP_SHARED)
	}
	im.mu.Unlock()
	im.mu.RLock()
	if im.mapped == nil {
		im.mu.RUnlock()
		return false
	}
	return true
}

func (im *Image) unmap() {
	if im.mapped != nil {
		_ = unix.Munmap(im.mapped)
		im.mapped = nil
	}
}
