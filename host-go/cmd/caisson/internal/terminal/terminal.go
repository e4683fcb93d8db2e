// Package terminal writes to standard error for the command line. Several writers share it. When a person
// sees it, it has a bar and questions. It makes the text of servers harmless.
package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
)

// A Terminal is standard error, shared by its writers: one write at a time. When a Person sees it, its last
// line may be a bar. While the person is asked, the text of other writers waits.
type Terminal struct {
	// Person says that a person sees the terminal, and not a program.
	Person bool

	mu    sync.Mutex
	w     io.Writer
	bar   string // "" for none
	asked bool
	kept  []byte // the text that waits
}

func New(w io.Writer) *Terminal { return &Terminal{w: w, Person: IsTerminal(w)} }

// maxKept bounds the text that waits, in bytes. More text is written into the middle of the question.
const maxKept = 64 << 10

// eraseLine goes to the beginning of the line and clears it (ECMA-48, CR and EL).
const eraseLine = "\r\x1b[K"

func (t *Terminal) Write(p []byte) (int, error) {
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

// SetBar shows a line that the next bar replaces. "" removes the bar.
func (t *Terminal) SetBar(bar string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.asked && (bar != "" || t.bar != "") {
		_, _ = io.WriteString(t.w, eraseLine+bar)
	}
	t.bar = bar
}

// Ask makes all text except prompts wait, until answered is called.
func (t *Terminal) Ask() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = true
	if t.bar != "" {
		_, _ = io.WriteString(t.w, eraseLine)
	}
}

// Prompt writes a part of the question.
func (t *Terminal) Prompt(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.w, format, args...)
}

func (t *Terminal) Answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = false
	_, _ = fmt.Fprintf(t.w, "%s%s", t.kept, t.bar)
	t.kept = nil
}

// End drops all later text: a session's notifications come from a goroutine that Close does not wait for.
func (t *Terminal) End() {
	t.SetBar("")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.w = io.Discard
}

// Say writes one line of the program. A server's text in the line cannot leave the line.
func (t *Terminal) Say(format string, args ...any) {
	_, _ = fmt.Fprintf(t, "caisson: %s\n", OneLine(fmt.Sprintf(format, args...), MaxLine))
}

// SayJSON writes one line of JSON, for a program that reads it.
func (t *Terminal) SayJSON(value any) {
	text, err := json.Marshal(value)
	if err != nil { // The program's own types.
		panic(err)
	}
	_, _ = t.Write(append(text, '\n'))
}

// MaxLine bounds a line that may contain text of a server, in characters.
const MaxLine = 2000

// OneLine returns text of a server in a form that fits on a line. White space becomes single spaces, other
// characters that do not print become escapes, and long text is cut.
func OneLine(text string, limit int) string {
	text = Visible(strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

// Visible returns text with escapes for all characters that do not print, except line breaks and tabs. A
// server must not move the cursor, change colours or turn the direction of the text.
func Visible(text string) string {
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

// IsTerminal reports whether a person is at a stream, and not a program. Text for a program stays unchanged.
// A stream that is not a file may have a method that says so.
func IsTerminal(stream any) bool {
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
