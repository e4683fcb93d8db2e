package wasi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/caisson-dev/caisson/host-go/component"
)

// outgoingBody is the body of a request. It is the output-stream that the component writes to, and the
// Request.Body that net/http reads from. Between them is a bounded buffer: its writer does not wait, and its
// reader does.
type outgoingBody struct {
	// length is the Content-Length of the request, -1 for none.
	length int64
	// taken reports that the component has taken the stream.
	taken bool

	mu       sync.Mutex
	more     sync.Cond // there is something to read
	buf      []byte
	written  int64
	open     bool  // its stream has not been dropped
	err      error // what the reader gets after buf
	gone     bool  // the transport has closed the body
	space    chan struct{}
	trailers http.Header
	// sent is the request's Trailer. It is filled when the transport reads the end.
	sent http.Header
}

var errAborted = &httpError{
	component.Variant{Case: "HTTP-protocol-error"}, errors.New("the component did not finish the request's body"),
}

func newOutgoingBody(headers *fields) *outgoingBody {
	b := &outgoingBody{length: -1, sent: http.Header{}}
	b.more.L = &b.mu
	if v := headers.get("content-length"); len(v) == 1 {
		if n, err := strconv.ParseInt(string(v[0]), 10, 64); err == nil && n >= 0 {
			b.length = n
		}
	}
	return b
}

func (b *outgoingBody) room() (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone || b.err != nil {
		return 0, io.EOF
	}
	return chunk - len(b.buf), nil
}

func (b *outgoingBody) pending() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone || b.err != nil || len(b.buf) < chunk {
		return nil
	}
	if b.space == nil {
		b.space = make(chan struct{})
	}
	return b.space
}

func (b *outgoingBody) write(_ context.Context, p []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.written += int64(len(p)); b.length >= 0 && b.written > b.length {
		return b.wrongSize()
	}
	b.buf = append(b.buf, p...)
	b.more.Broadcast()
	return nil
}

func (b *outgoingBody) wrongSize() error {
	return &httpError{component.Variant{Case: "HTTP-request-body-size", Value: component.Some(uint64(b.written))}, nil}
}

// drop notes that the component has dropped its stream.
func (b *outgoingBody) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = false
}

// wake lets a component write that waits for space. The caller holds the lock.
func (b *outgoingBody) wake() {
	if b.space != nil {
		close(b.space)
		b.space = nil
	}
}

// finish ends the body. trailers may be nil.
func (b *outgoingBody) finish(trailers *fields) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		return errors.New("wasi:http/types#outgoing-body.finish: its output-stream is still open")
	}
	if b.length >= 0 && b.written != b.length {
		b.end(errAborted)
		return b.wrongSize()
	}
	if trailers != nil {
		if b.length >= 0 {
			b.end(errAborted)
			return &httpError{component.Variant{Case: "HTTP-protocol-error"}, errors.New("trailers after a Content-Length")}
		}
		b.trailers = trailers.header()
	}
	b.end(io.EOF)
	return nil
}

// abort ends a body that was not finished.
func (b *outgoingBody) abort() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(errAborted)
}

func (b *outgoingBody) end(err error) {
	if b.err == nil {
		b.err = err
	}
	b.more.Broadcast()
	b.wake()
}

// begun waits for a first byte, the end of the body, or the end of ctx. It returns false when the body has
// ended without bytes and trailers.
func (b *outgoingBody) begun(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.more.Broadcast()
	})
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.buf) == 0 && b.err == nil && ctx.Err() == nil {
		b.more.Wait()
	}
	return len(b.buf) > 0 || b.err != io.EOF || b.trailers != nil
}

// Read gives the transport what the component has written.
func (b *outgoingBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.buf) == 0 && b.err == nil && !b.gone {
		b.more.Wait()
	}
	switch {
	case b.gone:
		return 0, http.ErrBodyReadAfterClose
	case len(b.buf) == 0:
		for name, values := range b.trailers {
			b.sent[name] = values
		}
		return 0, b.err
	}
	n := copy(p, b.buf)
	b.buf = append(b.buf[:0], b.buf[n:]...)
	b.wake()
	return n, nil
}

// Close tells the body that the transport reads no more.
func (b *outgoingBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = true
	b.more.Broadcast()
	b.wake()
	return nil
}

func (h *host) addOutgoingBody(i *component.Interface) {
	h.http.outgoing = addResource(h, i, "outgoing-body", (*outgoingBody).abort)
	r := h.http.outgoing
	r.method("write", func(_ context.Context, b *outgoingBody, _ []any) (any, error) {
		if b.taken {
			return component.Err(nil), nil
		}
		b.taken, b.open = true, true
		rep, err := h.output(b)
		return component.OK(rep), err
	})
	r.static("finish", func(_ context.Context, args []any) (any, error) {
		b, err := r.take(args[0])
		if err != nil {
			return nil, err
		}
		var trailers *fields
		if t := args[1].(component.Option); t.Some {
			if trailers, err = h.http.fields.take(t.Value); err != nil {
				return nil, err
			}
		}
		return httpResult(nil, b.finish(trailers))
	})
}
