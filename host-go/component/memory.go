package component

import (
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// memoryBudget gives the memories of an instance out of one allowance.
type memoryBudget struct {
	limit, left uint64
	time        *meter
}

// Allocate makes a memory of size bytes at first, and of max at most. A start
// beyond the allowance ends the instantiation.
func (m *memoryBudget) Allocate(size, max uint64) experimental.LinearMemory {
	if size > m.left {
		throw(&LimitError{Resource: "memory", Limit: m.limit})
	}
	return &linearMemory{budget: m, reserved: reserve(min(max, m.left))}
}

// linearMemory is one memory.
type linearMemory struct {
	budget *memoryBudget
	buf    []byte
	// reserved is address space to grow in without moving, which would take long
	// for a large memory and could not be interrupted. It is nil where the platform
	// has none to give.
	reserved []byte
}

// Reallocate grows the memory, nil when the allowance is used up. The new part
// is zero: memories never shrink.
func (l *linearMemory) Reallocate(size uint64) []byte {
	more := size - uint64(len(l.buf))
	if more > l.budget.left {
		return nil
	}
	switch {
	case l.reserved != nil:
		if commit(l.reserved[len(l.buf):size]) != nil {
			return nil
		}
		l.buf = l.reserved[:size:size]
	case size <= uint64(cap(l.buf)):
		l.buf = l.buf[:size]
	default:
		l.move(size)
	}
	l.budget.left -= more
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
	l.budget.left += uint64(len(l.buf))
	if l.reserved != nil {
		release(l.reserved)
	}
	l.buf, l.reserved = nil, nil
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
