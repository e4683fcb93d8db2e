package wasi

import (
	"context"
	"errors"
	"io"

	"github.com/caisson-dev/caisson/host-go/component"
)

// chunk is how much one stream operation moves at most.
const chunk = 64 << 10

func (h *host) addIO(l *component.Linker) {
	h.addPoll(l)
	l.Interface("wasi:io/error"+version).
		Resource("error", func(_ context.Context, rep uint32) { h.errors.remove(rep) }).
		Func("[method]error.to-debug-string", func(_ context.Context, args []any) ([]any, error) {
			err, ok := h.errors.get(uint32(args[0].(component.Rep)))
			if !ok {
				return nil, errors.New("unknown error resource")
			}
			return []any{err.Error()}, nil
		})
	drop := func(_ context.Context, rep uint32) { h.streams.remove(rep) }
	i := l.Interface("wasi:io/streams"+version).Resource("input-stream", drop).Resource("output-stream", drop)
	ready := func(context.Context, []any) ([]any, error) { return h.subscribe(always) }

	read := h.input(func(r io.Reader, n uint64) (any, error) {
		b := make([]byte, min(n, chunk))
		if n == 0 {
			return b, nil
		}
		k, err := r.Read(b)
		if k > 0 {
			err = nil
		}
		return b[:k], err
	})
	skip := h.input(func(r io.Reader, n uint64) (any, error) {
		k, err := io.CopyN(io.Discard, r, int64(min(n, chunk)))
		if k > 0 {
			err = nil
		}
		return uint64(k), err
	})
	i.Func("[method]input-stream.read", read).
		Func("[method]input-stream.blocking-read", read).
		Func("[method]input-stream.skip", skip).
		Func("[method]input-stream.blocking-skip", skip).
		Func("[method]input-stream.subscribe", ready)

	write := h.output(func(w io.Writer, args []any) error {
		_, err := w.Write(args[1].([]byte))
		return err
	})
	zeroes := h.output(func(w io.Writer, args []any) error {
		n := args[1].(uint64)
		if n > chunk {
			return errors.New("more zeroes than check-write permits")
		}
		_, err := w.Write(make([]byte, n))
		return err
	})
	flush := h.output(func(io.Writer, []any) error { return nil })
	i.Func("[method]output-stream.check-write", answer(component.OK(uint64(chunk)))).
		Func("[method]output-stream.write", write).
		Func("[method]output-stream.blocking-write-and-flush", write).
		Func("[method]output-stream.write-zeroes", zeroes).
		Func("[method]output-stream.blocking-write-zeroes-and-flush", zeroes).
		Func("[method]output-stream.flush", flush).
		Func("[method]output-stream.blocking-flush", flush).
		Func("[method]output-stream.subscribe", ready).
		Func("[method]output-stream.splice", h.splice).
		Func("[method]output-stream.blocking-splice", h.splice)
}

// input makes a function that reads at most a number of bytes.
func (h *host) input(f func(r io.Reader, n uint64) (any, error)) component.HostFunc {
	return func(_ context.Context, args []any) ([]any, error) {
		r, err := stream[io.Reader](h, args[0])
		if err != nil {
			return nil, err
		}
		return h.streamResult(f(r, args[1].(uint64)))
	}
}

// output makes a function that writes.
func (h *host) output(f func(w io.Writer, args []any) error) component.HostFunc {
	return func(_ context.Context, args []any) ([]any, error) {
		w, err := stream[io.Writer](h, args[0])
		if err != nil {
			return nil, err
		}
		return h.streamResult(nil, f(w, args))
	}
}

func (h *host) splice(_ context.Context, args []any) ([]any, error) {
	w, err := stream[io.Writer](h, args[0])
	if err != nil {
		return nil, err
	}
	r, err := stream[io.Reader](h, args[1])
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(args[2].(uint64), chunk))
	n, err := r.Read(b)
	if n > 0 {
		_, err = w.Write(b[:n])
	}
	return h.streamResult(uint64(n), err)
}

func stream[T any](h *host, v any) (T, error) {
	s, _ := h.streams.get(uint32(v.(component.Rep)))
	t, ok := s.(T)
	if !ok {
		return t, errors.New("unknown stream")
	}
	return t, nil
}

// streamResult makes a result<T, stream-error>.
func (h *host) streamResult(v any, err error) ([]any, error) {
	switch {
	case err == nil:
		return []any{component.OK(v)}, nil
	case errors.Is(err, io.EOF):
		return []any{component.Err(component.Variant{Case: "closed"})}, nil
	}
	rep, ok := h.errors.add(err)
	if !ok {
		return nil, errFull
	}
	return []any{component.Err(component.Variant{Case: "last-operation-failed", Value: component.Rep(rep)})}, nil
}

// open gives a stream to the component: own<input-stream> or own<output-stream>.
func (h *host) open(s any) ([]any, error) {
	rep, ok := h.streams.add(s)
	if !ok {
		return nil, errFull
	}
	return []any{component.Rep(rep)}, nil
}
