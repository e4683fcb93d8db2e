package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/caisson-dev/caisson/daemon/internal/access"
)

// principalHeader has who calls, from one daemon to another. Only what comes by NATS is believed.
const principalHeader = "Caisson-Principal"

const (
	// pingInterval is how long another daemon may be silent before it is asked whether it is there, and pingWait how
	// long it may take to answer.
	pingInterval = 5 * time.Second
	pingWait     = 5 * time.Second
	// maxStreams bounds the calls of one connection that are underway.
	maxStreams = 1000
	idle       = 5 * time.Minute
)

func http2() (*http.Protocols, *http.HTTP2Config) {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	return protocols, &http.HTTP2Config{SendPingTimeout: pingInterval, PingTimeout: pingWait, MaxConcurrentStreams: maxStreams}
}

// URL is where another daemon is for [Cluster.Client].
func URL(node string) string { return "http://" + node }

// Client calls other daemons, for the principal of the context. An error in which there is a [link.DialError] says that
// nothing was sent.
func (c *Cluster) Client() *http.Client { return c.client }

func (c *Cluster) newClient() *http.Client {
	protocols, config := http2()
	return &http.Client{Transport: &forPrincipal{&http.Transport{
		Protocols: protocols, HTTP2: config, IdleConnTimeout: idle,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			node, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return c.link.Dial(ctx, node)
		},
	}}}
}

// forPrincipal says for whom a call is.
type forPrincipal struct{ next http.RoundTripper }

func (f *forPrincipal) RoundTrip(r *http.Request) (*http.Response, error) {
	p := access.FromContext(r.Context())
	if p == nil {
		return nil, errors.New("it is not known who calls")
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set(principalHeader, base64.StdEncoding.EncodeToString(text))
	return f.next.RoundTrip(r)
}

func (f *forPrincipal) CloseIdleConnections() {
	if t, ok := f.next.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

type forwardedKey struct{}

// Forwarded reports whether another daemon makes a call: it is answered here, and goes no further.
func Forwarded(ctx context.Context) bool { return ctx.Value(forwardedKey{}) != nil }

func newServer() *http.Server {
	protocols, config := http2()
	return &http.Server{Protocols: protocols, HTTP2: config, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idle}
}

// Serve answers the calls of other daemons until the cluster drains or is closed. It is called once.
func (c *Cluster) Serve(handler http.Handler) {
	c.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &access.Principal{}
		text, err := base64.StdEncoding.DecodeString(r.Header.Get(principalHeader))
		if err == nil {
			err = json.Unmarshal(text, p)
		}
		if err != nil || p.Name == "" {
			http.Error(w, "it is not known for whom the call is", http.StatusUnauthorized)
			return
		}
		ctx := context.WithValue(access.WithPrincipal(r.Context(), p), forwardedKey{}, true)
		handler.ServeHTTP(w, r.WithContext(ctx))
	})
	_ = c.server.Serve(c.link) // It ends with the listener.
}

// Drain takes no new calls of other daemons, and waits for those that are underway, until the context ends.
func (c *Cluster) Drain(ctx context.Context) { _ = c.server.Shutdown(ctx) }
