package memory

import (
	"bytes"
	"testing"
)

// owner has a budget, and unlimited time.
type owner struct{ limit, left uint64 }

func (o *owner) Charge(n uint64, resource string) {
	if !o.Take(n) {
		panic(resource)
	}
}

func (o *owner) Take(n uint64) bool {
	if n > o.left {
		return false
	}
	o.left -= n
	return true
}

func (o *owner) Give(n uint64) { o.left += n }
func (o *owner) Left() uint64  { return o.left }
func (*owner) Refused()        {}
func (*owner) CheckTime()      {}

// A memory grows in place when address space can be reserved, and otherwise by moving.
func TestLinearMemory(t *testing.T) {
	const page = 1 << 16
	for name, room := range map[string][]byte{"reserved": reserve(8 * page), "moving": nil} {
		t.Run(name, func(t *testing.T) {
			budget := &owner{8 * page, 8 * page}
			m := &linear{Allocator: &Allocator{Budget: budget, Clock: budget, OnHeap: room == nil}, reserved: room, max: 8 * page}
			if b := m.Reallocate(page); len(b) != page {
				t.Fatal(len(b))
			}
			m.buf[page-1] = 7
			for size := uint64(2 * page); size <= 8*page; size += page {
				b := m.Reallocate(size)
				if uint64(len(b)) != size || b[page-1] != 7 || bytes.Count(b, []byte{0}) != len(b)-1 {
					t.Fatalf("%d bytes, not what they were, at size %d", len(b), size)
				}
				if room != nil && &b[0] != &room[0] {
					t.Error("moved")
				}
			}
			if m.Reallocate(9*page) != nil || budget.left != 0 {
				t.Errorf("more than there is, %d left", budget.left)
			}
			m.Free()
			if budget.left != budget.limit {
				t.Errorf("%d left after the end", budget.left)
			}
		})
	}
}

// Memories that begin with one image share the image. No memory sees what another writes.
func TestSharedImage(t *testing.T) {
	for name, onHeap := range map[string]bool{"mapped": false, "heap": true} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Repeat([]byte("0123456789abcdef"), 1000)
			data = append(data, make([]byte, 3*pageBytes)...)
			data = append(data, 1, 2, 3)
			im, err := ReadImage(bytes.NewReader(data), len(data), InFile)
			if err != nil {
				t.Fatal(err)
			}
			defer im.Close()
			for range 3 {
				b := &owner{1<<20 + Cost, 1<<20 + Cost}
				all := &Allocator{Budget: b, Clock: b, OnHeap: onHeap}
				all.StartWith(im)
				m := all.Allocate(1<<16, 1<<20)
				buf := m.Reallocate(1 << 16)
				if !bytes.Equal(buf[:len(data)], data) || !isZero(buf[len(data):]) {
					t.Fatal("the memory does not begin with the data")
				}
				clear(buf)
				grown := m.Reallocate(3 << 16)
				if len(grown) != 3<<16 || !isZero(grown) {
					t.Fatal("what was written is not there after growing, or the new part is not zero")
				}
				if m.Reallocate(1<<20+1<<16) != nil {
					t.Error("it grew past the limit")
				}
				m.Free()
				if b.left != 1<<20 {
					t.Errorf("%d of %d are left after the memory was freed", b.left, b.limit)
				}
			}
		})
	}
}

// A moved memory is taken over unchanged. The old core instance does not free it.
func TestMove(t *testing.T) {
	const page = 1 << 16
	b := &owner{1 << 20, 1 << 20}
	all := &Allocator{Budget: b, Clock: b}
	m := all.Allocate(page, 4*page)
	m.Reallocate(page)[7] = 7
	all.Move()
	moved := all.Allocate(page, 4*page)
	if buf := moved.Reallocate(page); buf[7] != 7 {
		t.Error("it is another memory")
	}
	all.Keep()
	m.Free()
	if buf := moved.Reallocate(2 * page); buf[7] != 7 {
		t.Error("it was freed by the core instance that was left")
	}
	moved.Free()
	if b.left != b.limit-Cost {
		t.Errorf("%d of %d are left after the end", b.left, b.limit)
	}
}
