// Package text bounds what errors say: names are a component's to choose, and may
// be as long as its file.
package text

import "unicode/utf8"

// maxShort is how many bytes a text of an error may have before it is cut.
const maxShort = 1000

// Short returns a text of about maxShort bytes at most: of a longer one the
// beginning and the end, which names the cause.
func Short(s string) string {
	if len(s) <= maxShort {
		return s
	}
	end := len(s) - maxShort/2
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	return First(s, maxShort/2) + " ... " + s[end:]
}

// First returns the first n bytes of a text at most, and whole characters.
func First(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
