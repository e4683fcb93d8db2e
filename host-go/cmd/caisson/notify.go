package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// notified prints what a server sends without being asked: log messages, one a line.
func (a *app) notified(method string, params json.RawMessage) {
	if method != "notifications/message" {
		a.logger().Debug("notification", "method", method)
		return
	}
	_, _ = fmt.Fprintln(a.err, terminal.OneLine(messageLine(params), terminal.MaxLine))
}

// progressed shows the progress of a call: with a bar on a terminal, and otherwise with a line for each step.
// nil removes the bar.
func (a *app) progressed(p *mcp.ProgressNotificationParams) {
	switch {
	case a.err.Person && p == nil:
		a.err.SetBar("")
	case a.err.Person:
		a.err.SetBar(progressBar(p))
	case p != nil:
		_, _ = fmt.Fprintln(a.err, terminal.OneLine(progressLine(p), terminal.MaxLine))
	}
}

// progressLine is "progress 3/10 message" (specification, basic/utilities/progress).
func progressLine(p *mcp.ProgressNotificationParams) string {
	line := fmt.Sprintf("progress %v", p.Progress)
	if p.Total != 0 {
		line += fmt.Sprintf("/%v", p.Total)
	}
	return line + " " + p.Message
}

const (
	barWidth  = 24
	lineWidth = 79 // Nearly every terminal has 80 columns or more.
)

// progressBar is "[####----] 3/10 message" when the server has sent the total, and otherwise "3 message".
func progressBar(p *mcp.ProgressNotificationParams) string {
	line, _ := strings.CutPrefix(progressLine(p), "progress ")
	if share := p.Progress / p.Total; p.Total > 0 && share >= 0 {
		done := int(min(share, 1) * barWidth)
		line = "[" + strings.Repeat("#", done) + strings.Repeat("-", barWidth-done) + "] " + line
	}
	return terminal.OneLine(line, lineWidth)
}

// messageLine is "warning logger: text" (specification, server/utilities/logging).
func messageLine(params json.RawMessage) string {
	var p struct {
		Level  string          `json:"level"`
		Logger string          `json:"logger"`
		Data   json.RawMessage `json:"data"`
	}
	_ = json.Unmarshal(params, &p)
	text := string(p.Data)
	var plain string
	if json.Unmarshal(p.Data, &plain) == nil {
		text = plain
	}
	return strings.TrimSpace(p.Level+" "+p.Logger) + ": " + text
}
