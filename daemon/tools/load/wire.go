package main

import (
	"net"
	"sync"
)

// A direction is one of the two of a wire.
type direction int

const (
	there direction = iota // from who has connected
	back
)

// A wire is a network of one connection after another that can be cut, and that can lose what is sent, without a word to
// either end.
type wire struct {
	address  string
	to       string
	listener net.Listener

	mu    sync.Mutex
	whole bool
	loses [2]bool // by direction
	links map[*link]bool
}

// A link is one connection through a wire.
type link struct {
	ends [2]net.Conn // by the direction of what is read there
	lost bool        // something of it is lost; with wire.mu held
}

func (l *link) close() {
	for _, end := range l.ends {
		_ = end.Close()
	}
}

func newWire(to string) (*wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{address: listener.Addr().String(), to: to, listener: listener, whole: true, links: map[*link]bool{}}
	go w.accept()
	return w, nil
}

func (w *wire) accept() {
	for {
		one, err := w.listener.Accept()
		if err != nil {
			return
		}
		other, err := net.Dial("tcp", w.to)
		if err != nil {
			_ = one.Close()
			continue
		}
		l := &link{ends: [2]net.Conn{there: one, back: other}}
		if !w.add(l) {
			l.close()
			continue
		}
		for _, d := range []direction{there, back} {
			go func() {
				w.carry(l, d)
				l.close()
				w.mu.Lock()
				defer w.mu.Unlock()
				delete(w.links, l)
			}()
		}
	}
}

func (w *wire) add(l *link) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.whole {
		w.links[l] = true
	}
	return w.whole
}

// carry brings what comes in one direction to the other end, or loses it.
func (w *wire) carry(l *link, d direction) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.ends[d].Read(buffer)
		if n > 0 && !w.lost(l, d) {
			if _, err := l.ends[1-d].Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// lost says whether the wire loses what comes now.
func (w *wire) lost(l *link, d direction) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loses[d] {
		l.lost = true
	}
	return w.loses[d]
}

// cut ends all connections, and lets none be.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = false
	for l := range w.links {
		l.close()
	}
}

// lose has the wire lose what is sent in a direction. The connections stay, and new ones can be made.
func (w *wire) lose(d direction) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loses[d] = true
}

// join lets connections be again, and loses nothing more. Those that have lost something end, as when a firewall hears of a
// connection that it has forgotten: what is lost does not come back.
func (w *wire) join() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole, w.loses = true, [2]bool{}
	for l := range w.links {
		if l.lost {
			l.close()
		}
	}
}

func (w *wire) close() {
	_ = w.listener.Close()
	w.cut()
}
