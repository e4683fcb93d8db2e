package wasi

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"
)

// chunk is how many bytes one stream operation moves at most, and how many a stream buffers.
const chunk = 64 << 10

// maxEmptyReads is how often in a row a Read may return neither bytes nor an error.
const maxEmptyReads = 100

// input is the source of an input-stream.
type input interface {
	// read returns up to n bytes without waiting. The caller keeps them. No bytes and no error means that
	// there is nothing at present. io.EOF is the end.
	read(n int) ([]byte, error)
	// pending returns nil when read has bytes or an error. Otherwise it returns a channel that is closed when
	// read has.
	pending() <-chan struct{}
	// drop ends the stream.
	drop()
}

// output is the destination of an output-stream.
type output interface {
	// room returns how many bytes write takes now. io.EOF is the end.
	room() (int, error)
	// write writes b, which is no longer than room has said.
	write(ctx context.Context, b []byte) error
	// pending returns nil when there is room. Otherwise it returns a channel that is closed when there is.
	pending() <-chan struct{}
	drop()
}

// await waits until event, from pending, is closed, or the context ends.
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

// reader is an input that reads an io.Reader one chunk ahead. Each Read runs in a separate goroutine, so that
// a Read that waits does not block the component. It is safe for concurrent use.
type reader struct {
	from io.Reader
	// idle is how long one Read may take before late is called, unless it is 0. late has to end the Read.
	idle time.Duration
	late func()
	// dropped is called when the stream is dropped, if it is not nil.
	dropped func()

	mu   sync.Mutex
	buf  []byte // the buffer of the Read that runs, or of the last one
	rest []byte // the unread part of buf
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

// fill starts a Read, unless one runs.
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

// writer is an output whose write returns after the io.Writer's Write. The end of the context ends the wait
// for the Write, but not the Write itself.
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

// abandoned is the error of an operation that the end of the context cut short. It traps.
type abandoned struct{ cause error }

func (a *abandoned) Error() string { return a.cause.Error() }
func (a *abandoned) Unwrap() error { return a.cause }
