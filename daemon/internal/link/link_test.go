package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

func connect(t *testing.T, url string) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(url, nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func listen(t *testing.T, conn *nats.Conn, name string) *Node {
	t.Helper()
	n, err := Listen(conn, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.End)
	return n
}

// pair connects two nodes.
func pair(t *testing.T, one, two *Node) (dialled, accepted net.Conn) {
	t.Helper()
	came := make(chan net.Conn, 1)
	go func() {
		if conn, err := two.Accept(); err == nil {
			came <- conn
		}
	}()
	dialled, err := one.Dial(t.Context(), two.Name)
	if err != nil {
		t.Fatal(err)
	}
	return dialled, <-came
}

// TestStream sends more than a window in both directions at once, to readers that begin late.
func TestStream(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	a, b := pair(t, listen(t, connect(t, url), "one"), listen(t, connect(t, url), "two"))
	sent := make([]byte, 5*window+12345)
	_, _ = rand.Read(sent)
	got := make(chan [32]byte, 2)
	written := make(chan error, 2)
	for _, conn := range []net.Conn{a, b} {
		go func() {
			_, err := conn.Write(sent)
			written <- err
		}()
	}
	for _, conn := range []net.Conn{a, b} {
		go func() {
			text := make([]byte, len(sent))
			_, _ = io.ReadFull(conn, text)
			got <- sha256.Sum256(text)
		}()
	}
	for range 2 {
		if err := <-written; err != nil {
			t.Error(err)
		}
		if <-got != sha256.Sum256(sent) {
			t.Error("what comes is not what was sent")
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes come after the end", n)
	}
}

// TestWindow shows that who writes waits for who reads, so that nothing grows between them.
func TestWindow(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	a, b := pair(t, listen(t, connect(t, url), "one"), listen(t, connect(t, url), "two"))
	if err := a.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := a.Write(make([]byte, 4*window))
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() || n > 2*window {
		t.Errorf("%d bytes were taken that nobody reads: %v", n, err)
	}
	if _, err := io.ReadFull(b, make([]byte, n)); err != nil {
		t.Errorf("what was taken: %v", err)
	}
}

// TestAbsent tells a daemon that is not there from others, at once; and one that dies ends its connections.
func TestAbsent(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	one := listen(t, connect(t, url), "one")
	var failure *DialError
	if _, err := one.Dial(t.Context(), "none"); !errors.As(err, &failure) || !failure.Absent {
		t.Errorf("%v", err)
	}
	dying := connect(t, url)
	a, _ := pair(t, one, listen(t, dying, "two"))
	dying.Close() // As a process does that is killed: it says nothing.
	go func() {   // As HTTP/2 does, by its pings.
		for {
			if _, err := a.Write([]byte("is somebody there?")); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := a.Read(make([]byte, 1)); err == nil {
		t.Error("the connection with a daemon that is dead goes on")
	}
}

// TestLoss shows that a frame that was lost ends the connection, and none comes for another one.
func TestLoss(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	conn := connect(t, url)
	a, b := pair(t, listen(t, conn, "one"), listen(t, connect(t, url), "two"))
	if _, err := a.Write([]byte("first")); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 5)
	if _, err := io.ReadFull(b, text); err != nil || !bytes.Equal(text, []byte("first")) {
		t.Fatalf("%q, %v", text, err)
	}
	if err := conn.Publish(b.LocalAddr().String()+dataWord, append(make([]byte, offsetSize-1), 9, 'x')); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Read(text); err == nil {
		t.Errorf("%q comes after a gap", text[:n])
	}
}

// TestNATSAway shows that connections end when NATS is away, and that there are new ones when it is back.
func TestNATSAway(t *testing.T) {
	server := storetest.Start(t, nil)
	one, two := listen(t, connect(t, server.URL()), "one"), listen(t, connect(t, server.URL()), "two")
	a, b := pair(t, one, two)
	server.Stop()
	for _, conn := range []net.Conn{a, b} {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a connection outlives NATS")
		}
	}
	server.Restart()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		conn, err := one.Dial(ctx, "two")
		if err == nil {
			_ = conn.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// TestNoConnection shows that who dials when the connection with NATS is closed for good hears of it, and that a node
// can be ended then.
func TestNoConnection(t *testing.T) {
	conn := connect(t, storetest.Start(t, nil).URL())
	one := listen(t, conn, "one")
	conn.Close()
	var absent *DialError
	if _, err := one.Dial(t.Context(), "two"); !errors.As(err, &absent) || !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("without a connection: %v", err)
	}
	one.End()
}
