package egress

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Authorization is the authorization of one session. Its methods are safe for concurrent use.
type Authorization interface {
	// Ready reports whether a request can go out: not when its token is known to be at its end. The core is
	// told so as if the server had said it, and sees to another token.
	Ready(ctx context.Context) (bool, *Error)
	// Apply puts what proves who the user is into the header of a request for the server.
	Apply(req *http.Request) error
	// Observe hears what answers such a request, and reports whether it is to be sent again at once.
	Observe(req *http.Request, response *http.Response) (again bool)
	// Request makes of a request of the core's for the authorization one that goes out, with the secrets in
	// it, and gives what reads the answer.
	Request(ctx context.Context, r Request, client string) (*http.Request, Reader, *Error)
	// Veil hides what must not be told, as far as it is known.
	Veil() *Veil
}

// A Reader reads the answer to a request of the authorization, and takes the secrets out of it.
type Reader interface {
	// Read gives what the core is told, or a request that is to be sent in the place of the last one.
	Read(status int, header http.Header, body []byte) (Answer, *http.Request, *Error)
	// Failed hears that no answer came, in the place of Read. It gives a request that is to be sent in the place
	// of the last one, or what the exchange fails with.
	Failed(why *Error) (*http.Request, *Error)
	// Close ends the exchange. It is called once, whatever came.
	Close()
}

// An Answer is what the core is told.
type Answer struct {
	Status int
	Header [][2]string
	Body   string
}

// authorizing is a request of the authorization.
type authorizing struct {
	request Request
	client  string
}

// Authorize is HTTPStart for a request of the authorization, which goes where the Authorization of the grant
// lets it go. client says how the client proves to a token endpoint who it is.
func (s *Broker) Authorize(ref Ref, req Request, client string, how Sending) error {
	x := newExchange(s, ref, &Template{}, nil, how)
	x.authorizes = &authorizing{req, client}
	if s.policy.authorization == nil {
		x.template.failed = s.policy.refuse("authorization is not granted, because none is configured; set Server.Auth to allow it")
	}
	begun, err := s.begin(x)
	if !begun {
		x.free()
	}
	return err
}

// maxAnswer is the largest answer of an authorization server, in bytes.
const maxAnswer = 1 << 20

// authorize sends a request of the authorization. It follows no redirect: the core does, as far as it is
// granted.
func (x *exchange) authorize() (*whole, *Error) {
	policy := x.session.policy
	request, reader, failed := policy.authorization.Request(x.ctx, x.authorizes.request, x.authorizes.client)
	if reader != nil {
		defer reader.Close()
	}
	for failed == nil {
		var answer Answer
		asked := request
		if response, body, broken := x.asked(request); broken != nil {
			request, failed = reader.Failed(broken)
		} else if answer, request, failed = reader.Read(response.StatusCode, response.Header, body); failed != nil {
			failed.Message = where(asked) + ": " + failed.Message
		} else if request == nil {
			return &whole{answer.Status, answer.Header, answer.Body}, nil
		}
	}
	return nil, policy.fail(failed.Kind, failed.Message, failed.Err)
}

// asked sends one request of the authorization, and reads the whole answer.
func (x *exchange) asked(request *http.Request) (*http.Response, []byte, *Error) {
	policy := x.session.policy
	x.dial.Store(false)
	x.sent.Store(false)
	response, err := RoundTrip(x.session.transport, request.WithContext(x.traced(request.Context())))
	if err != nil {
		return nil, nil, x.noResponse(request, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, policy.fail(Transport, fmt.Sprintf("%s: the response broke off: %v", where(request), innermost(err)), err)
	case len(body) > maxAnswer:
		return nil, nil, policy.fail(Limit, fmt.Sprintf("%s: the answer is larger than the limit of %d bytes", where(request), maxAnswer), nil)
	}
	return response, body, nil
}

// unauthorized is what the server would answer to a request whose token is at its end. Nil says that it
// would not.
func (x *exchange) unauthorized() (*whole, *Error) {
	policy := x.session.policy
	if policy.authorization == nil {
		return nil, nil
	}
	ready, failed := policy.authorization.Ready(x.ctx)
	switch {
	case failed != nil:
		return nil, policy.fail(failed.Kind, failed.Message, failed.Err)
	case ready:
		return nil, nil
	}
	return &whole{http.StatusUnauthorized, [][2]string{{"www-authenticate", `Bearer error="invalid_token"`}}, ""}, nil
}

// Loopback reports whether a URL is of this machine by its form.
func Loopback(u *url.URL) bool {
	host, err := hostOf(u)
	if err != nil {
		return false
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsLoopback()
	}
	host = strings.TrimSuffix(host, ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// LocalHost says what the host of a URL is that is not of the internet by its form: an address of a private
// network, or a name that the public DNS does not have. It is "" for any other.
func LocalHost(u *url.URL) string {
	host, err := hostOf(u)
	if err != nil {
		return "no host"
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return reserved(address)
	}
	if isLocalName(host) {
		return "a name of a local network"
	}
	return ""
}

// Inside says what the host of a URL is, by its form, where what a server says must not lead to: nearer to this
// machine than the server is. It is "" for any other.
func Inside(server, u *url.URL) string {
	local := LocalHost(u)
	switch {
	case local != "" && LocalHost(server) == "":
		return local + ", and the server is on the internet"
	case Loopback(u) && !Loopback(server):
		return "this machine, and the server is another one"
	}
	return ""
}
