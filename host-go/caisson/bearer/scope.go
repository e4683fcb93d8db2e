package bearer

import (
	"encoding/json"
	"errors"
	"strings"
)

// maxScopes bounds the scopes of one token.
const maxScopes = 256

var errScopes = errors.New("its scopes are not of the form that RFC 6749 has")

// isScope reports whether a text is one scope (RFC 6749, section 3.3).
func isScope(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return text != ""
}

// scopes reads the scopes of a JWT: "scope" with spaces in between (RFC 9068), or else "scp", a list with some
// authorization servers and a text with others.
func scopes(scope, scp json.RawMessage) ([]string, error) {
	raw := scope
	if raw == nil {
		raw = scp
	}
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	var list []string
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		if text != "" {
			list = strings.Split(text, " ")
		}
	} else if err := json.Unmarshal(raw, &list); err != nil {
		return nil, errScopes
	}
	if len(list) > maxScopes {
		return nil, errScopes
	}
	for _, s := range list {
		if !isScope(s) {
			return nil, errScopes
		}
	}
	return list, nil
}
