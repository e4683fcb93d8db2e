package wasi

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ParseOrigin returns an origin in the form in which origins are compared: lower case, an IP address in its
// canonical text, and the port. The error says what is wrong with an entry of Config.AllowedOrigins. An
// origin is "http://" or "https://", a host, and a port when it is not the default of the scheme, 80 or 443.
// A host is one name in ASCII, or one address: there are no wildcards.
func ParseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", fmt.Errorf("wasi: origin %q: %w", s, errors.Unwrap(err))
	}
	if u.Host == "" && !strings.Contains(s, "://") {
		return "", fmt.Errorf("wasi: origin %q does not begin with http:// or https://", s)
	}
	if u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", fmt.Errorf("wasi: origin %q has more than a scheme, a host and a port", s)
	}
	o, err := originOf(u)
	if err != nil {
		return "", fmt.Errorf("wasi: origin %q: %w", s, err)
	}
	return o, nil
}

// nameChars are the characters of a host's name.
const nameChars = "abcdefghijklmnopqrstuvwxyz0123456789.-_"

// canonical spells the host and port of a URL as its origin does, so that the request goes to the host that
// was checked.
func canonical(u *url.URL) {
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		u.Host = net.JoinHostPort(host, strconv.FormatUint(n, 10))
		return
	}
	if u.Host = host; strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
}

// originOf returns the origin of a URL.
func originOf(u *url.URL) (string, error) {
	scheme := strings.ToLower(u.Scheme)
	standard := map[string]string{"http": "80", "https": "443"}[scheme]
	if standard == "" {
		return "", errors.New("the scheme is not http or https")
	}
	host := strings.ToLower(u.Hostname())
	if host == "" {
		return "", errors.New("there is no host")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	} else if strings.Trim(host, nameChars) != "" {
		return "", fmt.Errorf("the host %q is not a name in ASCII or an address; there are no wildcards", host)
	}
	port := u.Port()
	if port == "" {
		port = standard
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", errors.New("the port is not between 0 and 65535")
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}
