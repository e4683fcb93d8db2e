package wasi

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/caisson-dev/caisson/host-go/component"
)

// inputStream and outputStream are a component's streams. An error closes the stream.
type (
	inputStream struct {
		input
		closed bool
	}
	outputStream struct {
		output
		closed bool
	}
)

func (h *host) addIO(l *component.Linker) {
	h.addPoll(l)
	h.errors = addResource[error](h, l.Interface("wasi:io/error"+version), "error", nil)
	h.errors.method("to-debug-string", func(_ context.Context, err error, _ []any) (any, error) {
		return err.Error(), nil
	})
	i := l.Interface("wasi:io/streams" + version)
	h.inputs = addResource(h, i, "input-stream", func(s *inputStream) { s.drop() })
	h.outputs = addResource(h, i, "output-stream", func(s *outputStream) { s.drop() })
	h.addInput(h.inputs)
	h.addOutput(h.outputs)
}

func (h *host) addInput(r *resource[*inputStream]) {
	for name, blocking := range map[string]bool{"": false, "blocking-": true} {
		r.method(name+"read", func(ctx context.Context, s *inputStream, args []any) (any, error) {
			b, err := s.take(ctx, args[0].(uint64), blocking)
			return h.streamResult(b, err)
		})
		r.method(name+"skip", func(ctx context.Context, s *inputStream, args []any) (any, error) {
			b, err := s.take(ctx, args[0].(uint64), blocking)
			return h.streamResult(uint64(len(b)), err)
		})
	}
	r.method("subscribe", func(_ context.Context, s *inputStream, _ []any) (any, error) {
		return h.subscribe(whenReady(s.pending))
	})
}

// take reads up to n bytes. When blocking it waits for the first byte.
func (s *inputStream) take(ctx context.Context, n uint64, blocking bool) ([]byte, error) {
	if s.closed {
		return nil, io.EOF
	}
	if n == 0 {
		return []byte{}, nil
	}
	for {
		b, err := s.read(int(min(n, chunk)))
		if err != nil {
			s.closed = true
			return nil, err
		}
		if len(b) > 0 || !blocking {
			return b, nil
		}
		if err := await(ctx, s.pending()); err != nil {
			return nil, &abandoned{err}
		}
	}
}

func (h *host) addOutput(r *resource[*outputStream]) {
	r.method("check-write", func(_ context.Context, s *outputStream, _ []any) (any, error) {
		n, err := s.permit()
		return h.streamResult(uint64(n), err)
	})
	r.method("write", func(ctx context.Context, s *outputStream, args []any) (any, error) {
		return h.permitted(ctx, s, args[0].([]byte))
	})
	r.method("write-zeroes", func(ctx context.Context, s *outputStream, args []any) (any, error) {
		return h.permitted(ctx, s, make([]byte, min(args[0].(uint64), chunk+1)))
	})
	r.method("blocking-write-and-flush", func(ctx context.Context, s *outputStream, args []any) (any, error) {
		return h.streamResult(nil, s.put(ctx, args[0].([]byte)))
	})
	r.method("blocking-write-zeroes-and-flush", func(ctx context.Context, s *outputStream, args []any) (any, error) {
		n := args[0].(uint64)
		if n > maxZeroes {
			return nil, fmt.Errorf("%d zeroes are more than the limit of %d", n, maxZeroes)
		}
		return h.streamResult(nil, s.put(ctx, make([]byte, n)))
	})
	// The host already has what was written.
	flush := func(_ context.Context, s *outputStream, _ []any) (any, error) {
		_, err := s.permit()
		return h.streamResult(nil, err)
	}
	r.method("flush", flush)
	r.method("blocking-flush", flush)
	r.method("subscribe", func(_ context.Context, s *outputStream, _ []any) (any, error) {
		return h.subscribe(whenReady(s.pending))
	})
	for name, blocking := range map[string]bool{"": false, "blocking-": true} {
		r.method(name+"splice", func(ctx context.Context, s *outputStream, args []any) (any, error) {
			from, err := h.inputs.get(args[0])
			if err != nil {
				return nil, err
			}
			n, err := s.splice(ctx, from, args[1].(uint64), blocking)
			return h.streamResult(n, err)
		})
	}
}

// maxZeroes bounds blocking-write-zeroes-and-flush. The interface promises 4096.
const maxZeroes = 4096

// permit returns how many bytes may be written now.
func (s *outputStream) permit() (int, error) {
	if s.closed {
		return 0, io.EOF
	}
	n, err := s.room()
	s.closed = err != nil
	return n, err
}

// permitted writes b. The write traps when it is longer than check-write permits.
func (h *host) permitted(ctx context.Context, s *outputStream, b []byte) (any, error) {
	n, err := s.permit()
	if err == nil && len(b) > n {
		return nil, fmt.Errorf("write of %d bytes where check-write permits %d", len(b), n)
	}
	if err == nil {
		err = s.write(ctx, b)
		s.closed = err != nil
	}
	return h.streamResult(nil, err)
}

// put writes all of b. It waits for room.
func (s *outputStream) put(ctx context.Context, b []byte) error {
	for {
		n, err := s.permit()
		if err != nil || len(b) == 0 {
			return err
		}
		n = min(n, len(b))
		if err := s.write(ctx, b[:n]); err != nil {
			s.closed = true
			return err
		}
		if b = b[n:]; len(b) == 0 {
			return nil
		}
		if err := await(ctx, s.pending()); err != nil {
			return &abandoned{err}
		}
	}
}

// splice moves up to n bytes from one stream to another.
func (s *outputStream) splice(ctx context.Context, from *inputStream, n uint64, blocking bool) (uint64, error) {
	for {
		room, err := s.permit()
		if err != nil {
			return 0, err
		}
		if room > 0 || !blocking {
			n = min(n, uint64(room))
			break
		}
		if err := await(ctx, s.pending()); err != nil {
			return 0, &abandoned{err}
		}
	}
	b, err := from.take(ctx, n, blocking)
	if err == nil && len(b) > 0 {
		err = s.write(ctx, b)
		s.closed = err != nil
	}
	return uint64(len(b)), err
}

// streamResult returns a result<T, stream-error>.
func (h *host) streamResult(v any, err error) (any, error) {
	var cut *abandoned
	switch {
	case err == nil:
		return component.OK(v), nil
	case errors.Is(err, io.EOF):
		return component.Err(component.Variant{Case: "closed"}), nil
	case errors.As(err, &cut):
		return nil, cut.cause
	}
	rep, err := h.errors.own(err)
	if err != nil {
		return nil, err
	}
	return component.Err(component.Variant{Case: "last-operation-failed", Value: rep}), nil
}

// input and output give the component a stream.
func (h *host) input(s input) (component.Rep, error) { return h.inputs.own(&inputStream{input: s}) }

func (h *host) output(s output) (component.Rep, error) {
	return h.outputs.own(&outputStream{output: s})
}
