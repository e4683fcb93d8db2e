package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// partingTime bounds how long a client over standard input and output takes to read what it is still sent once its
// session ends.
const partingTime = 3 * time.Second

var errNotRead = errors.New("the client has not read what it was sent before its session ended")

// parting gives a transport over a pair of streams on which no write lasts longer than the session: a client that has gone
// without closing its end, or that does not read, would otherwise keep a program from ending. A session ends with the
// context, and when the client sends no more. Other transports see to that themselves.
// What the Go SDK does not know is carried through it, in messages of most bytes.
func parting(ctx context.Context, transport mcp.Transport, most int64) mcp.Transport {
	var streams mcp.IOTransport
	switch t := transport.(type) {
	case *mcp.StdioTransport:
		streams = mcp.IOTransport{Reader: os.Stdin, Writer: standardOutput{os.Stdout}, MaxLineLength: t.MaxLineLength}
	case *mcp.IOTransport:
		streams = *t
	default:
		return transport
	}
	ending, end := context.WithCancel(ctx)
	streams.Reader = newCarryingReader(&partingReader{streams.Reader, end}, most)
	streams.Writer = &partingWriter{WriteCloser: streams.Writer, ending: ending}
	return &streams
}

// standardOutput stays open.
type standardOutput struct{ io.Writer }

func (standardOutput) Close() error { return nil }

// A partingReader notes when the client sends no more.
type partingReader struct {
	io.ReadCloser
	end context.CancelFunc
}

// Read reads what the client sends.
func (r *partingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil {
		r.end()
	}
	return n, err
}

// Close is for a session that ends otherwise.
func (r *partingReader) Close() error {
	r.end()
	return r.ReadCloser.Close()
}

// A partingWriter gives a write up that is not over when the session ends, and all after it.
type partingWriter struct {
	io.WriteCloser
	ending context.Context

	mu     sync.Mutex
	failed bool
}

// Write writes a message.
func (w *partingWriter) Write(p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed {
		return 0, errNotRead
	}
	text := carryOut(bytes.Clone(p)) // A write that is given up goes on with it.
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	done := make(chan struct{})
	var wrong error
	go func() {
		defer close(done)
		_, wrong = w.WriteCloser.Write(text)
	}()
	select {
	case <-done:
		return w.wrote(len(p), wrong)
	case <-w.ending.Done():
	}
	select {
	case <-done:
		return w.wrote(len(p), wrong)
	case <-time.After(partingTime):
		w.failed = true
		return 0, errNotRead
	}
}

// wrote is what the Go SDK is told of its own bytes.
func (w *partingWriter) wrote(n int, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return n, nil
}
