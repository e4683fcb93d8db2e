package egress

import (
	"bufio"
	"io"
	"log/slog"
	"strings"
	"sync"
	"unicode"
)

// tailSize is how much of a command's standard error goes into a message.
const tailSize = 2 << 10

// tail is an io.Writer that keeps the end of what is written.
type tail struct {
	kept []byte
	cut  bool // something before it is lost
}

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - tailSize; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
	return len(b), nil
}

// text returns the last lines, whole ones if there are any, fit for a terminal.
func (t *tail) text() string {
	text := strings.ToValidUTF8(string(t.kept), "\uFFFD")
	if _, whole, ok := strings.Cut(text, "\n"); t.cut && ok {
		text = whole
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// drainStderr reads a command's standard error to its end: into kept, and to where the options
// say. A command must never wait because nobody reads it, so a writer that fails is passed over.
func drainStderr(stderr io.Reader, kept *tail, opts *Options, server string) {
	stderr = io.TeeReader(stderr, kept)
	if opts.Stderr != nil {
		io.Copy(lenient{opts.Stderr}, stderr)
		return
	}
	reader := bufio.NewReaderSize(stderr, 16<<10)
	for {
		line, _, err := reader.ReadLine() // one that is larger comes in parts
		if err != nil {
			return
		}
		if len(line) > 0 {
			opts.Logger.Info(strings.ToValidUTF8(string(line), "\uFFFD"), slog.String("server", server))
		}
	}
}

// lenient is an io.Writer whose failures do not show.
type lenient struct{ io.Writer }

func (w lenient) Write(b []byte) (int, error) {
	w.Writer.Write(b)
	return len(b), nil
}

// Serial returns a writer to w that takes writes from any goroutine, and makes them one at a time.
func Serial(w io.Writer) io.Writer { return &serial{to: w} }

type serial struct {
	mu sync.Mutex
	to io.Writer
}

func (s *serial) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(b)
}
