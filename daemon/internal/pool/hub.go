package pool

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// maxWaiting and maxWaitingBytes bound the notifications that wait for one listener. The first may be larger.
const (
	maxWaiting      = 1024
	maxWaitingBytes = 64 << 20
)

// hubs are the hubs of one client's sessions.
type hubs struct {
	mu  sync.Mutex
	all map[*caisson.Session]*Hub
}

func newHubs() *hubs { return &hubs{all: map[*caisson.Session]*Hub{}} }

// of gives the hub of a session. It is made by who asks first: a server may tell something before Connect returns.
func (h *hubs) of(session *caisson.Session) *Hub {
	h.mu.Lock()
	defer h.mu.Unlock()
	hub := h.all[session]
	if hub == nil {
		hub = newHub()
		h.all[session] = hub
	}
	return hub
}

func (h *hubs) drop(session *caisson.Session) {
	h.mu.Lock()
	hub := h.all[session]
	delete(h.all, session)
	h.mu.Unlock()
	if hub != nil {
		hub.close()
	}
}

func (h *hubs) notified(_ context.Context, session *caisson.Session, method string, params json.RawMessage) {
	h.of(session).publish(Notification{method, params})
}

// A Notification is what a server tells.
type Notification struct {
	Method string
	Params json.RawMessage
}

// A Hub has what one session's server tells, for whoever listens, and what it asks, for the one who answers.
type Hub struct {
	mu        sync.Mutex
	listeners map[*Listener]struct{}
	closed    bool
	questions questions
}

func newHub() *Hub {
	return &Hub{listeners: map[*Listener]struct{}{}, questions: questions{changed: make(chan struct{})}}
}

// A Listener hears what a server tells from Listen on. One that is too slow is cut off, and holds up nobody.
type Listener struct {
	hub  *Hub
	want func(Notification) bool
	// C has what comes. It is closed when the session has ended, when the listener was too slow, and by Close. Who takes
	// something out calls Took.
	C     chan Notification
	bytes int   // that wait; with hub.mu held
	over  error // with hub.mu held
}

// Listen makes a listener for what want says, in the order in which the server tells.
func (h *Hub) Listen(want func(Notification) bool) *Listener {
	l := &Listener{hub: h, want: want, C: make(chan Notification, maxWaiting)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		l.end(errEnded)
		return l
	}
	h.listeners[l] = struct{}{}
	return l
}

var (
	errEnded = &caisson.Error{Code: caisson.CodeClosed, Step: "listen", Message: "the session has ended"}
	errSlow  = &caisson.Error{Code: caisson.CodeLimit, Step: "listen", Message: "1024 notifications wait for the caller, or 64 MiB of them, which is the most: read them faster"}
)

// end cuts the listener off. With hub.mu held.
func (l *Listener) end(why error) {
	if l.over == nil {
		l.over = why
		close(l.C)
		delete(l.hub.listeners, l)
	}
}

// Err says why C was closed: nil by Close.
func (l *Listener) Err() error {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	if l.over == errClosed {
		return nil
	}
	return l.over
}

var errClosed = &caisson.Error{Code: caisson.CodeClosed}

// Close ends the listener.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.end(errClosed)
}

// Put gives the listener something beside what the server tells: the progress of a call, in its place.
func (l *Listener) Put(n Notification) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.put(n)
}

func (l *Listener) put(n Notification) {
	if l.over != nil {
		return
	}
	if l.bytes > 0 && l.bytes+len(n.Params) > maxWaitingBytes {
		l.end(errSlow)
		return
	}
	select {
	case l.C <- n:
		l.bytes += len(n.Params)
	default:
		l.end(errSlow)
	}
}

// Took says that something of C was taken out, and does not wait any more.
func (l *Listener) Took(n Notification) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.bytes -= len(n.Params)
}

func (h *Hub) publish(n Notification) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		if l.want(n) {
			l.put(n)
		}
	}
}

func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for l := range h.listeners {
		l.end(errEnded)
	}
}
