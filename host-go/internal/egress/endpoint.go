package egress

import (
	"errors"
	"net/url"
	"strings"
)

// ParseURL reads the URL of a server, and gives it in the form that the core's own URLs have, so
// that both sides name the same host and path: the host as hostOf has it, no default port, no dot
// segments in the path, and nothing in the query that cannot be sent. A fragment is dropped.
//
// Its errors say what is wrong, and quote nothing: a URL that cannot be read cannot be redacted.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, unreadable(text, err)
	case u.Host == "" || defaultPorts[u.Scheme] == "":
		return nil, errors.New("the URL is not an absolute http or https URL, which begins with http:// or https://")
	}
	host, err := hostAndPort(u)
	if err != nil {
		return nil, err
	}
	path := withoutDots(u.EscapedPath())
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, errors.New("the URL has a % that is not followed by two hexadecimal digits")
	}
	return &url.URL{Scheme: u.Scheme, User: u.User, Host: host, Path: plain, RawPath: path, RawQuery: sendable(u.RawQuery)}, nil
}

// unreadable says what is wrong with a text that is not a URL, without quoting it.
func unreadable(text string, err error) error {
	var escape url.EscapeError
	var host url.InvalidHostError
	switch {
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return errors.New("the URL has a control character in it")
	case errors.As(err, &escape):
		return errors.New("the URL has a % that is not followed by two hexadecimal digits")
	case errors.As(err, &host):
		return errors.New("the URL's host has a character that no name of a host has")
	case strings.Contains(err.Error(), "invalid port"):
		return errors.New("the URL's port is not a number")
	case strings.Contains(text, "["):
		return errNoIPv6
	}
	return errors.New("the URL is not an absolute http or https URL")
}

// withoutDots resolves the dot segments of an escaped path, as the URL standard does: an escaped dot
// is one too (URL, "double-dot URL path segment").
func withoutDots(path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var kept []string
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case "..":
			kept = kept[:max(0, len(kept)-1)]
			fallthrough
		case ".":
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, segment)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// sendable escapes what cannot stand in a query as the URL standard does ("special-query
// percent-encode set"); net/http sends a query as it is.
func sendable(query string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(query) {
		c := query[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"#<>'`, c) >= 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// GuestURL returns a server's URL as the core gets it: without its query and its user information, which
// often are secrets. The query is put back on the way out; see policy.complete.
func GuestURL(u *url.URL) string {
	guest := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return guest.String()
}
