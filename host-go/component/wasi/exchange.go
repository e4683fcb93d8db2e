package wasi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// The timeouts hold for a request whose options set none.
const (
	connectTimeout      = 30 * time.Second
	firstByteTimeout    = 10 * time.Minute
	betweenBytesTimeout = 10 * time.Minute
	// firstWrite is how long a request waits for a first byte of its body, when its method seldom has a body.
	firstWrite = 200 * time.Millisecond
)

// exchange is a request and its response. Each handle that the component holds of it, from the future to the
// last stream, keeps the exchange. The exchange ends with the last one.
type exchange struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	release func()
	idle    time.Duration

	done     chan struct{}
	response *http.Response // response and err are set when done is closed
	err      *httpError
	body     *reader

	mu   sync.Mutex
	held int
}

var errDropped = errors.New("the component dropped the request")

// tunnels are methods that the grant of an origin does not include. They would reach another server through
// the origin, or have the origin return what the host added to the request.
var tunnels = map[string]bool{"CONNECT": true, "TRACE": true, "TRACK": true}

// handle is outgoing-handler.handle.
func (h *host) handle(ctx context.Context, r *outgoingRequest, o *requestOptions) (*exchange, error) {
	u, err := r.url()
	if err != nil {
		return nil, err
	}
	if origin, err := originOf(u); err != nil || !h.http.allowed[origin] {
		return nil, httpCode("HTTP-request-denied")
	}
	if tunnels[strings.ToUpper(r.verb())] {
		return nil, httpCode("HTTP-request-denied")
	}
	canonical(u)
	release, ok := h.http.begin()
	if !ok {
		return nil, httpCode("connection-limit-reached")
	}
	e := &exchange{release: release, done: make(chan struct{}), held: 1, idle: timeout(o.betweenBytes, betweenBytesTimeout)}
	// Later calls, which have other contexts, may read the response.
	e.ctx, e.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	request := (&http.Request{
		Method: r.verb(), URL: u, Host: u.Host, Header: r.headers.header(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(e.ctx)
	request.Header.Del("Content-Length")
	if request.Header.Get("User-Agent") == "" {
		request.Header["User-Agent"] = []string{""} // otherwise net/http sends its default
	}
	go e.run(h.http.transport, request, r.body, o)
	return e, nil
}

func timeout(o component.Option, standard time.Duration) time.Duration {
	if !o.Some {
		return standard
	}
	return time.Duration(min(o.Value.(uint64), 1<<62))
}

// run sends the request and waits for the response.
func (e *exchange) run(t http.RoundTripper, request *http.Request, body *outgoingBody, o *requestOptions) {
	defer close(e.done)
	e.setBody(request, body)
	expire := func(name string) func() {
		return func() { e.cancel(httpCode(name)) }
	}
	firstByte := timeout(o.firstByte, firstByteTimeout)
	waiting := time.AfterFunc(firstByte, expire("connection-read-timeout"))
	defer waiting.Stop()
	connecting := time.AfterFunc(1<<62, expire("connection-timeout"))
	defer connecting.Stop()
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { connecting.Reset(timeout(o.connect, connectTimeout)) },
		GotConn: func(httptrace.GotConnInfo) {
			connecting.Stop()
			waiting.Reset(firstByte)
		},
	}
	response, err := t.RoundTrip(request.WithContext(httptrace.WithClientTrace(e.ctx, trace)))
	if err != nil {
		e.err = httpErrorOf(e.ctx, err)
		return
	}
	e.response = response
	e.body = &reader{
		from: &incoming{e}, idle: e.idle, late: expire("connection-read-timeout"), dropped: e.drop,
	}
}

// setBody gives the request its body, if it has one.
func (e *exchange) setBody(request *http.Request, body *outgoingBody) {
	if body == nil {
		return
	}
	switch request.Method {
	case "GET", "HEAD", "DELETE", "OPTIONS":
		if body.length < 0 {
			ctx, cancel := context.WithTimeout(e.ctx, firstWrite)
			defer cancel()
			if !body.begun(ctx) {
				return
			}
		}
	}
	if body.length == 0 {
		request.Body = http.NoBody
		return
	}
	request.Body, request.ContentLength = body, body.length
	if body.length < 0 {
		request.TransferEncoding = []string{"chunked"}
		for _, list := range request.Header.Values("Trailer") {
			for name := range strings.SplitSeq(list, ",") {
				body.sent[http.CanonicalHeaderKey(strings.TrimSpace(name))] = nil
			}
		}
		request.Trailer = body.sent
	}
	request.Header.Del("Trailer")
}

// incoming reads the body of the response.
type incoming struct{ e *exchange }

func (i *incoming) Read(p []byte) (int, error) {
	n, err := i.e.response.Body.Read(p)
	if err != nil && err != io.EOF {
		err = httpErrorOf(i.e.ctx, err)
	}
	return n, err
}

func (e *exchange) pending() <-chan struct{} {
	select {
	case <-e.done:
		return nil
	default:
		return e.done
	}
}

func (e *exchange) hold() *exchange {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held++
	return e
}

// drop undoes a hold. The last one ends the exchange.
func (e *exchange) drop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held--; e.held > 0 {
		return
	}
	e.cancel(errDropped)
	go func() {
		<-e.done
		if e.response != nil {
			_ = e.response.Body.Close()
		}
		e.release()
	}()
}
