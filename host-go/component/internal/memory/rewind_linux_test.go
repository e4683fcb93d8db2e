package memory

import (
	"bytes"
	"os"
	"testing"
)

// A memory that is rewound is as it began, however much was written, and whether or not the system says where.
func TestRewind(t *testing.T) {
	told := pagemap
	t.Cleanup(func() { pagemap = told })
	const imageBytes, first, limit = 6<<20 + 100, 8 << 20, 16 << 20
	data := make([]byte, imageBytes)
	for i := range data {
		data[i] = byte(i>>12 + i)
	}
	for name, withImage := range map[string]bool{"image": true, "zeros": false} {
		for _, tells := range []bool{true, false} {
			pagemap = told
			if !tells {
				name, pagemap = name+", not told", func() *os.File { return nil }
			}
			t.Run(name, func(t *testing.T) {
				want := make([]byte, first)
				var im *Image
				if withImage {
					copy(want, data)
					var err error
					if im, err = ReadImage(bytes.NewReader(data), len(data), InFile); err != nil {
						t.Fatal(err)
					}
					defer im.Close()
				}
				budget := &owner{limit, limit}
				all := &Allocator{Budget: budget, Clock: budget}
				all.StartWith(im)
				m := all.Allocate(first, limit-Cost)
				buf := m.Reallocate(first)
				for _, written := range []int{0, 1, 5000, maxWritten, first} {
					for _, size := range []uint64{first, first + 1<<20} {
						buf = m.Reallocate(size)
						for i := 0; i < written; i++ {
							buf[i] ^= 0x5a
							buf[len(buf)-1-i] ^= 0x77
						}
						r, ok := all.Rewind(func() { buf = m.Reallocate(size + 1<<16) })
						if !ok {
							t.Fatal("it cannot be rewound")
						}
						if !bytes.Equal(buf, want) {
							t.Fatalf("%d bytes written at both ends of %d: the memory has %d bytes, or others", written, size, len(buf))
						}
						budget = &owner{limit, limit}
						all = &Allocator{Budget: budget, Clock: budget}
						all.Adopt(r)
						if budget.left != limit-Cost-first {
							t.Fatalf("%d bytes of the budget are left", budget.left)
						}
						if grown := m.Reallocate(first + 2<<20); !isZero(grown[first:]) {
							t.Fatal("what it grows by is not zero")
						}
						if r, ok = all.Rewind(func() { m.Reallocate(limit) }); !ok {
							t.Fatal("it cannot be rewound again")
						}
						budget = &owner{limit, limit}
						all = &Allocator{Budget: budget, Clock: budget}
						all.Adopt(r)
					}
				}
				m.Free()
			})
		}
	}
}

// A memory that has no mapping of its image, or was not asked for its first size, is not rewound.
func TestNotRewound(t *testing.T) {
	budget := &owner{1 << 20, 1 << 20}
	for name, all := range map[string]*Allocator{"on the heap": {OnHeap: true}, "copied": {}, "not asked": {}} {
		all.Budget, all.Clock = budget, budget
		m := all.Allocate(1<<16, 1<<18)
		m.Reallocate(1 << 16)
		m.(*linear).copied = name == "copied"
		shrink := func() { m.Reallocate(1 << 17) }
		if name == "not asked" {
			shrink = func() {}
		}
		if _, ok := all.Rewind(shrink); ok {
			t.Error(name)
		}
		m.Free()
	}
}
