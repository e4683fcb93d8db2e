package bearer

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// SiteOptions say by which names a server is reached, and by which pages.
type SiteOptions struct {
	// Hosts are the values of Host that are taken, such as mcp.example.com or 192.0.2.1:8080. A name without a
	// port is taken with any. Default: localhost, 127.0.0.1 and [::1].
	Hosts []string
	// Origins are the origins of pages that may send requests, such as https://app.example.com. Default: only the
	// server's own.
	Origins []string
}

// CheckSite refuses, with 403, requests that a page of somebody else's has a browser send: those whose Host is not
// one of the server's names, as after DNS rebinding, and those whose Origin is another (MCP, "Streamable HTTP":
// security warning). Requests without Origin are of programs, and pass.
//
// The Go SDK's own check is of Host, and only on loopback; net/http's CrossOriginProtection compares Origin with
// Host, whatever that is, and lets GET pass.
func CheckSite(options SiteOptions) func(http.Handler) http.Handler {
	hosts, origins := slices.Clone(options.Hosts), slices.Clone(options.Origins)
	known := func(host string) bool {
		if len(hosts) == 0 {
			return isLoopback(hostOf(host))
		}
		return slices.ContainsFunc(hosts, func(h string) bool {
			return strings.EqualFold(h, host) || strings.EqualFold(hostOf(h), hostOf(host)) && !hasPort(h)
		})
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !known(r.Host) {
				http.Error(w, "the Host header does not name this server", http.StatusForbidden)
				return
			}
			for _, origin := range r.Header.Values("Origin") {
				scheme := "http://"
				if r.TLS != nil {
					scheme = "https://"
				}
				if !strings.EqualFold(origin, scheme+r.Host) && !slices.Contains(origins, origin) {
					http.Error(w, "pages of this origin may not use this server", http.StatusForbidden)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// hasPort reports whether a text has a port behind a host.
func hasPort(text string) bool {
	return text != hostOf(text) && text != "["+hostOf(text)+"]"
}

// hostOf is the name in a Host header, without its port.
func hostOf(text string) string {
	if host, _, err := net.SplitHostPort(text); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
}
