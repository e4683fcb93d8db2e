package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync"
	"time"
)

// tasks are the tasks that servers have begun for clients, by principal and by the id that the client has. Another
// principal's task is not there.
type tasks struct {
	most, mostOfOne int
	idle            time.Duration

	mu  sync.Mutex
	all map[taskKey]*task
	own map[string]int // by principal, with those that are about to begin
	sum int
}

type taskKey struct{ principal, id string }

// A task is one of a server's.
type task struct {
	server string
	own    string // the server's id
	link   *link  // that has begun it: a command's tasks are its own; nil for one that the gateway follows
	run    *run   // what the gateway follows; nil for a task of the server's
	seen   time.Time
	over   bool // and its client has seen that
}

func newTasks(most, mostOfOne int, idle time.Duration) *tasks {
	return &tasks{most: most, mostOfOne: mostOfOne, idle: idle, all: map[taskKey]*task{}, own: map[string]int{}}
}

// reserve has room for a task that may begin; where there is none, the call is to be awaited. The caller calls begin or
// free.
func (t *tasks) reserve(principal string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	full := func() bool { return t.own[principal] >= t.mostOfOne || t.sum >= t.most }
	if full() {
		for key, one := range t.all {
			if one.over || time.Since(one.seen) > t.idle {
				t.remove(key)
			}
		}
	}
	if full() {
		return false
	}
	t.own[principal]++
	t.sum++
	return true
}

// free gives room back. The lock is held.
func (t *tasks) free(principal string) {
	t.sum--
	if t.own[principal]--; t.own[principal] == 0 {
		delete(t.own, principal)
	}
}

// none gives the room back of a call that has begun no task.
func (t *tasks) none(principal string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free(principal)
}

// room reports whether there is room for another task.
func (t *tasks) room(principal string) bool {
	if !t.reserve(principal) {
		return false
	}
	t.none(principal)
	return true
}

func (t *tasks) remove(key taskKey) {
	if one := t.all[key]; one.run != nil {
		one.run.stop()
	}
	delete(t.all, key)
	t.free(key.principal)
}

// begin notes a task in the room that was reserved, and returns the id that the client has.
func (t *tasks) begin(principal string, one *task) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	one.seen = time.Now()
	id := taskID(one.server, one.own)
	for n := 2; ; n++ {
		key := taskKey{principal, id}
		other := t.all[key]
		if other != nil && other.link == one.link { // The server has begun another one in its place.
			t.remove(key)
			other = nil
		}
		if other == nil {
			t.all[key] = one
			return id
		}
		// Two sessions of the server count their tasks alike.
		id = taskID(one.server, one.own) + "~" + strconv.Itoa(n)
	}
}

// maxTaskID bounds a server's id that a client gets as it is, in bytes.
const maxTaskID = 256

// taskID is the id that a client has: the server's name, "__" and the server's own, or the SHA-256 of one that is long.
func taskID(server, own string) string {
	if len(own) > maxTaskID {
		sum := sha256.Sum256([]byte(own))
		own = hex.EncodeToString(sum[:])
	}
	return server + separator + own
}

// find finds a task of the principal's; nil when it has none of this id.
func (t *tasks) find(principal, id string) *task {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.all[taskKey{principal, id}]
	if one != nil {
		one.seen = time.Now()
	}
	return one
}

// end notes that the client has seen the end of a task.
func (t *tasks) end(one *task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one.over = true
}
