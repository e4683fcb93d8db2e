package main

import (
	"io"
	"net"
	"sync"
)

// A wire is a network of one connection after another that can be cut.
type wire struct {
	address  string
	to       string
	listener net.Listener

	mu     sync.Mutex
	whole  bool
	joined map[net.Conn]bool
}

func newWire(to string) (*wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{address: listener.Addr().String(), to: to, listener: listener, whole: true, joined: map[net.Conn]bool{}}
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
		if err != nil || !w.add(one, other) {
			_ = one.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{one, other}, {other, one}} {
			go func() {
				_, _ = io.Copy(way[0], way[1])
				_ = one.Close()
				_ = other.Close()
				w.mu.Lock()
				delete(w.joined, way[0])
				w.mu.Unlock()
			}()
		}
	}
}

func (w *wire) add(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		if w.whole {
			w.joined[c] = true
		} else {
			_ = c.Close()
		}
	}
	return w.whole
}

// cut ends all connections, and lets none be.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = false
	for c := range w.joined {
		_ = c.Close()
	}
}

// join lets connections be again.
func (w *wire) join() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = true
}

func (w *wire) close() {
	_ = w.listener.Close()
	w.cut()
}
