package config

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// checkOrigin finds what is wrong with the origin of pages. It is compared with what browsers send, so it has to be written
// as they write it.
func checkOrigin(origin string) error {
	if strings.Contains(origin, "*") {
		return fmt.Errorf("%q stands for pages of which nobody knows whose they are: name each origin, such as https://app.example.com", origin)
	}
	if strings.ContainsFunc(origin, func(r rune) bool { return r > unicode.MaxASCII }) {
		return fmt.Errorf("browsers write %q in ASCII, with xn--: write it so too", origin)
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return fmt.Errorf("%q is no origin: it is a scheme and a host, such as https://app.example.com", origin)
	}
	written := &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	if port := u.Port(); port == "" || port == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		written.Host = strings.TrimSuffix(written.Host, ":"+port)
	}
	if of := written.String(); origin != of {
		return fmt.Errorf("browsers do not write %q: they write %s", u.Redacted(), of)
	}
	return nil
}
