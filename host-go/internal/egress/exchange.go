package egress

import (
	"bytes"
	"container/list"
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

	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// exchange is one HTTP request and its response. It belongs to the goroutine in run.
type exchange struct {
	session  *Broker
	ref      Ref
	template *Template
	body     *string
	// authorizes is the request, when the exchange is a part of the authorization.
	authorizes *authorizing
	freed      func()          // see Sending
	ctx        context.Context // ends when the exchange is aborted
	cancel     context.CancelFunc

	queue *exchangeQueue
	place *list.Element // where it waits for its turn; nil when it does not

	dial atomic.Bool // a connection was asked for
	sent atomic.Bool // a request was sent, at least its header
}

func newExchange(s *Broker, ref Ref, t *Template, body *string, how Sending) *exchange {
	x := &exchange{session: s, ref: ref, template: t, body: body, freed: how.Freed, queue: &s.replies}
	if how.Asked {
		x.queue = &s.asked
	}
	x.ctx, x.cancel = context.WithCancel(s.ctx)
	return x
}

// free releases the request.
func (x *exchange) free() {
	x.cancel()
	x.template, x.body = nil, nil
	if x.freed != nil {
		x.freed()
	}
}

// run does the exchange and tells the sink.
func (x *exchange) run() {
	whole, err := x.do()
	if !x.session.releaseExchange(x) {
		return
	}
	if whole != nil {
		x.session.sink.HTTPResponse(x.ref, whole.status, whole.header, whole.body)
	} else {
		x.session.sink.HTTPEnd(x.ref, err)
	}
}

// live reports whether the sink must still get events.
func (x *exchange) live() bool { return x.ctx.Err() == nil }

// whole is a response that the sink gets in one call.
type whole struct {
	status int
	header [][2]string
	body   string
}

// do sends a request. It passes the response on piece by piece, or returns a whole one.
func (x *exchange) do() (*whole, *Error) {
	policy := x.session.policy
	if x.authorizes != nil {
		return x.authorize()
	}
	if refused, err := x.unauthorized(); refused != nil || err != nil {
		return refused, err
	}
	request := x.request()
	client := &http.Client{Transport: roundTripper(x.roundTrip), CheckRedirect: policy.redirect}
	response, err := client.Do(request)
	if err != nil {
		return nil, x.noResponse(request, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil, policy.fail(Transport, where(request)+": the server switched to another protocol, unasked", nil)
	}
	return x.response(request, response)
}

// request makes a request of the template.
func (x *exchange) request() *http.Request {
	t, body := x.template, x.body
	var content io.Reader
	if body != nil {
		content = strings.NewReader(*body)
	}
	// The template's method and URL were good for a request.
	request, _ := http.NewRequestWithContext(x.traced(x.ctx), t.method, "/", content)
	u := *t.url
	request.URL, request.Host = &u, u.Host
	request.Header = t.header.Clone()
	return request
}

// traced has a request say whether there was a connection for it, and whether it was sent.
func (x *exchange) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { x.dial.Store(true) },
		WroteHeaders: func() { x.sent.Store(true) },
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// roundTrip is the only way out: every request passes here, those that follow a redirect too, which
// policy.redirect has let pass. The user's header is added here, so that no error and no redirect can
// carry it further.
func (x *exchange) roundTrip(req *http.Request) (*http.Response, error) {
	policy := x.session.policy
	response, err := x.send(req)
	if errors.Is(err, errNeither) {
		return nil, policy.fail(Transport, where(req)+": "+err.Error(), nil)
	}
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
// does not trace leaves that open, and gets no second one. Nor does a request get a third chance that the
// server has answered because its proof had no nonce.
func (x *exchange) send(req *http.Request) (*http.Response, error) {
	response, wantsNonce, err := x.attempt(req)
	interrupted := errors.Is(err, context.Canceled) && x.live() && x.dial.Load() && !x.sent.Load()
	if !wantsNonce && !interrupted {
		return response, err
	}
	if wantsNonce {
		response.Body.Close()
	}
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	response, _, err = x.attempt(again)
	return response, err
}

// attempt sends a request once, and reports whether the server only wanted a nonce in the proof.
func (x *exchange) attempt(req *http.Request) (response *http.Response, wantsNonce bool, err error) {
	policy := x.session.policy
	sent, err := policy.authorize(req)
	if err != nil {
		return nil, false, err
	}
	response, err = RoundTrip(x.session.transport, sent)
	switch {
	case err != nil:
	case policy.authorization != nil:
		wantsNonce = policy.authorization.Observe(sent, response)
	case response.StatusCode == http.StatusUnauthorized && x.session.opts.Challenged != nil:
		x.session.opts.Challenged(policy.hide(strings.Join(response.Header.Values("WWW-Authenticate"), ", ")))
	}
	return response, wantsNonce, err
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

// response hands on a response as it comes. One to a POST that is no stream of events it returns, when
// it fits into a buffer.
func (x *exchange) response(req *http.Request, response *http.Response) (*whole, *Error) {
	buffer := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buffer)
	header := responseHeader(response.Header)
	// What says why there is no answer may quote the request, the token in it too. A result is the program's,
	// byte for byte.
	if policy := x.session.policy; policy.authorization != nil && response.StatusCode >= 300 {
		veil := policy.authorization.Veil()
		veil.header(header)
		response.Body = veil.body(response.Body)
	}
	size, events := newMeter(response, x.session.opts.MaxMessage)
	n, ended := 0, false
	var failed *Error
	// A GET asks for a stream: the head of anything else says all, and its body may have no end.
	waits := !events && req.Method == http.MethodPost && hasEnd(response) && !without.WholeResponses
	for waits && !ended && failed == nil && n < len(buffer) {
		var got int
		got, ended, failed = x.read(req, response, size, buffer[n:])
		n += got
	}
	if ended {
		return &whole{response.StatusCode, header, strings.ToValidUTF8(string(buffer[:n]), "\uFFFD")}, nil
	}
	if x.live() {
		x.session.sink.HTTPHead(x.ref, response.StatusCode, header)
	}
	for {
		if n > 0 && x.live() {
			x.session.sink.HTTPBody(x.ref, bytes.Clone(buffer[:n]))
		}
		if ended || failed != nil || !x.live() {
			return nil, failed
		}
		n, ended, failed = x.read(req, response, size, buffer[:])
	}
}

// read reads the next bytes of a body: those within the limit, and what was found behind them.
func (x *exchange) read(req *http.Request, response *http.Response, size meter, buffer []byte) (n int, ended bool, failed *Error) {
	policy := x.session.policy
	got, err := response.Body.Read(buffer)
	n = size.take(buffer[:got])
	switch {
	case n < got:
		return n, false, policy.fail(Limit, fmt.Sprintf("%s: the %s is larger than the limit of %d bytes; raise ClientOptions.MaxMessageBytes if it is right",
			where(req), size, x.session.opts.MaxMessage), nil)
	case err == io.EOF:
		return n, true, nil
	case err != nil:
		err = withoutURL(err, req.URL)
		return n, false, policy.fail(Transport, fmt.Sprintf("%s: the response broke off: %v", where(req), innermost(err)), err)
	}
	return n, false, nil
}

// hasEnd reports whether to wait for the body of the response to a POST: for an answer, for a body that
// says why there is no answer, and for a body with a length. For anything else the head says enough.
func hasEnd(response *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return kind == "application/json" || response.StatusCode >= 300 || response.ContentLength >= 0
}

// newMeter returns the meter for a response, and whether the response is a stream of events. A body whose
// announced length is too large is refused at its first byte.
func newMeter(response *http.Response, limit int64) (size meter, events bool) {
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind == "text/event-stream" {
		return newEventMeter(limit), true
	}
	if response.ContentLength > limit {
		limit = 0
	}
	return &bodyMeter{left: limit}, false
}
