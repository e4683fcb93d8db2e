package wasi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// maxExchanges bounds the exchanges that are open at once: requests and their responses.
const maxExchanges = 64

// ownTransport sends requests when the configuration has no Transport. All linkers share its connections.
var ownTransport = &http.Transport{
	DialContext:        (&net.Dialer{Timeout: connectTimeout}).DialContext,
	DisableCompression: true, ForceAttemptHTTP2: true, TLSHandshakeTimeout: connectTimeout,
	IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 1 << 20,
}

// httpHost is the state of wasi:http.
type httpHost struct {
	allowed   map[string]bool // by origin
	transport http.RoundTripper

	fields    *resource[*fields]
	requests  *resource[*outgoingRequest]
	options   *resource[*requestOptions]
	outgoing  *resource[*outgoingBody]
	futures   *resource[*futureResponse]
	responses *resource[*incomingResponse]
	incoming  *resource[*incomingBody]
	trailers  *resource[*futureTrailers]

	mu       sync.Mutex
	underway int
}

// begin counts an exchange. ok is false when there are too many.
func (p *httpHost) begin() (release func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.underway >= maxExchanges {
		return nil, false
	}
	p.underway++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.underway--
	}, true
}

// served are the functions of wasi:http/types that only a component with an incoming-handler can use. A
// component can link them. They trap when it calls them.
var served = methods("incoming-request", "method path-with-query scheme authority headers consume") +
	methods("outgoing-response", "status-code set-status-code headers body") +
	methods("response-outparam", "send-informational") +
	"[constructor]outgoing-response [static]response-outparam.set"

// addHTTP defines the outgoing half of wasi:http.
func (h *host) addHTTP(l *component.Linker) {
	p := &h.http
	p.allowed = map[string]bool{}
	for _, s := range h.cfg.AllowedOrigins {
		if o, err := ParseOrigin(s); err == nil {
			p.allowed[o] = true
		}
	}
	p.transport = h.cfg.Transport
	if p.transport == nil {
		p.transport = ownTransport
	}

	i := l.Interface("wasi:http/types" + version)
	p.fields = h.addFields(i)
	h.addRequests(i)
	h.addRequestOptions(i)
	h.addOutgoingBody(i)
	h.addResponses(i)
	i.Func("http-error-code", func(_ context.Context, args []any) ([]any, error) {
		err, failed := h.errors.get(args[0])
		if failed != nil {
			return nil, failed
		}
		var e *httpError
		if !errors.As(err, &e) {
			return []any{component.None()}, nil
		}
		return []any{component.Some(e.Variant)}, nil
	})
	for name := range strings.FieldsSeq(served) {
		i.Func(name, unreachable("wasi:http/types"))
	}
	i.Resource("incoming-request", nil).Resource("outgoing-response", nil).Resource("response-outparam", nil)

	l.Interface("wasi:http/outgoing-handler"+version).Func("handle", func(ctx context.Context, args []any) ([]any, error) {
		r, err := p.requests.take(args[0])
		if err != nil {
			return nil, err
		}
		o := &requestOptions{}
		if given := args[1].(component.Option); given.Some {
			if o, err = p.options.take(given.Value); err != nil {
				return nil, err
			}
		}
		e, err := h.handle(ctx, r, o)
		if err != nil {
			if r.body != nil {
				r.body.abort()
			}
			return one(httpResult(nil, err))
		}
		rep, err := p.futures.own(&futureResponse{exchange: e})
		return one(httpResult(rep, err))
	})
}
