package wasi

import "sync"

// maxEntries bounds how many resources of one kind components may hold.
const maxEntries = 1 << 16

// table gives representations to values. All kinds of resources share one table: when a component declares a
// resource to be of another kind than it is, it finds nothing under the representation, and does not get
// another instance's resource. It is safe for concurrent use.
type table struct {
	mu    sync.Mutex
	next  uint32
	of    map[uint32]entry
	count map[any]int // by kind
}

type entry struct {
	kind  any
	value any
}

func newTable() *table { return &table{of: map[uint32]entry{}, count: map[any]int{}} }

// add keeps v. ok is false when there are too many of the kind.
func (t *table) add(kind, v any) (rep uint32, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count[kind] >= maxEntries {
		return 0, false
	}
	for {
		t.next++
		if _, used := t.of[t.next]; !used {
			break
		}
	}
	t.of[t.next] = entry{kind, v}
	t.count[kind]++
	return t.next, true
}

func (t *table) get(kind any, rep uint32) (any, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.of[rep]
	return e.value, ok && e.kind == kind
}

func (t *table) remove(kind any, rep uint32) (any, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.of[rep]
	if !ok || e.kind != kind {
		return nil, false
	}
	delete(t.of, rep)
	t.count[kind]--
	return e.value, true
}
