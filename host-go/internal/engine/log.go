package engine

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The bounds on one session's log: enough for a server that prints a long text when it starts, and at most
// a few hundred kilobytes a second.
const (
	MaxLines      = 1000 // at once
	LinesASecond  = 100
	MaxLineLength = 4 << 10 // in bytes
)

// lines counts the lines of one session's log. It is safe for concurrent use.
type lines struct {
	logger *slog.Logger // the program's own
	server string

	mu      sync.Mutex
	limiter *rate.Limiter
	dropped int
}

// rateLimited returns a logger for what a server or the core brings about. It cuts long lines and drops
// those that are too many.
func rateLimited(logger *slog.Logger, server string) (*slog.Logger, *lines) {
	l := &lines{logger: logger, server: server, limiter: rate.NewLimiter(LinesASecond, MaxLines)}
	return slog.New(&rateLimitedHandler{logger.Handler(), l}), l
}

// allow reports whether one more line may be logged.
func (l *lines) allow() bool {
	l.mu.Lock()
	ok := l.limiter.AllowN(time.Now(), 1)
	if !ok {
		l.dropped++
	}
	first := l.dropped == 1 && !ok
	l.mu.Unlock()
	if first {
		l.logger.Warn("more lines are logged than may be: some are left out", "server", l.server, "a second", LinesASecond)
	}
	return ok
}

// end logs how many lines were left out.
func (l *lines) end() {
	l.mu.Lock()
	dropped := l.dropped
	l.dropped = 0
	l.mu.Unlock()
	if dropped > 0 {
		l.logger.Warn("lines of the log were left out", "server", l.server, "lines", dropped)
	}
}

// A rateLimitedHandler is a handler that drops the lines that its limiter does not allow.
type rateLimitedHandler struct {
	slog.Handler
	lines *lines
}

// Handle implements [slog.Handler].
func (h *rateLimitedHandler) Handle(ctx context.Context, r slog.Record) error {
	if !h.lines.allow() {
		return nil
	}
	r.Message = cut(r.Message)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h *rateLimitedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &rateLimitedHandler{h.Handler.WithAttrs(attrs), h.lines}
}

// WithGroup implements [slog.Handler].
func (h *rateLimitedHandler) WithGroup(name string) slog.Handler {
	return &rateLimitedHandler{h.Handler.WithGroup(name), h.lines}
}

// cut shortens a text to a line of the log.
func cut(text string) string {
	if len(text) <= MaxLineLength {
		return text
	}
	return strings.ToValidUTF8(text[:MaxLineLength], "") + "…"
}

// logWriter puts what the guest's engine prints into the log. It comes in whole lines, rarely.
type logWriter struct{ logger *slog.Logger }

func (w *logWriter) Write(p []byte) (int, error) {
	w.logger.Debug("the core prints", "text", cut(string(p)))
	return len(p), nil
}
