package wasi

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"
)

// chunk is how much one stream operation moves at most, and how much a stream
// buffers.
const chunk = 64 << 10

// maxEmptyReads is how often a Read may return nothing and no error.
const maxEmptyReads = 100

// input is where an input-stream comes from.
type input interface {
	// read returns up to n bytes, the caller's to keep, without waiting. None and
	// no error is nothing at present; io.EOF is the end.
	read(n int) ([]byte, error)
	// pending returns nil when read has something to say, else what is closed
	// when it has.
	pending() <-chan struct{}
	// drop is the end of the stream.
	drop()
}

// output is where an output-stream goes.
type output interface {
	// room is how much write takes now. io.EOF is the end.
	room() (int, error)
	// write writes no more than there is room for.
	write(ctx context.Context, b []byte) error
	// pending returns nil when there is room, else what is closed when there is.
	pending() <-chan struct{}
	drop()
}

// await waits for a channel of pending, or for the end of the context.
func await(ctx context.Context, event <-chan struct{}) error {
	if event == nil {
		return nil
	}
	select {
	case <-event:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reader is an input that reads from an io.Reader, a chunk ahead, each in a
// goroutine of its own: what waits in Read does not hold the component up. It
// is safe for concurrent use.
type reader struct {
	from io.Reader
	// idle, if it is not 0, is how long one Read may take until late is called,
	// which has to end it.
	idle time.Duration
	late func()
	// dropped, if not nil, is called when the stream is dropped.
	dropped func()

	mu   sync.Mutex
	buf  []byte // of the Read that runs, or what the last one read
	rest []byte // of buf
	err  error
	busy chan struct{} // closed when the Read that runs has returned
}

func (r *reader) read(n int) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rest) == 0 {
		if r.err == nil {
			r.fill()
		}
		return nil, r.err
	}
	b := slices.Clone(r.rest[:min(n, len(r.rest))])
	r.rest = r.rest[len(b):]
	return b, nil
}

func (r *reader) pending() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rest) > 0 || r.err != nil {
		return nil
	}
	r.fill()
	return r.busy
}

// fill begins a Read, unless one runs.
func (r *reader) fill() {
	if r.busy != nil {
		return
	}
	r.busy = make(chan struct{})
	if r.buf == nil {
		r.buf = make([]byte, chunk)
	}
	go func() {
		if r.idle > 0 {
			timer := time.AfterFunc(r.idle, r.late)
			defer timer.Stop()
		}
		n, err := 0, error(nil)
		for tries := 0; n == 0 && err == nil; tries++ {
			if n, err = r.from.Read(r.buf); tries == maxEmptyReads && n == 0 && err == nil {
				err = io.ErrNoProgress
			}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.rest, r.err = r.buf[:n], err
		close(r.busy)
		r.busy = nil
	}()
}

func (r *reader) drop() {
	if r.dropped != nil {
		r.dropped()
	}
}

// writer is an output that writes to an io.Writer before write returns. The end
// of the context ends the wait for it, not the Write.
type writer struct{ to io.Writer }

func (w writer) room() (int, error)       { return chunk, nil }
func (w writer) pending() <-chan struct{} { return nil }
func (w writer) drop()                    {}

func (w writer) write(ctx context.Context, b []byte) error {
	if ctx.Done() == nil {
		_, err := w.to.Write(b)
		return err
	}
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err = w.to.Write(b)
	}()
	if ended := await(ctx, done); ended != nil {
		return &abandoned{ended}
	}
	return err
}

// abandoned is an operation that the end of the context cut short: it traps.
type abandoned struct{ cause error }

func (a *abandoned) Error() string { return a.cause.Error() }
func (a *abandoned) Unwrap() error { return a.cause }
