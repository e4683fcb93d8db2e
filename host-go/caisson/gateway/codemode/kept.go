package codemode

import (
	"encoding/json"
	"strconv"
	"sync"
)

// kept are values of one client's scripts that were too long to show: the newest.
type kept struct {
	most, room int

	mu     sync.Mutex
	values map[string]json.RawMessage
	order  []string
	bytes  int
	last   int
}

func newKept(most, room int) *kept {
	return &kept{most: most, room: room, values: map[string]json.RawMessage{}}
}

// add keeps a value. It is not kept when there is no room for it alone.
func (k *kept) add(value json.RawMessage) (name string, ok bool) {
	if len(value) > k.room {
		return "", false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.order) > 0 && (len(k.order) >= k.most || k.bytes+len(value) > k.room) {
		k.bytes -= len(k.values[k.order[0]])
		delete(k.values, k.order[0])
		k.order = k.order[1:]
	}
	k.last++
	name = "result-" + strconv.Itoa(k.last)
	k.values[name] = value
	k.order = append(k.order, name)
	k.bytes += len(value)
	return name, true
}

func (k *kept) get(name string) (json.RawMessage, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	value, ok := k.values[name]
	return value, ok
}
