//lint:file-ignore SA1019 The newest revision deprecates logging; plugins go on using it.

package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/component"
)

// hostInterface is where a plugin tells its caller what it does (wit/plugin/host.wit).
const hostInterface = "caisson:plugin/host@0.1.0"

// addHost defines the imports of a plugin. The runtime checks their types when it makes an instance.
func (in *instance) addHost(l *component.Linker) {
	l.Interface(hostInterface).
		Func("report-progress", component.Typed(in.progress)).
		Func("log", component.Typed(in.log))
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// progressReport is what report-progress takes.
type progressReport struct {
	Progress float64
	Total    *float64
	Message  *string
}

func (in *instance) progress(ctx context.Context, report progressReport) (none struct{}, err error) {
	c := in.call.Load()
	total := valueOf(report.Total)
	if c == nil || !finite(report.Progress) || !finite(total) {
		return none, nil
	}
	c.alive()
	if c.onProgress == nil {
		return none, nil
	}
	p := &mcp.ProgressNotificationParams{ProgressToken: c.token, Progress: report.Progress, Total: total, Message: cut(valueOf(report.Message), maxLogBytes)}
	return none, c.emit(ctx, func() { c.onProgress(p) })
}

// logMessage is what log takes.
type logMessage struct {
	Level  string
	Logger *string
	Data   string
}

// valueOf returns what an option has, or zero.
func valueOf[T any](option *T) (v T) {
	if option != nil {
		v = *option
	}
	return v
}

// levels are those of a log message.
var levels = []mcp.LoggingLevel{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

// log passes a log message on. Its data is JSON, or is taken for a string.
func (in *instance) log(ctx context.Context, m logMessage) (none struct{}, err error) {
	c := in.call.Load()
	if c == nil || c.onLog == nil || !c.mayLog() || len(m.Data) > maxLogBytes {
		return none, nil
	}
	level := mcp.LoggingLevel(m.Level)
	if !slices.Contains(levels, level) { // The component may have an enum of its own.
		level = "info"
	}
	p := &mcp.LoggingMessageParams{Level: level, Logger: cut(valueOf(m.Logger), maxLogger), Data: m.Data}
	if json.Valid([]byte(m.Data)) {
		p.Data = json.RawMessage(m.Data)
		var s string
		if json.Unmarshal([]byte(m.Data), &s) == nil {
			p.Data = s
		}
	}
	return none, c.emit(ctx, func() { c.onLog(c.ctx, p) })
}

// maxLogger bounds the name of a logger, in bytes.
const maxLogger = 256

// mayLog counts a log message. Past the bound, one message says so and the others are dropped.
func (c *call) mayLog() bool {
	n := c.logs.Add(1)
	if n == maxLogs+1 {
		p := &mcp.LoggingMessageParams{Level: "warning", Logger: "caisson", Data: "further log messages of this call are dropped"}
		_ = c.emit(c.ctx, func() { c.onLog(c.ctx, p) })
	}
	return n <= maxLogs
}

// emit has a handler called, after those before it. It waits while many wait for the handlers. After the call it does
// nothing.
func (c *call) emit(ctx context.Context, handle func()) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.over {
		return nil
	}
	c.begun.Do(func() {
		c.events, c.done = make(chan func(), 64), make(chan struct{})
		go func() {
			defer close(c.done)
			for handle := range c.events {
				handle()
			}
		}()
	})
	select {
	case c.events <- handle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish waits until the handlers have heard everything, or until the call's context ends.
func (c *call) finish() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	if c.events == nil {
		return
	}
	close(c.events)
	select {
	case <-c.done:
	case <-c.ctx.Done():
	}
}

// lines makes log messages of what a plugin prints.
type lines struct {
	in     *instance
	logger string
	mu     sync.Mutex
	line   []byte
}

func (in *instance) lines(logger string) *lines {
	l := &lines{in: in, logger: logger}
	in.output = append(in.output, l)
	return l
}

// Write takes what the plugin prints. It never fails.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		l.line = append(l.line, line[:min(len(line), maxLogBytes-len(l.line))]...)
		if !whole {
			return n, nil
		}
		l.log()
		b = rest
	}
}

// log passes the line on.
func (l *lines) log() {
	text := string(bytes.ToValidUTF8(bytes.TrimSuffix(l.line, []byte{'\r'}), []byte("\uFFFD")))
	l.line = l.line[:0]
	c := l.in.call.Load()
	if c == nil || c.onLog == nil || !c.mayLog() {
		return
	}
	p := &mcp.LoggingMessageParams{Level: "info", Logger: l.logger, Data: text}
	_ = c.emit(c.ctx, func() { c.onLog(c.ctx, p) })
}

// flush passes on what was printed without the end of a line.
func (in *instance) flush() {
	for _, l := range in.output {
		l.mu.Lock()
		if len(l.line) > 0 {
			l.log()
		}
		l.mu.Unlock()
	}
}

// cut cuts a text at a length in bytes.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// short cuts a text for an error.
func short(s string) string { return cut(s, 1000) }
