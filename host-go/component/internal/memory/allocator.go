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
	// Take takes n bytes. It returns false when fewer are left. Give gives bytes back. Left returns how many
	// are left.
	Take(n uint64) bool
	Give(n uint64)
	Left() uint64
	// Refused notes that a memory could not grow because Take had too few bytes.
	Refused()
}

// Clock checks the time of the call that runs.
type Clock interface {
	// CheckTime traps when the time is over.
	CheckTime()
}

// Allocator makes the linear memories of one instance, and charges its budget for them. It is an allocator
// for the core runtime. It is not safe for concurrent use.
type Allocator struct {
	Budget Budget
	Clock  Clock
	// OnHeap keeps memories on the Go heap.
	OnHeap bool

	start *Image // the image of the next memory; nil for none
	// all are the memories, in the order in which they were made. moved are the memories that the next ones
	// take over.
	all, moved []*linear
}

// Cost is what the Allocator charges for a memory in addition to its bytes.
const Cost = 2 * 512

// A process may have a bounded number of mappings (Linux: 65,530). So only the first memories of an instance,
// and large ones, get their own address space.
const (
	reservedMemories = 100
	reservedSize     = 1 << 20
)

// maxPages is how many pages a memory may have.
const maxPages = 65536

// StartWith sets the image for the next new memory. nil means zeros.
func (a *Allocator) StartWith(im *Image) { a.start = im }

// Len returns how many memories there are.
func (a *Allocator) Len() int { return len(a.all) }

// Bytes returns a view of memory i, in the order in which they were made, until the memory grows.
func (a *Allocator) Bytes(i int) []byte { return a.all[i].buf }

// Move makes the next memories take over the present ones, in their order: the instance moves to other
// code. Keep must follow, or the old core instances free the memories.
func (a *Allocator) Move() { a.moved, a.all = a.all, nil }

// Keep marks the memories as kept: the core instances of the old code end next and must not free them.
func (a *Allocator) Keep() {
	for _, l := range a.all {
		l.kept = true
	}
}

// Allocate makes a memory of size bytes that may grow to max. After Move it returns a moved memory instead.
// It traps when the budget has fewer than size bytes left.
func (a *Allocator) Allocate(size, max uint64) experimental.LinearMemory {
	var l *linear
	if len(a.moved) > 0 {
		l, a.moved = a.moved[0], a.moved[1:]
	} else {
		a.Budget.Charge(Cost, "memory")
		if size > a.Budget.Left() {
			a.Budget.Charge(size, "memory")
		}
		l = &linear{Allocator: a, start: a.start, image: a.start, first: size, max: max}
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
	max   uint64 // its largest size, in bytes
	// reserved is address space in which the memory grows without moving. Moving a large memory would take
	// long and could not be interrupted. reserved is nil on platforms without it, and for a memory on the
	// heap.
	reserved []byte
	cleanup  runtime.Cleanup
	// kept says that the core instance must not free the memory when it ends.
	kept bool
	// image is what the memory began with; nil for zeros. copied says that it was copied, and not mapped. first is
	// the memory's first size, and grown its largest. rewinding says that it is to have its first size again.
	image             *Image
	copied, rewinding bool
	first, grown      uint64
}

// reserve reserves address space for the memory and up to room bytes of it.
func (l *linear) reserve(room uint64) {
	if l.OnHeap {
		return
	}
	if l.reserved = reserve(min(l.max, room)); l.reserved != nil {
		// The cleanup is for instances that nobody closes.
		l.cleanup = runtime.AddCleanup(l, release, l.reserved)
	}
}

// Reallocate grows the memory. It returns nil when the budget is used up. The new part is zero: memories
// never shrink.
func (l *linear) Reallocate(size uint64) []byte {
	old := uint64(len(l.buf))
	if l.rewinding {
		l.rewinding = false
		l.buf = l.buf[:l.first:l.first]
		return l.buf
	}
	if size <= old {
		return l.buf // The memory was taken over after it had grown.
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
		mapped, err := l.start.fill(l.reserved, l.buf)
		if err != nil {
			trap.Throw(err)
		}
		l.copied, l.start = !mapped, nil
	}
	l.grown = max(l.grown, size)
	return l.buf
}

// move copies the memory to a larger place. It checks the time, to stop a guest that does little else.
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
	// The new place has room for a quarter more, so that growing page by page does not copy the memory each
	// time.
	capacity := size
	if l.buf != nil {
		capacity = min(size+size/4, size+l.Budget.Left())
	}
	grown := make([]byte, size, capacity)
	copy(grown, l.buf)
	l.buf = grown
}

// Free frees the memory.
func (l *linear) Free() {
	if l.kept {
		l.kept = false
		return
	}
	l.Budget.Give(uint64(len(l.buf)))
	l.buf = nil
	l.release()
}

// release frees the address space, if there is any.
func (l *linear) release() {
	if l.reserved != nil {
		l.cleanup.Stop()
		release(l.reserved)
		l.reserved = nil
	}
}

// Whole returns a view of the current memory.
func Whole(m api.Memory) []byte {
	size := m.Size()
	if size == 0 {
		if pages, _ := m.Grow(0); pages == maxPages {
			size = 1<<32 - 1 // 4 GiB do not fit the type, so the view lacks the last byte
		}
	}
	b, _ := m.Read(0, size)
	return b
}
