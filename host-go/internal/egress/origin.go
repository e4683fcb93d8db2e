package egress

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// origin is the scheme, the host and the port of a URL in one form: lower case, an IP address in
// its canonical text, no default port. Two URLs are of one origin when their origins are equal.
// Names are never resolved.
type origin string

// originOf returns the origin of u, which must be absolute and of scheme http or https.
func originOf(u *url.URL) (origin, error) {
	scheme := strings.ToLower(u.Scheme)
	defaultPort := map[string]string{"http": "80", "https": "443"}[scheme]
	if defaultPort == "" {
		return "", errors.New("the URL's scheme is not http or https")
	}
	host := strings.ToLower(u.Hostname())
	if host == "" {
		return "", errors.New("the URL has no host")
	}
	if address, err := netip.ParseAddr(host); err == nil {
		host = address.String()
	}
	port := defaultPort
	if u.Port() != "" {
		number, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return "", errors.New("the URL's port is not between 0 and 65535")
		}
		port = strconv.FormatUint(number, 10)
	}
	if port != defaultPort {
		return origin(scheme + "://" + net.JoinHostPort(host, port)), nil
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return origin(scheme + "://" + host), nil
}

// originText is the origin of u for a message: a URL never appears in one, since its user
// information, its query and often its path are secrets.
func originText(u *url.URL) string {
	o, err := originOf(u)
	if err != nil {
		return "a URL that is not http or https"
	}
	return string(o)
}
