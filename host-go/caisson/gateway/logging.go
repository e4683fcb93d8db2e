//lint:file-ignore SA1019 The newest revision deprecates logging; servers go on using it.

package gateway

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// levels are those of RFC 5424, the least severe first.
var levels = []mcp.LoggingLevel{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

// log passes a log message on: with the call that has the link to itself, or to the session.
func (l *link) log(text json.RawMessage) {
	c := l.upstream.client
	var message struct {
		Level  mcp.LoggingLevel `json:"level"`
		Logger string           `json:"logger"`
	}
	if json.Unmarshal(text, &message) != nil {
		return
	}
	wants := func(level mcp.LoggingLevel) bool {
		return slices.Index(levels, message.Level) >= slices.Index(levels, level)
	}
	x := l.oldest()
	if c.session == nil {
		if x == nil {
			return
		}
		if level := x.logs(); level != "" && wants(level) {
			x.notify(messageLogged, x.view.logged(l.upstream.name, message.Logger, text))
		}
		return
	}
	c.mu.Lock()
	level := c.level
	c.mu.Unlock()
	if level != "" && !wants(level) {
		return
	}
	if x != nil {
		x.notify(messageLogged, x.view.logged(l.upstream.name, message.Logger, text))
		return
	}
	c.mu.Lock()
	var all []*sink
	for s := range c.sinks {
		all = append(all, s)
	}
	c.mu.Unlock()
	for _, s := range all {
		if s.wants(l.upstream.name, messageLogged, text) {
			s.send(messageLogged, s.view.logged(l.upstream.name, message.Logger, text))
		}
	}
}

// logged puts the server's name before the logger's where there are several servers.
func (v *View) logged(server, logger string, text json.RawMessage) json.RawMessage {
	if v.only != "" {
		return text
	}
	whole, err := members(text)
	if err != nil {
		return text
	}
	if logger != "" {
		logger = server + "/" + logger
	} else {
		logger = server
	}
	whole["logger"] = marshal(logger)
	return marshal(whole)
}

// setLevel has the server log from a level on.
func (l *link) setLevel(ctx context.Context, level mcp.LoggingLevel) error {
	if level == "" || l.session.Capabilities().Logging == nil {
		return nil
	}
	l.mu.Lock()
	same := l.level == level
	l.mu.Unlock()
	if same {
		return nil
	}
	if err := l.session.SetLoggingLevel(ctx, &mcp.SetLoggingLevelParams{Level: level}); err != nil {
		return err
	}
	l.mu.Lock()
	l.level = level
	l.mu.Unlock()
	return nil
}
