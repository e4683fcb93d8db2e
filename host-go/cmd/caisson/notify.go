package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// notified tells people what a server reports: progress and log messages, a line each.
func (a *app) notified(_ context.Context, _ *caisson.Session, method string, params json.RawMessage) {
	var line string
	switch method {
	case "notifications/progress":
		line = progressLine(params)
	case "notifications/message":
		line = messageLine(params)
	default:
		a.logger().Debug("notification", "method", method)
		return
	}
	_, _ = fmt.Fprintln(a.err, oneLine(line, maxLine))
}

// progressLine is "progress 3/10 message" (specification, basic/utilities/progress).
func progressLine(params json.RawMessage) string {
	var p struct {
		Progress json.Number `json:"progress"`
		Total    json.Number `json:"total"`
		Message  string      `json:"message"`
	}
	_ = json.Unmarshal(params, &p)
	line := "progress " + p.Progress.String()
	if p.Total != "" {
		line += "/" + p.Total.String()
	}
	return line + " " + p.Message
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
