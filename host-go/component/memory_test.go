package component

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

// A memory grows in place where address space can be reserved, and by moving
// where not.
func TestLinearMemory(t *testing.T) {
	const page = 1 << 16
	for name, room := range map[string][]byte{"reserved": reserve(8 * page), "moving": nil} {
		t.Run(name, func(t *testing.T) {
			budget := &budget{limit: 8 * page, left: 8 * page}
			m := &linearMemory{memories: &memories{budget: budget, time: &meter{}, onHeap: room == nil}, reserved: room, max: 8 * page}
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

func TestCallDepth(t *testing.T) {
	in := testInstance(t, &Config{Limits: Limits{CallDepth: 3}}, "chain.wasm", nil)
	if got := call(t, in, "f"); got != uint32(10) {
		t.Fatal(got)
	}
	in = testInstance(t, &Config{Limits: Limits{CallDepth: 2}}, "chain.wasm", nil)
	_, err := in.ExportedFunction("f").Call(context.Background())
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Resource != "call depth" || limit.Limit != 2 {
		t.Fatal(err)
	}
}
