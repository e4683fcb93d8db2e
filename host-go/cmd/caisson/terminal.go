package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
)

// A terminal is standard error, shared by those who write to it: one write at a time. Where a
// person sees it, its last line may be a bar; and while the person is asked something, what others
// write waits.
type terminal struct {
	person bool

	mu    sync.Mutex
	w     io.Writer
	bar   string // "" for none
	asked bool
	kept  []byte // what waits
}

func newTerminal(w io.Writer) *terminal { return &terminal{w: w, person: isTerminal(w)} }

// maxKept bounds what waits, in bytes: more is written into the middle of the question.
const maxKept = 64 << 10

// eraseLine goes to the beginning of the line and clears it (ECMA-48, CR and EL).
const eraseLine = "\r\x1b[K"

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked && len(t.kept)+len(p) <= maxKept {
		t.kept = append(t.kept, p...)
		return len(p), nil
	}
	if t.bar == "" || t.asked {
		return t.w.Write(p)
	}
	if _, err := fmt.Fprintf(t.w, "%s%s%s", eraseLine, p, t.bar); err != nil {
		return 0, err
	}
	return len(p), nil
}

// setBar shows a line that the next one replaces; "" takes it away.
func (t *terminal) setBar(bar string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.asked && (bar != "" || t.bar != "") {
		_, _ = io.WriteString(t.w, eraseLine+bar)
	}
	t.bar = bar
}

// ask makes everything but prompts wait, until answered.
func (t *terminal) ask() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = true
	if t.bar != "" {
		_, _ = io.WriteString(t.w, eraseLine)
	}
}

// prompt writes a part of the question.
func (t *terminal) prompt(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.w, format, args...)
}

func (t *terminal) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = false
	_, _ = fmt.Fprintf(t.w, "%s%s", t.kept, t.bar)
	t.kept = nil
}

// end lets nothing more through: a session's notifications are handed out by a goroutine that its
// Close does not wait for.
func (t *terminal) end() {
	t.setBar("")
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

// isTerminal reports whether a person is at a stream, in place of a program. What goes to a program
// goes unchanged. A stream that is not a file may say it itself.
func isTerminal(stream any) bool {
	switch stream := stream.(type) {
	case interface{ IsTerminal() bool }:
		return stream.IsTerminal()
	case *os.File:
		info, err := stream.Stat()
		if err != nil || info.Mode()&os.ModeCharDevice == 0 {
			return false
		}
		null, err := os.Stat(os.DevNull)
		return err != nil || !os.SameFile(info, null)
	}
	return false
}
