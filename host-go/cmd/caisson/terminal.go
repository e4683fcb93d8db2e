package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
)

// A terminal is standard error, shared by those who write to it: one write at a time.
type terminal struct {
	mu sync.Mutex
	w  io.Writer
}

func newTerminal(w io.Writer) *terminal { return &terminal{w: w} }

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(p)
}

// end lets nothing more through: a session's notifications are handed out by a goroutine that its
// Close does not wait for.
func (t *terminal) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.w = io.Discard
}

// say writes one line of the program's own. What a server put into it stays on that line.
func (t *terminal) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t, "caisson: %s\n", oneLine(fmt.Sprintf(format, args...), maxLine))
}

// maxLine bounds a line of text that a server may have a part in, in characters.
const maxLine = 2000

// oneLine makes text of a server's fit to stand on a line: white space becomes single spaces,
// other characters that do not print are shown as escapes, and what is too long is cut.
func oneLine(text string, limit int) string {
	text = visible(strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

// visible shows characters as escapes that do not print, line breaks and tabs excepted: a server
// must not move the cursor, change colours or turn the direction of the text.
func visible(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	const joiners = "\u200c\u200d" // They are a part of words and emoji.
	keep := func(r rune) bool {
		return r == '\n' || r == '\t' || unicode.IsPrint(r) || strings.ContainsRune(joiners, r)
	}
	if strings.IndexFunc(text, func(r rune) bool { return !keep(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if keep(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u{%x}", r)
		}
	}
	return b.String()
}

// isTerminal reports whether somebody reads w, in place of a program. What goes to a program
// goes unchanged.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
