package codemode

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"sync"
)

// A store has the values of an endpoint's scripts that were too long to show.
type store struct {
	room int // bytes for each principal

	mu      sync.Mutex
	shelves map[string]*shelf // by principal
}

// A shelf has what all clients of one principal keep, the oldest first.
type shelf struct {
	bytes  int
	values []*keptValue
}

// A keptValue is one value.
type keptValue struct {
	of    *kept
	name  string
	value json.RawMessage
}

func newStore(room int) *store { return &store{room: room, shelves: map[string]*shelf{}} }

// kept are the values of one client: the newest.
type kept struct {
	store      *store
	principal  string
	most, room int

	// The store's lock guards these.
	values []*keptValue // the oldest first
	bytes  int
	closed bool
}

// of makes room for a client, until close.
func (s *store) of(principal string, most, room int) *kept {
	return &kept{store: s, principal: principal, most: most, room: room}
}

// add keeps a value, in place of the client's oldest, and then of the principal's. It is not kept when there is no room
// for it alone.
func (k *kept) add(value json.RawMessage) (name string, ok bool) {
	s := k.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.closed || len(value) > k.room || len(value) > s.room {
		return "", false
	}
	for len(k.values) > 0 && (len(k.values) >= k.most || k.bytes+len(value) > k.room) {
		s.drop(k.values[0])
	}
	for own := s.shelves[k.principal]; own != nil && own.bytes+len(value) > s.room; own = s.shelves[k.principal] {
		s.drop(own.values[0])
	}
	own := s.shelves[k.principal]
	if own == nil {
		own = &shelf{}
		s.shelves[k.principal] = own
	}
	// Programs of one principal that can be asked the same are one client: no name must follow from another.
	v := &keptValue{of: k, name: "result-" + rand.Text()[:12], value: value}
	k.values, own.values = append(k.values, v), append(own.values, v)
	k.bytes += len(value)
	own.bytes += len(value)
	return v.name, true
}

// drop drops a value. The lock is held.
func (s *store) drop(v *keptValue) {
	k, own := v.of, s.shelves[v.of.principal]
	same := func(other *keptValue) bool { return other == v }
	k.values, own.values = slices.DeleteFunc(k.values, same), slices.DeleteFunc(own.values, same)
	k.bytes -= len(v.value)
	own.bytes -= len(v.value)
	if len(own.values) == 0 {
		delete(s.shelves, k.principal)
	}
}

func (k *kept) get(name string) (json.RawMessage, bool) {
	k.store.mu.Lock()
	defer k.store.mu.Unlock()
	for _, v := range k.values {
		if v.name == name {
			return v.value, true
		}
	}
	return nil, false
}

// close drops all values of the client.
func (k *kept) close() {
	k.store.mu.Lock()
	defer k.store.mu.Unlock()
	k.closed = true
	for len(k.values) > 0 {
		k.store.drop(k.values[0])
	}
}
