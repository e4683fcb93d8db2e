package component

import (
	"runtime"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// memories are the linear memories of an instance, which come out of its budget.
type memories struct {
	budget *budget
	time   *meter
	// start is what the next memory starts with, moved a memory that the next
	// one takes over; nil for none.
	start *image
	moved *linearMemory
	// onHeap keeps memories on the Go heap.
	onHeap bool
	// all are the memories, in the order in which they were made.
	all []*linearMemory
}

// A process has a bounded number of mappings (Linux: 65,530). So the memories of
// an instance have address space of their own as long as they are few, or large.
const (
	reservedMemories = 100
	reservedSize     = 1 << 20
)

// Allocate makes a memory of size bytes at first, and of max at most. A start
// beyond the budget ends the instantiation.
func (m *memories) Allocate(size, max uint64) experimental.LinearMemory {
	l := m.moved
	if l != nil {
		m.moved = nil
	} else {
		m.budget.charge(memoryCost, "memory")
		if size > m.budget.left {
			throw(&LimitError{Resource: "memory", Limit: m.budget.limit})
		}
		l = &linearMemory{memories: m, start: m.start, max: max}
		m.start = nil
		if len(m.all) < reservedMemories || size >= reservedSize {
			l.reserve(m.budget.left)
		}
	}
	m.all = append(m.all, l)
	return l
}

// linearMemory is one memory.
type linearMemory struct {
	*memories
	start *image
	buf   []byte
	max   uint64 // that it may be, in bytes
	// reserved is address space to grow in without moving, which would take long
	// for a large memory and could not be interrupted. It is nil where the platform
	// has none to give, and for a memory on the heap.
	reserved []byte
	cleanup  runtime.Cleanup
	// kept says that the core instance that ends is not to free it.
	kept bool
}

// reserve reserves address space for the memory and up to room bytes of it.
func (l *linearMemory) reserve(room uint64) {
	if l.onHeap {
		return
	}
	if l.reserved = reserve(min(l.max, room)); l.reserved != nil {
		// For instances that nobody closes.
		l.cleanup = runtime.AddCleanup(l, release, l.reserved)
	}
}

// Reallocate grows the memory, nil when the budget is used up. The new part
// is zero: memories never shrink.
func (l *linearMemory) Reallocate(size uint64) []byte {
	old := uint64(len(l.buf))
	if size <= old {
		return l.buf // It was taken over, and has grown before.
	}
	if !l.budget.take(size - old) {
		l.budget.refused = true
		return nil
	}
	switch {
	case l.reserved != nil:
		if commit(l.reserved[old:size]) != nil {
			l.budget.give(size - old)
			return nil
		}
		l.buf = l.reserved[:size:size]
	case size <= uint64(cap(l.buf)):
		l.buf = l.buf[:size]
	default:
		l.move(size)
	}
	if l.start != nil {
		l.start.fill(l.reserved, l.buf)
		l.start = nil
	}
	return l.buf
}

// move copies the memory to where there is room. A guest that does little else
// is stopped here.
func (l *linearMemory) move(size uint64) {
	l.time.checkTime()
	if old := l.buf; size >= reservedSize && old != nil {
		if l.reserve(size + l.budget.left); l.reserved != nil && commit(l.reserved[:size]) == nil {
			l.buf = l.reserved[:size:size]
			copy(l.buf, old)
			return
		}
		l.release()
	}
	// A quarter more than asked for, so that growing page by page does not copy
	// the memory each time.
	capacity := size
	if l.buf != nil {
		capacity = min(size+size/4, size+l.budget.left)
	}
	grown := make([]byte, size, capacity)
	copy(grown, l.buf)
	l.buf = grown
}

// Free gives the memory back.
func (l *linearMemory) Free() {
	if l.kept {
		l.kept = false
		return
	}
	l.budget.give(uint64(len(l.buf)))
	l.buf = nil
	l.release()
}

// release gives back the address space, where there is some.
func (l *linearMemory) release() {
	if l.reserved != nil {
		l.cleanup.Stop()
		release(l.reserved)
		l.reserved = nil
	}
}

// wholeMemory is a view of the memory as it is now.
func wholeMemory(m api.Memory) []byte {
	size := m.Size()
	if size == 0 {
		if pages, _ := m.Grow(0); pages == maxMemoryPages {
			size = 1<<32 - 1 // 4 GiB do not fit the type; the last byte is out of reach
		}
	}
	b, _ := m.Read(0, size)
	return b
}
