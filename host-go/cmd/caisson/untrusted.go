package main

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// untrusted is a writer that makes what is written visible; see visible. A character may come in
// parts.
type untrusted struct {
	w    io.Writer
	rest []byte // the beginning of a character
}

func (u *untrusted) Write(p []byte) (int, error) {
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
	if _, err := io.WriteString(u.w, visible(string(text))); err != nil {
		return 0, err
	}
	return len(p), nil
}
