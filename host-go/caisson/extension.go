package caisson

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Extension is an extension of the protocol that the program takes part in (specification, "Extensions").
// The client declares it to every server, in each revision; what its servers can do is in
// [Session.Capabilities]. Its requests are sent by [Session.Request], its notifications by
// [Session.Notify], and [ClientOptions].OnNotification gets those of servers.
type Extension struct {
	// ID is the extension's name: a prefix and a name, such as "com.example/weather".
	ID string
	// Settings are declared under that name: anything that marshals to a JSON object. Default: an empty one.
	Settings any
	// Handlers answer the extension's requests from servers, by method. They are called as those of
	// [Handlers] are, and within the same bounds. They must not be for the protocol's own methods. In
	// revision 2026-07-28 servers send no requests, for extensions neither. Default: none.
	Handlers map[string]ExtensionHandler
}

// An ExtensionHandler answers one request of a server's. The params are the JSON object that the server
// sent, an empty one where it sent none. The result is anything that marshals to a JSON object; nil is an
// empty one. The server gets an error that is a [*jsonrpc.Error] as it is; of any other error it learns
// only that there was one.
type ExtensionHandler func(ctx context.Context, session *Session, params json.RawMessage) (any, error)

// ownExtensions are the extensions that the core declares by itself.
var ownExtensions = []string{tasksExtension}

// ownMethods are the requests of the protocol, in all revisions, of clients and of servers: the core answers
// those of servers by what is declared, and refuses the others.
var ownMethods = []string{
	"initialize", "ping", "server/discover", "subscriptions/listen", "logging/setLevel", "completion/complete",
	"tools/list", "tools/call", "prompts/list", "prompts/get",
	"resources/list", "resources/templates/list", "resources/read", "resources/subscribe", "resources/unsubscribe",
	"sampling/createMessage", "elicitation/create", "roots/list",
	"tasks/get", "tasks/result", "tasks/list", "tasks/update", "tasks/cancel",
}

// clone copies an extension, so that a later change of the caller's has no effect.
func (e Extension) clone() Extension {
	e.Handlers = maps.Clone(e.Handlers)
	return e
}

// declareExtensions adds the extensions to capabilities.
func (o *ClientOptions) declareExtensions(capabilities map[string]any) {
	if len(o.Extensions) == 0 {
		return
	}
	all := map[string]any{}
	if others, ok := capabilities["extensions"].(map[string]any); ok {
		maps.Copy(all, others) // They are the client's.
	}
	capabilities["extensions"] = all
	for _, e := range o.Extensions {
		all[e.ID] = e.Settings // Of checkExtensions: a JSON object.
	}
}

// checkExtensions finds an extension that cannot be, and makes the Settings of each JSON.
func (o *ClientOptions) checkExtensions() error {
	ids, methods := map[string]bool{}, map[string]string{}
	if o.Capabilities != nil {
		for id := range o.Capabilities.Extensions {
			if slices.Contains(ownExtensions, id) {
				return errOption(fmt.Sprintf("ClientOptions.Capabilities has the extension %q, which is declared without it", id))
			}
			ids[id] = true
		}
	}
	for i, e := range o.Extensions {
		prefix, name, _ := strings.Cut(e.ID, "/")
		switch {
		case prefix == "" || name == "":
			return errOption(fmt.Sprintf("ClientOptions.Extensions has the ID %q: it needs a prefix and a name, such as com.example/weather", e.ID))
		case ids[e.ID]:
			return errOption(fmt.Sprintf("ClientOptions declares the extension %q twice", e.ID))
		case slices.Contains(ownExtensions, e.ID):
			return errOption(fmt.Sprintf("ClientOptions.Extensions has %q, which is declared without it", e.ID))
		}
		ids[e.ID] = true
		settings, err := marshalObject(e.Settings)
		if err != nil {
			return errOption(fmt.Sprintf("the Settings of the extension %q are no JSON object: %v", e.ID, err))
		}
		o.Extensions[i].Settings = settings
		for method, handler := range e.Handlers {
			if method == "" || handler == nil {
				return errOption(fmt.Sprintf("the extension %q has a handler without a method, or a method %q without a handler", e.ID, method))
			}
			if slices.Contains(ownMethods, method) {
				return errOption(fmt.Sprintf("the extension %q answers %q, which is of the protocol: ClientOptions.Handlers has what servers may ask", e.ID, method))
			}
			if strings.HasPrefix(method, "notifications/") {
				return errOption(fmt.Sprintf("the extension %q answers %q, which is a notification: ClientOptions.OnNotification hears it", e.ID, method))
			}
			if other, taken := methods[method]; taken {
				return errOption(fmt.Sprintf("the extensions %q and %q both answer %q", other, e.ID, method))
			}
			methods[method] = e.ID
		}
	}
	return nil
}

// answerExtension answers a server's request for an extension.
func (s *Session) answerExtension(ctx context.Context, method string, params json.RawMessage) (json.RawMessage, error) {
	for _, e := range s.client.options.Extensions {
		handler := e.Handlers[method]
		if handler == nil {
			continue
		}
		result, err := handler(ctx, s, params)
		if err != nil {
			return nil, err
		}
		object, err := marshalObject(result)
		if err != nil {
			return nil, fmt.Errorf("the result of the handler is no JSON object: %w", err)
		}
		return object, nil
	}
	return nil, errNotHandled
}
