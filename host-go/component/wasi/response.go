package wasi

import (
	"context"
	"errors"
	"io"

	"github.com/caisson-dev/caisson/host-go/component"
)

type (
	// futureResponse is a future-incoming-response.
	futureResponse struct {
		*exchange
		got bool
	}
	// incomingResponse is an incoming-response.
	incomingResponse struct {
		*exchange
		headers  *fields
		consumed bool
	}
	// incomingBody is an incoming-body.
	incomingBody struct {
		*exchange
		stream *bodyStream
	}
	// bodyStream is the input of an incoming-body.
	bodyStream struct {
		*reader
		dropped bool
	}
	// futureTrailers is a future-trailers. It reads the rest of the body and discards it.
	futureTrailers struct {
		*exchange
		read chan struct{} // closed at the end of the body
		err  error
		got  bool
	}
)

func (s *bodyStream) drop() {
	s.dropped = true
	s.reader.drop()
}

func (f *futureTrailers) pending() <-chan struct{} {
	select {
	case <-f.read:
		return nil
	default:
		return f.read
	}
}

// finish reads the rest of the body. It stops when the exchange ends.
func (f *futureTrailers) finish() {
	defer close(f.read)
	for {
		if _, err := f.body.read(chunk); err != nil {
			if err != io.EOF {
				f.err = err
			}
			return
		}
		if event := f.body.pending(); event != nil {
			<-event
		}
	}
}

func (h *host) addResponses(i *component.Interface) {
	p := &h.http
	p.futures = addResource(h, i, "future-incoming-response", func(f *futureResponse) { f.drop() })
	p.responses = addResource(h, i, "incoming-response", func(r *incomingResponse) { r.drop() })
	p.incoming = addResource(h, i, "incoming-body", func(b *incomingBody) { b.drop() })
	p.trailers = addResource(h, i, "future-trailers", func(f *futureTrailers) { f.drop() })

	p.futures.method("subscribe", func(_ context.Context, f *futureResponse, _ []any) (any, error) {
		return h.subscribe(whenReady(f.pending))
	})
	p.futures.method("get", func(_ context.Context, f *futureResponse, _ []any) (any, error) {
		switch {
		case f.pending() != nil:
			return component.None(), nil
		case f.got:
			return component.Some(component.Err(nil)), nil
		}
		f.got = true
		if f.err != nil {
			return component.Some(component.OK(component.Err(f.err.Variant))), nil
		}
		rep, err := p.responses.own(&incomingResponse{exchange: f.hold(), headers: fieldsOf(f.response.Header)})
		return component.Some(component.OK(component.OK(rep))), err
	})

	p.responses.method("status", func(_ context.Context, r *incomingResponse, _ []any) (any, error) {
		return uint16(r.response.StatusCode), nil
	})
	p.responses.method("headers", func(_ context.Context, r *incomingResponse, _ []any) (any, error) {
		return p.fields.own(r.headers)
	})
	p.responses.method("consume", func(_ context.Context, r *incomingResponse, _ []any) (any, error) {
		if r.consumed {
			return component.Err(nil), nil
		}
		r.consumed = true
		rep, err := p.incoming.own(&incomingBody{exchange: r.hold()})
		return component.OK(rep), err
	})

	p.incoming.method("stream", func(_ context.Context, b *incomingBody, _ []any) (any, error) {
		if b.stream != nil {
			return component.Err(nil), nil
		}
		b.hold()
		b.stream = &bodyStream{reader: b.body}
		rep, err := h.input(b.stream)
		return component.OK(rep), err
	})
	p.incoming.static("finish", func(_ context.Context, args []any) (any, error) {
		b, err := p.incoming.take(args[0])
		if err != nil {
			return nil, err
		}
		if b.stream != nil && !b.stream.dropped {
			return nil, errors.New("wasi:http/types#incoming-body.finish: its input-stream is still open")
		}
		f := &futureTrailers{exchange: b.exchange, read: make(chan struct{})}
		go f.finish()
		return p.trailers.own(f)
	})

	p.trailers.method("subscribe", func(_ context.Context, f *futureTrailers, _ []any) (any, error) {
		return h.subscribe(whenReady(f.pending))
	})
	p.trailers.method("get", func(_ context.Context, f *futureTrailers, _ []any) (any, error) {
		switch {
		case f.pending() != nil:
			return component.None(), nil
		case f.got:
			return component.Some(component.Err(nil)), nil
		}
		f.got = true
		var failed *httpError
		if errors.As(f.err, &failed) {
			return component.Some(component.OK(component.Err(failed.Variant))), nil
		}
		received := fieldsOf(f.response.Trailer)
		if len(received.entries) == 0 {
			return component.Some(component.OK(component.OK(component.None()))), nil
		}
		rep, err := p.fields.own(received)
		return component.Some(component.OK(component.OK(component.Some(rep)))), err
	})
}
