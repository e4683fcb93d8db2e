package egress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// exchange is one HTTP request and its response. It belongs to the goroutine in run.
type exchange struct {
	session *Session
	ref     Ref
	crowded bool            // there are too many already
	ctx     context.Context // ends when the exchange is aborted
	cancel  context.CancelFunc

	dial atomic.Bool // a connection was asked for
	sent atomic.Bool // a request was sent, at least its header
}

func newExchange(s *Session, ref Ref, crowded bool) *exchange {
	x := &exchange{session: s, ref: ref, crowded: crowded}
	x.ctx, x.cancel = context.WithCancel(s.ctx)
	return x
}

// run does the exchange and tells the sink.
func (x *exchange) run(req Request) {
	defer x.cancel()
	err := x.do(req)
	if x.session.releaseExchange(x) {
		x.session.sink.HTTPEnd(x.ref, err)
	}
}

// live reports whether the sink is still to be told.
func (x *exchange) live() bool { return x.ctx.Err() == nil }

// do sends req and hands on the response. It returns nil when the response came whole.
func (x *exchange) do(req Request) *Error {
	policy := x.session.policy
	if x.crowded {
		return policy.fail(Limit, fmt.Sprintf("more than %d HTTP exchanges at once; wait for some to end", maxExchanges), nil)
	}
	request, failed := x.request(req)
	if failed != nil {
		return failed
	}
	client := &http.Client{Transport: roundTripper(x.roundTrip)}
	response, err := client.Do(request)
	if err != nil {
		return x.noResponse(request, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return policy.fail(Transport, where(request)+": the server switched to another protocol, unasked", nil)
	}
	if x.live() {
		x.session.sink.HTTPHead(x.ref, response.StatusCode, responseHeader(response.Header))
	}
	return x.body(request, response)
}

// request makes the request of req, with what the core set.
func (x *exchange) request(req Request) (*http.Request, *Error) {
	policy := x.session.policy
	u, err := url.Parse(req.URL)
	if err != nil { // its text quotes the URL
		return nil, policy.refuse("the core asked for a URL that is not valid; if the server named it, the server is at fault")
	}
	if refused := policy.check(u, nil); refused != nil {
		return nil, refused
	}
	switch strings.ToUpper(req.Method) {
	case http.MethodConnect, http.MethodTrace: // they open a tunnel, and answer with the request's header
		return nil, policy.refuse("the method " + req.Method + " is not granted")
	}
	header, err := requestHeader(req.Header)
	if err != nil {
		return nil, policy.refuse(fmt.Sprintf("%v; the request was not sent", err))
	}
	var body io.Reader
	if req.Body != nil {
		body = strings.NewReader(*req.Body)
	}
	ctx := httptrace.WithClientTrace(x.ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { x.dial.Store(true) },
		WroteHeaders: func() { x.sent.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, req.Method, u.String(), body)
	if err != nil {
		return nil, policy.refuse(fmt.Sprintf("the method %.32q is not valid", req.Method))
	}
	request.Header = header
	return request, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// roundTrip is the only way out: every request passes here, those that follow a redirect too. The
// user's header is added here, so that no error and no redirect can carry it further.
func (x *exchange) roundTrip(req *http.Request) (*http.Response, error) {
	policy := x.session.policy
	if req.Response != nil { // of the redirect
		if refused := policy.check(req.URL, req.Response.Request.URL); refused != nil {
			return nil, refuseRequest(req, refused)
		}
	}
	response, err := x.send(req)
	if err != nil {
		return nil, err
	}
	x.sent.Store(true) // not every transport traces
	// The client's error about this one would quote the URL.
	if _, err := url.Parse(response.Header.Get("Location")); err != nil {
		response.Body.Close()
		return nil, policy.fail(Transport, where(req)+": the server redirects to a URL that is not valid", nil)
	}
	return response, nil
}

// send sends a request, with the user's header. net/http may give it a connection that another
// exchange used last and closes at this moment because it was aborted: the error is then that one's
// cancellation. The request goes out on another connection when it has not begun to; a transport that
// does not trace leaves that open, and gets no second one.
func (x *exchange) send(req *http.Request) (*http.Response, error) {
	policy, transport := x.session.policy, x.session.transport
	response, err := transport.RoundTrip(policy.authorize(req))
	if !errors.Is(err, context.Canceled) || !x.live() || !x.dial.Load() || x.sent.Load() {
		return response, err
	}
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return transport.RoundTrip(policy.authorize(again))
}

// refuseRequest closes what a RoundTripper has to close, and returns refused.
func refuseRequest(req *http.Request, refused *Error) error {
	if req.Body != nil {
		req.Body.Close()
	}
	return refused
}

// noResponse is the error of a request that got no response.
func (x *exchange) noResponse(req *http.Request, err error) *Error {
	policy := x.session.policy
	var own *Error
	if errors.As(err, &own) {
		return policy.fail(own.Kind, own.Message, own.Err)
	}
	kind := Transport
	if !x.sent.Load() && (x.dial.Load() || isDial(err)) {
		kind = Connect
	}
	err = withoutURL(err, req.URL)
	return policy.fail(kind, fmt.Sprintf("%s: %v%s", where(req), innermost(err), remedy(kind, err)), err)
}

// buffers are where bodies are read to before what came is copied out: events are small.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// body hands on the body as it comes.
func (x *exchange) body(req *http.Request, response *http.Response) *Error {
	policy := x.session.policy
	size := newMeter(response, x.session.opts.MaxMessage)
	buffer := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, err := response.Body.Read(buffer[:])
		within := size.take(buffer[:n])
		if within > 0 && x.live() {
			x.session.sink.HTTPBody(x.ref, bytes.Clone(buffer[:within]))
		}
		switch {
		case !x.live():
			return nil
		case within < n:
			return policy.fail(Limit, fmt.Sprintf("%s: the %s is larger than the limit of %d bytes; raise Options.MaxMessageBytes if it is right",
				where(req), size, x.session.opts.MaxMessage), nil)
		case err == io.EOF:
			return nil
		case err != nil:
			err = withoutURL(err, req.URL)
			return policy.fail(Transport, fmt.Sprintf("%s: the response broke off: %v", where(req), innermost(err)), err)
		}
	}
}

// newMeter returns what counts the messages in a response. A body that is announced to be too large
// is so from its first byte.
func newMeter(response *http.Response, limit int64) meter {
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind == "text/event-stream" {
		return newEventMeter(limit)
	}
	if response.ContentLength > limit {
		limit = 0
	}
	return &bodyMeter{left: limit}
}
