package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A sink is where notifications go that belong to no request: a session of the older revisions, or a subscription of
// 2026-07-28.
type sink struct {
	ctx     context.Context
	session *mcp.ServerSession
	view    *View
	// listening is what a subscription asked for; nil for a session, which gets everything.
	listening *mcp.NotificationSubscriptions
	id        any // of the subscription
	out       outbox
}

// The notifications that a sink may get.
const (
	toolsChanged     = "notifications/tools/list_changed"
	promptsChanged   = "notifications/prompts/list_changed"
	resourcesChanged = "notifications/resources/list_changed"
	resourceUpdated  = "notifications/resources/updated"
	messageLogged    = "notifications/message"
)

// wants reports whether a notification of a server goes here.
func (s *sink) wants(server, method string, text json.RawMessage) bool {
	if !s.view.has(server) || !s.hears(method) || !s.view.passes(method) {
		return false
	}
	return method != resourceUpdated || s.listening == nil || slices.Contains(s.listening.ResourceSubscriptions, uriOf(text))
}

// hears reports whether such notifications go here.
func (s *sink) hears(method string) bool {
	if s.listening == nil {
		return true
	}
	switch method {
	case toolsChanged:
		return s.listening.ToolsListChanged
	case promptsChanged:
		return s.listening.PromptsListChanged
	case resourcesChanged:
		return s.listening.ResourcesListChanged
	}
	return method == resourceUpdated
}

// send has a notification sent, after those before it. It does not wait for the client.
func (s *sink) send(method string, text json.RawMessage) {
	if s.out.put(notification{method, text}, s.deliver) {
		s.view.client.gateway.options.Logger.Warn("a client does not read what it is told: more is left out until it does", "method", method)
	}
}

// deliver sends a notification. It waits until the client has room for it.
func (s *sink) deliver(n notification) {
	if s.ctx.Err() != nil {
		return
	}
	method, text := n.method, n.text
	if strings.HasSuffix(method, "/list_changed") && text == nil {
		text = json.RawMessage(`{}`)
	}
	if s.id != nil {
		whole, err := members(text)
		if err != nil {
			return
		}
		meta, err := members(whole["_meta"])
		if err != nil {
			return
		}
		meta[mcp.MetaKeySubscriptionID] = marshal(s.id)
		whole["_meta"] = marshal(meta)
		text = marshal(whole)
	}
	if err := notify(s.ctx, s.session, method, text); err != nil && s.ctx.Err() == nil {
		s.view.client.gateway.options.Logger.Warn("a client was not notified", "method", method, "error", err)
	}
}

func uriOf(text json.RawMessage) string {
	var p struct {
		URI string `json:"uri"`
	}
	_ = json.Unmarshal(text, &p)
	return p.URI
}
