package egress

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// hostFields are the request fields that the core cannot set, by canonical name: those of
// one connection and of the message's framing (RFC 9110, section 7.6.1; RFC 9112, section 6), and
// Accept-Encoding, because it is the host that decompresses. They are left out silently, as fetch
// does with its forbidden header names. All of "Proxy-*" belongs to them too.
var hostFields = map[string]bool{
	"Accept-Encoding":   true,
	"Connection":        true,
	"Content-Length":    true,
	"Expect":            true,
	"Host":              true,
	"Keep-Alive":        true,
	"Te":                true,
	"Trailer":           true,
	"Transfer-Encoding": true,
	"Upgrade":           true,
}

// requestHeader returns the fields that the core set, without the host's.
func requestHeader(fields [][2]string) (http.Header, error) {
	header := make(http.Header, len(fields))
	for _, field := range fields {
		if err := ValidField(field[0], field[1]); err != nil {
			return nil, err
		}
		name := http.CanonicalHeaderKey(field[0])
		if !hostFields[name] && !strings.HasPrefix(name, "Proxy-") {
			header[name] = append(header[name], field[1])
		}
	}
	return header, nil
}

// ErrFieldName is the error of a field whose name is not a token.
var ErrFieldName = errors.New("the header's name is not valid")

// ValidField returns what is wrong with a field (RFC 9110, section 5), without its value.
func ValidField(name, value string) error {
	if !validToken(name) {
		return fmt.Errorf("%w: %.64q", ErrFieldName, name)
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("the header %s has a control character in its value", name)
		}
	}
	return nil
}

// validToken reports whether s is a token (RFC 9110, section 5.6.2).
func validToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !('0' <= c && c <= '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// coreFields are the response fields that the core gets, in lower case: those that the protocol, its
// authorization or a client of HTTP has a use for. All of "Mcp-*" belongs to them too. Other fields, such
// as cookies, stay outside: each field of each response costs the core time.
var coreFields = map[string]bool{
	"content-type":     true,
	"dpop-nonce":       true,
	"location":         true,
	"retry-after":      true,
	"www-authenticate": true,
}

// responseHeader returns the fields of a response that the core gets: names in lower case and
// sorted, values in UTF-8.
func responseHeader(header http.Header) [][2]string {
	var fields [][2]string
	for name, values := range header {
		name = strings.ToLower(name)
		if !coreFields[name] && !strings.HasPrefix(name, "mcp-") {
			continue
		}
		for _, value := range values {
			fields = append(fields, [2]string{name, strings.ToValidUTF8(value, "\uFFFD")})
		}
	}
	slices.SortStableFunc(fields, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return fields
}
