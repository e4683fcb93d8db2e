package gateway

import (
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/egress"
)

// retry is how long a client that has lost its connection, or is to poll, waits before it comes back for the rest of a
// stream.
const retry = 250 * time.Millisecond

// firstPolling is the first revision whose clients come back for a stream that has ended before its response.
const firstPolling = "2025-11-25"

// polling is the function that has a client poll for the response to a request: it ends the event stream of the request.
// It is nil where the client does not poll.
func polling(request mcp.Request) func() {
	extra := request.GetExtra()
	if extra == nil || extra.CloseSSEStream == nil {
		return nil
	}
	if version := extra.Header.Get("Mcp-Protocol-Version"); version < firstPolling || version >= modern {
		return nil
	}
	return func() { extra.CloseSSEStream(mcp.CloseSSEStreamArgs{RetryAfter: retry}) }
}

// A pollingTransport carries the requests of one upstream session, and tells when the session comes back for the rest of
// a stream: the server has it poll, or a connection was lost.
type pollingTransport struct {
	http.RoundTripper
	polls func()
}

// RoundTrip carries a request.
func (t *pollingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && r.Header.Get("Last-Event-Id") != "" {
		t.polls()
	}
	return t.RoundTripper.RoundTrip(r)
}

// passPolling has the downstream client poll when the server of a link has the link poll. Both have event streams. The
// caller calls the function when the link has ended.
func (l *link) passPolling(o *caisson.ClientOptions, server *caisson.Server) (end func()) {
	session := l.upstream.client.session
	if session == nil || session.ID() == "" || server.URL == "" {
		return func() {}
	}
	end = func() {}
	transport := server.HTTPTransport
	if transport == nil {
		transport = o.HTTPTransport
	}
	if transport == nil {
		own := egress.NewTransport(o.PrivateAddresses)
		transport, end = own, own.CloseIdleConnections
	}
	o.HTTPTransport = &pollingTransport{transport, l.polled}
	server.HTTPTransport = nil
	return end
}

// polled has the client poll for the responses to all requests that are underway: the stream may be of any of them.
func (l *link) polled() {
	l.mu.Lock()
	var all []func()
	for _, x := range l.exchanges {
		if x.poll != nil {
			all = append(all, x.poll)
		}
	}
	l.mu.Unlock()
	for _, poll := range all {
		poll()
	}
}
