package gateway

import (
	"encoding/json"
	"strings"
	"sync"
)

// The most that waits for one client that does not read: a server may tell of more than a client takes.
const mostWaiting, mostWaitingBytes = 1024, 4 << 20

// An outbox has the notifications that wait until a client has read those before them. Who tells a client of something
// does not wait for the client: a new policy is for all, and one client that does not read would keep it from the
// others. The zero value is empty.
type outbox struct {
	mu      sync.Mutex
	waiting []notification
	known   map[string]struct{} // the keys of those that wait
	bytes   int
	sending bool
	full    bool
}

type notification struct {
	method string
	text   json.RawMessage
}

// always reports whether a notification must not be lost. There are few of them: of each list one.
func (n *notification) always() bool { return strings.HasSuffix(n.method, "/list_changed") }

// key is what a client need not hear twice while it has yet to hear it once; "" for what is news each time.
func (n *notification) key() string {
	switch {
	case n.always():
		return n.method
	case n.method == resourceUpdated:
		return n.method + " " + uriOf(n.text)
	}
	return ""
}

// put has a notification delivered after those that wait. It reports true where it is the first for which there was no
// room: it is lost, as are those after it until the client reads.
func (o *outbox) put(n notification, deliver func(notification)) (full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := n.key()
	if _, there := o.known[key]; there {
		return false
	}
	if !n.always() && (len(o.waiting) >= mostWaiting || o.bytes+len(n.text) > mostWaitingBytes) {
		full, o.full = !o.full, true
		return full
	}
	if key != "" {
		if o.known == nil {
			o.known = map[string]struct{}{}
		}
		o.known[key] = struct{}{}
	}
	o.waiting = append(o.waiting, n)
	o.bytes += len(n.text)
	if !o.sending {
		o.sending = true
		go o.send(deliver)
	}
	return false
}

// send delivers what waits, until nothing does.
func (o *outbox) send(deliver func(notification)) {
	for {
		o.mu.Lock()
		if len(o.waiting) == 0 {
			o.waiting, o.sending, o.full = nil, false, false
			o.mu.Unlock()
			return
		}
		n := o.waiting[0]
		o.waiting = o.waiting[1:]
		o.bytes -= len(n.text)
		delete(o.known, n.key())
		o.mu.Unlock()
		deliver(n)
	}
}
