package wasi

import "sync"

// maxEntries bounds what components may hold of one kind of resource.
const maxEntries = 1 << 16

// table gives representations to values. It is safe for concurrent use.
type table[T any] struct {
	mu   sync.Mutex
	next uint32
	of   map[uint32]T
}

func newTable[T any]() *table[T] { return &table[T]{of: map[uint32]T{}} }

// add keeps v; ok is false when the table is full.
func (t *table[T]) add(v T) (rep uint32, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.of) >= maxEntries {
		return 0, false
	}
	for {
		t.next++
		if _, used := t.of[t.next]; !used {
			break
		}
	}
	t.of[t.next] = v
	return t.next, true
}

func (t *table[T]) get(rep uint32) (T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.of[rep]
	return v, ok
}

func (t *table[T]) remove(rep uint32) (T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.of[rep]
	delete(t.of, rep)
	return v, ok
}
