package terminal

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// Untrusted is a writer that passes text on as Visible returns it. A character may arrive in parts.
type Untrusted struct {
	W    io.Writer
	rest []byte // the beginning of a character
}

func (u *Untrusted) Write(p []byte) (int, error) {
	text := append(u.rest, p...)
	whole := len(text)
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if b := text[len(text)-back]; utf8.RuneStart(b) {
			if !utf8.FullRune(text[len(text)-back:]) {
				whole -= back
			}
			break
		}
	}
	u.rest = bytes.Clone(text[whole:])
	text = bytes.ReplaceAll(text[:whole], []byte("\r\n"), []byte("\n"))
	if _, err := io.WriteString(u.W, Visible(string(text))); err != nil {
		return 0, err
	}
	return len(p), nil
}
