package main

import (
	"io"
	"net"
	"testing"
	"time"
)

// pair is a connection through a wire: both ends.
func pair(t *testing.T, w *wire, at net.Listener) (one, other net.Conn) {
	t.Helper()
	one, err := net.Dial("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	other, err = at.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{one, other} {
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	return one, other
}

// says sends a text, and shows that it comes.
func says(t *testing.T, from, to net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Fatalf("%q for %q, %v", got, text, err)
	}
}

// ends shows that a connection ends, and that nothing comes before.
func ends(t *testing.T, conns ...net.Conn) {
	t.Helper()
	for _, c := range conns {
		n, err := c.Read(make([]byte, 1))
		if late, ok := err.(net.Error); n != 0 || err == nil || ok && late.Timeout() {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

// TestWire loses what is sent in each direction, without a word, and cuts.
func TestWire(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	w, err := newWire(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, d := range []direction{there, back} {
		one, other := pair(t, w, listener)
		still, stillOther := pair(t, w, listener)
		from, to := one, other
		if d == back {
			from, to = other, one
		}
		says(t, from, to, "before")
		w.lose(d)
		if _, err := io.WriteString(from, "lost"); err != nil {
			t.Errorf("who sends hears of it: %v", err)
		}
		for lost := false; !lost; time.Sleep(time.Millisecond) {
			w.mu.Lock()
			for l := range w.links {
				lost = lost || l.lost
			}
			w.mu.Unlock()
		}
		says(t, to, from, "the other direction")
		late, lateOther := pair(t, w, listener) // It can be made.
		w.join()
		ends(t, one, other)
		says(t, still, stillOther, "nothing of it was lost")
		says(t, lateOther, late, "nor of this one")
	}
	one, other := pair(t, w, listener)
	w.cut()
	ends(t, one, other)
	refused, err := net.Dial("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	ends(t, refused)
}

// TestTurn spreads things over sessions.
func TestTurn(t *testing.T) {
	for _, of := range [][2]int{{0, 10}, {1, 10}, {3, 10}, {10, 10}, {20, 60}} {
		n := 0
		for session := range 2 * of[1] {
			if turn(int64(session+1), of[0], of[1]) {
				n++
			}
		}
		if n != 2*of[0] {
			t.Errorf("%d of %d: %d turns in twice as many sessions", of[0], of[1], n)
		}
	}
}
