package memory

import (
	"runtime"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/caisson-dev/caisson/host-go/component/internal/trap"
)

// Budget is the budget of an instance, in bytes.
type Budget interface {
	// Charge takes n bytes for a resource, or traps.
	Charge(n uint64, resource string)
	// Take takes n bytes, and says whether there were so many. Give gives them back,
	// Left is how many there are.
	Take(n uint64) bool
	Give(n uint64)
	Left() uint64
	// Refused notes that a memory could not grow because Take had too few bytes.
	Refused()
}

// Clock is the time of the call that runs.
type Clock interface {
	// CheckTime traps when it is over.
	CheckTime()
}

// Allocator makes the linear memories of one instance, out of its budget. It is the
// allocator of the core runtime, and not safe for concurrent use.
type Allocator struct {
	Budget Budget
	Clock  Clock
	// OnHeap keeps memories on the Go heap.
	OnHeap bool

	start *Image // of the next memory; nil for none
	// all are the memories, in the order in which they were made; moved are those
	// that the next ones take over.
	all, moved []*linear
}

// Cost is what the Allocator charges for a memory beside its bytes.
const Cost = 2 * 512

// A process has a bounded number of mappings (Linux: 65,530). So the memories of
// an instance have address space of their own as long as they are few, or large.
const (
	reservedMemories = 100
	reservedSize     = 1 << 20
)

// maxPages is how many pages a memory has at most.
const maxPages = 65536

// StartWith sets the image that the next new memory starts with; nil for zeros.
func (a *Allocator) StartWith(im *Image) { a.start = im }

// Move makes the next memories take over the present ones, in their order: the instance moves to other
// code. Keep must follow, or the old core instances free the memories.
func (a *Allocator) Move() { a.moved, a.all = a.all, nil }

// Keep keeps the core instances of the old code, which end next, from freeing their memories.
func (a *Allocator) Keep() {
	for _, l := range a.all {
		l.kept = true
	}
}

// Allocate makes a memory of size bytes at first, and of max at most, or hands on
// one that moves. It traps when the budget does not have the size.
func (a *Allocator) Allocate(size, max uint64) experimental.LinearMemory {
	var l *linear
	if len(a.moved) > 0 {
		l, a.moved = a.moved[0], a.moved[1:]
	} else {
		a.Budget.Charge(Cost, "memory")
		if size > a.Budget.Left() {
			a.Budget.Charge(size, "memory")
		}
		l = &linear{Allocator: a, start: a.start, max: max}
		a.start = nil
		if len(a.all) < reservedMemories || size >= reservedSize {
			l.reserve(a.Budget.Left())
		}
	}
	a.all = append(a.all, l)
	return l
}

// linear is one memory.
type linear struct {
	*Allocator
	start *Image
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
func (l *linear) reserve(room uint64) {
	if l.OnHeap {
		return
	}
	if l.reserved = reserve(min(l.max, room)); l.reserved != nil {
		// For instances that nobody closes.
		l.cleanup = runtime.AddCleanup(l, release, l.reserved)
	}
}

// Reallocate grows the memory, and returns nil when the budget is used up. The new
// part is zero: memories never shrink.
func (l *linear) Reallocate(size uint64) []byte {
	old := uint64(len(l.buf))
	if size <= old {
		return l.buf // It was taken over, and has grown before.
	}
	if !l.Budget.Take(size - old) {
		l.Budget.Refused()
		return nil
	}
	switch {
	case l.reserved != nil:
		if commit(l.reserved[old:size]) != nil {
			l.Budget.Give(size - old)
			return nil
		}
		l.buf = l.reserved[:size:size]
	case size <= uint64(cap(l.buf)):
		l.buf = l.buf[:size]
	default:
		l.move(size)
	}
	if l.start != nil {
		if err := l.start.fill(l.reserved, l.buf); err != nil {
			trap.Throw(err)
		}
		l.start = nil
	}
	return l.buf
}

// move copies the memory to where there is room. A guest that does little else
// is stopped here.
func (l *linear) move(size uint64) {
	l.Clock.CheckTime()
	if old := l.buf; size >= reservedSize && old != nil {
		if l.reserve(size + l.Budget.Left()); l.reserved != nil && commit(l.reserved[:size]) == nil {
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
		capacity = min(size+size/4, size+l.Budget.Left())
	}
	grown := make([]byte, size, capacity)
	copy(grown, l.buf)
	l.buf = grown
}

// Free gives the memory back.
func (l *linear) Free() {
	if l.kept {
		l.kept = false
		return
	}
	l.Budget.Give(uint64(len(l.buf)))
	l.buf = nil
	l.release()
}

// release gives back the address space, where there is some.
func (l *linear) release() {
	if l.reserved != nil {
		l.cleanup.Stop()
		release(l.reserved)
		l.reserved = nil
	}
}

// Whole is a view of a memory as it is now.
func Whole(m api.Memory) []byte {
	size := m.Size()
	if size == 0 {
		if pages, _ := m.Grow(0); pages == maxPages {
			size = 1<<32 - 1 // 4 GiB do not fit the type; the last byte is out of reach
		}
	}
	b, _ := m.Read(0, size)
	return b
}
