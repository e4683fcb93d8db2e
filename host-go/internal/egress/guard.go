package egress

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
)

// A guard dials, and checks the address that a name leads to. A grant names a host, and the owner of the
// name decides its address, anew at each connection. A name of the public DNS may lead to this machine, to
// a network behind a firewall, or to the metadata service of a cloud: the request would have the user's
// header fields, and the server could read the answers.
type guard struct {
	dialer  net.Dialer
	private bool     // every address is let pass
	proxies sync.Map // the addresses of proxies, as DialContext gets them
}

// DialContext connects to a host as net.Dialer does, but only at an address that the host's name may have.
// It always allows an address that was configured as an address.
func (g *guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || g.private || isAddress(host) || g.isProxy(address) {
		return g.dialer.DialContext(ctx, network, address)
	}
	dialer := g.dialer
	dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		what := reserved(to.Addr())
		if what == "" || isLocalName(host) && what != metadata {
			return nil
		}
		return &Error{Kind: Refused, Message: fmt.Sprintf("the name %s leads to %s, which is %s, and a name like it must not; "+
			"if the server is there, configure the address itself, or set ClientOptions.PrivateAddresses", host, to.Addr(), what)}
	}
	return dialer.DialContext(ctx, network, address)
}

// proxy is the proxy that the environment names for a request. The user has named the proxy, so it may
// have any address.
func (g *guard) proxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err != nil { // its text quotes the variable, which may have a password in it
		return nil, &Error{Kind: Connect, Message: "the proxy in HTTP_PROXY or HTTPS_PROXY is not a valid URL"}
	}
	if u != nil {
		g.allowProxy(u)
	}
	return u, nil
}

// allowProxy allows the address of a proxy.
func (g *guard) allowProxy(u *url.URL) {
	port := u.Port()
	if port == "" {
		port = proxyPorts[u.Scheme]
	}
	g.proxies.Store(net.JoinHostPort(u.Hostname(), port), true)
}

// proxyPorts are the ports of proxies whose URL has none, as in net/http.
var proxyPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

func (g *guard) isProxy(address string) bool {
	_, is := g.proxies.Load(address)
	return is
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// localSuffixes end names that the public DNS does not have (RFC 6761, RFC 6762, RFC 8375, and
// "internal", which ICANN has set aside).
var localSuffixes = []string{".localhost", ".local", ".internal", ".home.arpa"}

// isLocalName reports whether a name has the form of a local one, which may have a private address. A name
// without a dot is local: the public DNS has none.
func isLocalName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range localSuffixes {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
