// Package unseen finds the characters of a text that a person does not see, or that change how the rest is
// shown, and that a language model reads all the same.
package unseen

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Is reports whether a character is not seen. A plain space, the end of a line and a tabulator are.
func Is(r rune) bool {
	switch {
	case r == ' ' || r == '\n' || r == '\t':
		return false
	case !unicode.IsPrint(r) || r == utf8.RuneError || unicode.Is(unicode.Variation_Selector, r):
		return true
	}
	switch r { // Letters and signs that show nothing: fillers of Hangul, a blank of Braille, and their like.
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0:
		return true
	}
	return false
}

// Bidi reports whether a character changes the direction of text.
func Bidi(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Tag reports whether a character is one of Unicode's tags, which write ASCII that nobody sees.
func Tag(r rune) bool { return r >= 0xe0000 && r <= 0xe007f }

// Show writes each character that is not seen as its number, such as \u{200b}.
func Show(text string) string {
	if strings.IndexFunc(text, Is) < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case Is(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// Hidden returns what the tags of a text say in ASCII; "" when there are none.
func Hidden(text string) string {
	var b strings.Builder
	for _, r := range text {
		if Tag(r) && r >= 0xe0020 && r < 0xe007f {
			b.WriteRune(r - 0xe0000)
		}
	}
	return b.String()
}
