package memory

import (
	"bytes"
	"os"
	"testing"
)

// Only a file that tells of what was written is believed.
func TestPagemap(t *testing.T) {
	for _, name := range []string{"/dev/zero", os.DevNull, "/proc/self/none"} {
		if openPagemap(name) != nil {
			t.Error(name)
		}
	}
	if _, err := os.Stat("/proc/self/pagemap"); err == nil && pagemap() == nil {
		t.Log("the system does not tell which pages were written")
	}
}

// A memory that is rewound after its image was closed is as it began too.
func TestRewindClosed(t *testing.T) {
	const first = 1 << 16
	data := bytes.Repeat([]byte("0123456789abcdef"), first/16)
	for _, before := range []bool{true, false} {
		im, err := ReadImage(bytes.NewReader(data), len(data), InFile)
		if err != nil {
			t.Fatal(err)
		}
		budget := &owner{1 << 20, 1 << 20}
		all := &Allocator{Budget: budget, Clock: budget}
		all.StartWith(im)
		m := all.Allocate(first, 1<<18)
		buf := m.Reallocate(first)
		again := func() {
			t.Helper()
			clear(buf)
			r, ok := all.Rewind(func() { m.Reallocate(2 * first) })
			if !ok {
				t.Fatal("it cannot be rewound")
			}
			if !bytes.Equal(buf, data) {
				t.Error("it is not as it began")
			}
			all.Adopt(r)
		}
		if before {
			again() // It has read the image.
		}
		im.Close()
		again()
		m.Free()
	}
}

// A memory that begins without a page has none again.
func TestRewindEmpty(t *testing.T) {
	budget := &owner{1 << 20, 1 << 20}
	all := &Allocator{Budget: budget, Clock: budget}
	m := all.Allocate(0, 1<<18)
	m.Reallocate(0)
	m.Reallocate(1 << 16)[7] = 7
	var now []byte
	r, ok := all.Rewind(func() { now = m.Reallocate(2 << 16) })
	if !ok || len(now) != 0 {
		t.Fatalf("rewound: %t, and it has %d bytes", ok, len(now))
	}
	budget = &owner{1 << 20, 1 << 20}
	all = &Allocator{Budget: budget, Clock: budget}
	all.Adopt(r)
	if budget.left != budget.limit-Cost {
		t.Errorf("%d bytes of the budget are left", budget.left)
	}
	if grown := m.Reallocate(1 << 16); !isZero(grown) {
		t.Error("what it grows by is not zero")
	}
	m.Free()
}
