package component

import (
	"runtime"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// memoryBudget gives the memories of an instance out of one allowance.
type memoryBudget struct {
	limit, left uint64
	time        *meter
	// start is what the next memory starts with, moved a memory that the next
	// one takes over; nil for none.
	start *image
	moved *linearMemory
	// onHeap keeps memories on the Go heap.
	onHeap bool
	// all are the memories, in the order in which they were made.
	all []*linearMemory
}

// Allocate makes a memory of size bytes at first, and of max at most. A start
// beyond the allowance ends the instantiation.
func (m *memoryBudget) Allocate(size, max uint64) experimental.LinearMemory {
	l := m.moved
	if l != nil {
		m.moved = nil
	} else {
		if size > m.left {
			throw(&LimitError{Resource: "memory", Limit: m.limit})
		}
		l = &linearMemory{budget: m, start: m.start}
		m.start = nil
		if !m.onHeap {
			l.reserve(min(max, m.left))
		}
	}
	m.all = append(m.all, l)
	return l
}

// linearMemory is one memory.
type linearMemory struct {
	budget *memoryBudget
	start  *image
	buf    []byte
	// reserved is address space to grow in without moving, which would take long
	// for a large memory and could not be interrupted. It is nil where the platform
	// has none to give, and for a memory on the heap.
	reserved []byte
	cleanup  runtime.Cleanup
	// kept says that the core instance that ends is not to free it.
	kept bool
}

func (l *linearMemory) reserve(size uint64) {
	if l.reserved = reserve(size); l.reserved != nil {
		// For instances that nobody closes.
		l.cleanup = runtime.AddCleanup(l, release, l.reserved)
	}
}

// Reallocate grows the memory, nil when the allowance is used up. The new part
// is zero: memories never shrink.
func (l *linearMemory) Reallocate(size uint64) []byte {
	old := uint64(len(l.buf))
	if size <= old {
		return l.buf // It was taken over, and has grown before.
	}
	if size-old > l.budget.left {
		return nil
	}
	switch {
	case l.reserved != nil:
		if commit(l.reserved[old:size]) != nil {
			return nil
		}
		l.buf = l.reserved[:size:size]
	case size <= uint64(cap(l.buf)):
		l.buf = l.buf[:size]
	default:
		l.move(size)
	}
	l.budget.left -= size - old
	if l.start != nil {
		l.start.fill(l.reserved, l.buf)
		l.start = nil
	}
	return l.buf
}

// move copies the memory to where there is room. A guest that does little else
// is stopped here.
func (l *linearMemory) move(size uint64) {
	l.budget.time.checkTime()
	// A quarter more than asked for, so that growing page by page does not copy
	// the memory each time.
	capacity := size
	if l.buf != nil {
		capacity = min(size+size/4, uint64(len(l.buf))+l.budget.left)
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
	l.budget.left += uint64(len(l.buf))
	l.buf = nil
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
