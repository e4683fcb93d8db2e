package bearer

import (
	"net/http"
	"net/url"
	"strings"
)

// maxTokenBytes bounds a token.
const maxTokenBytes = 16 << 10

// tokenOf takes the one token out of a request. RFC 6750 has three ways to send one, of which MCP has the header.
func tokenOf(r *http.Request) (string, *refusal) {
	if hasQueryToken(r.URL.RawQuery) {
		return "", badRequest("a token in the URL is not taken: send it in the Authorization header")
	}
	switch fields := r.Header.Values("Authorization"); len(fields) {
	case 0:
		return "", noToken()
	case 1:
		return parseHeader(fields[0])
	default:
		return "", badRequest("there are several Authorization headers")
	}
}

// hasQueryToken reports whether a query has a token in it, as RFC 6750 has it in section 2.3.
func hasQueryToken(query string) bool {
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if strings.EqualFold(name, "access_token") {
			return true
		}
	}
	return false
}

// parseHeader takes the token out of an Authorization header (RFC 6750, section 2.1).
func parseHeader(field string) (string, *refusal) {
	scheme, token, found := strings.Cut(field, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", noToken()
	}
	token = strings.TrimLeft(token, " ")
	switch {
	case !found || token == "":
		return "", badRequest("the Authorization header has no token")
	case len(token) > maxTokenBytes:
		return "", badRequest("the token is too long")
	case !isToken68(token):
		return "", badRequest("the Authorization header is not of the form 'Bearer TOKEN'")
	}
	return token, nil
}

// isToken68 reports whether a text has the characters of a token (b64token).
func isToken68(text string) bool {
	body := strings.TrimRight(text, "=")
	for _, c := range []byte(body) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~+/", c) >= 0) {
			return false
		}
	}
	return body != ""
}
