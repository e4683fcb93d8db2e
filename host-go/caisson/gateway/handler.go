package gateway

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Handler serves the gateway over streamable HTTP: see the package for the paths. It refuses requests that a web page
// of another origin makes, or that call the server by a name that it does not have, so that no web page reaches it by
// DNS rebinding. A session id of another principal's is not found.
func (g *Gateway) Handler() http.Handler {
	var handler http.Handler = http.HandlerFunc(g.serve)
	if g.options.Authenticate != nil {
		handler = g.options.Authenticate(handler)
	}
	return hurry(g.guard(handler), bodyTime, writeTime)
}

// guard checks Host and Origin, before anything else.
func (g *Gateway) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOf(r.Host)
		if !g.knows(host) {
			http.Error(w, "the Host is none of this server's: gateway.Options.AllowedHosts has others, and --url of caisson serve", http.StatusForbidden)
			return
		}
		if origins := r.Header.Values("Origin"); len(origins) > 0 {
			u, err := url.Parse(origins[0])
			same := err == nil && len(origins) == 1 && u.Host != "" && (u.Host == r.Host || isLoopback(u.Hostname()) && isLoopback(host))
			if !same && (len(origins) > 1 || !slices.Contains(g.options.AllowedOrigins, origins[0])) {
				http.Error(w, "the Origin is another one: gateway.Options.AllowedOrigins has those that may call", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// knows reports whether the server may be called by a name. An address cannot be rebound.
func (g *Gateway) knows(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return true
	}
	return slices.ContainsFunc(g.options.AllowedHosts, func(name string) bool { return strings.EqualFold(name, host) })
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && address.IsLoopback()
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	e := g.endpoint(strings.TrimSuffix(r.URL.Path, "/"))
	if e == nil {
		http.NotFound(w, r)
		return
	}
	notice := carryRequest(r, g.options.MaxRequestBytes)
	principal := g.principalOf(r.Context())
	r = r.WithContext(WithPrincipal(r.Context(), principal))
	g.carryTrace(r)
	if notice != nil {
		e.noticed(r, notice)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if r.Header.Get("Mcp-Protocol-Version") >= modern {
		if e.refuses(w, r) {
			return
		}
		e.stateless.ServeHTTP(&carrying{w}, r)
		return
	}
	if id := r.Header.Get("Mcp-Session-Id"); id != "" {
		e.mu.Lock()
		c := e.ids[id]
		e.mu.Unlock()
		if c == nil || c.principal != principal {
			http.Error(w, "session not found", http.StatusNotFound)
			return
		}
		c.use()
		defer c.unuse()
		if r.Method == http.MethodDelete {
			c.cancel() // The session ends when nothing that was asked waits any more.
			defer func() { _ = c.session.Close() }()
		}
	}
	e.stateful.ServeHTTP(&resumable{ResponseWriter: w}, r)
}

// resumable writes in front of an event stream how long a client waits: the Go SDK says so only where it closes a stream.
type resumable struct {
	http.ResponseWriter
	begun bool
}

// Write writes a part of the response.
func (w *resumable) Write(text []byte) (int, error) {
	if !w.begun {
		w.begun = true
		if w.Header().Get("Content-Type") == "text/event-stream" {
			if _, err := fmt.Fprintf(w.ResponseWriter, "retry: %d\n", retry.Milliseconds()); err != nil {
				return 0, err
			}
		}
	}
	return (&carrying{w.ResponseWriter}).Write(text)
}

// carrying gives clients the notifications of extensions as they are.
type carrying struct{ http.ResponseWriter }

// Write writes an event, or another part of the response. What it returns counts the Go SDK's own bytes.
func (w *carrying) Write(text []byte) (int, error) {
	if _, err := w.ResponseWriter.Write(carryEvent(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Unwrap is for an [http.ResponseController].
func (w *carrying) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Unwrap is for an [http.ResponseController].
func (w *resumable) Unwrap() http.ResponseWriter { return w.ResponseWriter }
