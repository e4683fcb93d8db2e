// Package jsonpointer reads and writes JSON Pointers (RFC 6901).
package jsonpointer

import "strings"

var (
	escape   = strings.NewReplacer("~", "~0", "/", "~1")
	unescape = strings.NewReplacer("~1", "/", "~0", "~")
)

// Tokens returns the names of a pointer, from the outermost on; none for "", which stands for the whole.
func Tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, token := range tokens {
		tokens[i] = unescape.Replace(token)
	}
	return tokens
}

// Join returns the pointer to what a name stands for in what another pointer leads to.
func Join(pointer, token string) string { return pointer + "/" + escape.Replace(token) }
