// Package text bounds the texts of errors: a component chooses its names, and a name may be as long as the
// file.
package text

import "unicode/utf8"

// maxShort is how many bytes a text in an error may have before it is cut.
const maxShort = 1000

// Short returns a text of at most about maxShort bytes. Of a longer text it returns the beginning and the
// end, which names the cause.
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

// First returns at most the first n bytes of a text, and only whole characters.
func First(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
