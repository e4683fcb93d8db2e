package egress

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// origin is the scheme, the host and the port of a URL in one form: lower case, a name in ASCII, an
// IP address in its canonical text, no default port. Two URLs are of one origin when their origins
// are equal. Names are never resolved.
type origin string

// defaultPorts are those of the schemes that there are.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// originOf returns the origin of u, which must be absolute and of scheme http or https. No error
// quotes the URL.
func originOf(u *url.URL) (origin, error) {
	scheme := strings.ToLower(u.Scheme)
	if defaultPorts[scheme] == "" {
		return "", errors.New("the URL's scheme is not http or https")
	}
	host, err := hostAndPort(u)
	if err != nil {
		return "", err
	}
	return origin(scheme + "://" + host), nil
}

// hostAndPort returns the host of u in one form, and its port where it is not the scheme's own.
func hostAndPort(u *url.URL) (string, error) {
	host, err := hostOf(u)
	if err != nil {
		return "", err
	}
	if u.Port() != "" {
		number, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return "", errors.New("the URL's port is not between 0 and 65535")
		}
		if port := strconv.FormatUint(number, 10); port != defaultPorts[strings.ToLower(u.Scheme)] {
			return net.JoinHostPort(host, port), nil
		}
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host, nil
}

// originText is the origin of u for a message: a URL never appears in one, since its user
// information, its query and often its path are secrets.
func originText(u *url.URL) string {
	o, err := originOf(u)
	if err != nil {
		return "a URL that is not valid here"
	}
	return string(o)
}
