// Package link makes connections between daemons over NATS: streams of bytes with flow control, which know when
// something of them was lost. HTTP/2 goes over them, so that calls are multiplexed, cancelled and bounded as anywhere.
package link

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// window bounds the bytes that are underway in one direction: that are sent and were not read yet.
	window = 1 << 20
	// maxFrame bounds the bytes of one message; NATS takes 1 MiB by default.
	maxFrame = 64 << 10
	// offsetSize is what a frame has before its bytes: how many bytes of the stream came before.
	offsetSize = 8
)

// The subjects of one end are its own name, and one of these words behind it. What is read grants more, and does not wait
// behind what was not read yet.
const (
	dataWord  = ".data"
	grantWord = ".grant"
)

// An end is one end of a connection. What the process reads and writes goes through a pipe, which has the deadlines.
type end struct {
	nats     *nats.Conn
	own      string // the subjects of this end begin with it
	pipe     net.Conn
	data     *nats.Subscription
	grants   *nats.Subscription
	finished func(*end)

	received uint64 // by the goroutine of data alone

	mu      sync.Mutex
	peer    string // the subjects of the other end begin with it; "" before begin
	changed *sync.Cond
	granted uint64 // how far the stream may go
	closed  bool
}

// newEnd makes an end that listens, and the connection of its process.
func newEnd(conn *nats.Conn, finished func(*end)) (*end, net.Conn, error) {
	inner, outer := net.Pipe()
	e := &end{nats: conn, own: conn.NewInbox(), pipe: inner, granted: window}
	e.changed = sync.NewCond(&e.mu)
	var err error
	if e.data, err = conn.Subscribe(e.own+dataWord, e.receive); err == nil {
		err = e.data.SetPendingLimits(-1, 2*window)
	}
	if err == nil {
		e.grants, err = conn.Subscribe(e.own+grantWord, e.grant)
	}
	if err != nil {
		e.close(false)
		return nil, nil, err
	}
	e.finished = finished // From now on it counts.
	return e, &stream{Conn: outer, end: e}, nil
}

// A stream is a connection as HTTP wants it.
type stream struct {
	net.Conn
	end *end
}

// An address is the name of an end.
type address string

func (address) Network() string  { return "nats" }
func (a address) String() string { return string(a) }

func (s *stream) LocalAddr() net.Addr  { return address(s.end.own) }
func (s *stream) RemoteAddr() net.Addr { return address(s.end.other()) }

// begin has an end send to the other one.
func (e *end) begin(peer string) {
	e.mu.Lock()
	e.peer = peer
	e.mu.Unlock()
	go e.send()
}

func (e *end) other() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.peer
}

// send passes on what the process writes, as far as it is granted.
func (e *end) send() {
	defer e.close(true)
	frame := make([]byte, offsetSize+maxFrame)
	for sent := uint64(0); ; {
		n, err := e.pipe.Read(frame[offsetSize:])
		if err != nil || !e.await(sent+uint64(n)) {
			return
		}
		binary.BigEndian.PutUint64(frame, sent)
		sent += uint64(n)
		if e.publish(dataWord, frame[:offsetSize+n]) != nil {
			return
		}
	}
}

// publish sends a message. Where nobody is at the other end, NATS says so to the subject of the answer.
func (e *end) publish(word string, text []byte) error {
	return e.nats.PublishRequest(e.other()+word, e.own+dataWord, text)
}

// await waits until the stream may go so far; false when the end is closed.
func (e *end) await(to uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for to > e.granted && !e.closed {
		e.changed.Wait()
	}
	return !e.closed
}

// grant takes that the other end has read.
func (e *end) grant(m *nats.Msg) {
	if len(m.Data) != offsetSize {
		e.close(true)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.granted = max(e.granted, binary.BigEndian.Uint64(m.Data)+window)
	e.changed.Broadcast()
}

// receive takes what the other end sends: bytes, or nothing when it closes.
func (e *end) receive(m *nats.Msg) {
	if len(m.Data) < offsetSize { // It has closed, or NATS says that nobody is there.
		e.close(false)
		return
	}
	before := e.received
	if binary.BigEndian.Uint64(m.Data) != before {
		e.close(true)
		return
	}
	e.received += uint64(len(m.Data) - offsetSize)
	if _, err := e.pipe.Write(m.Data[offsetSize:]); err != nil {
		e.close(true)
		return
	}
	if e.received/(window/4) != before/(window/4) {
		if e.publish(grantWord, binary.BigEndian.AppendUint64(nil, e.received)) != nil {
			e.close(false)
		}
	}
}

// close ends the connection, and tells the other end.
func (e *end) close(tell bool) {
	e.mu.Lock()
	was := e.closed
	e.closed = true
	e.changed.Broadcast()
	e.mu.Unlock()
	if was {
		return
	}
	_ = e.pipe.Close()
	for _, s := range []*nats.Subscription{e.data, e.grants} {
		if s != nil {
			_ = s.Unsubscribe()
		}
	}
	if peer := e.other(); tell && peer != "" {
		_ = e.nats.Publish(peer+dataWord, nil)
	}
	if e.finished != nil {
		e.finished(e)
	}
}

// openWait bounds how long the other daemon may take to agree.
const openWait = 5 * time.Second

// A DialError says that a daemon cannot be reached. Nothing was sent.
type DialError struct {
	// Node is the daemon's name.
	Node string
	// Absent says that nobody is at its subject: it has ended, or its connection with NATS is lost.
	Absent bool
	// Err is the cause.
	Err error
}

// Error says which daemon, and why.
func (e *DialError) Error() string {
	if e.Absent {
		return fmt.Sprintf("the daemon %s is not there", e.Node)
	}
	return fmt.Sprintf("the daemon %s cannot be reached: %v", e.Node, e.Err)
}

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }
