package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// maxDeclared bounds what a client may declare of extensions, in bytes: it is kept for each of its servers.
const maxDeclared = 64 << 10

// extensionsOf are the extensions that a client declares and that its servers are told of: but those that are the
// gateway's own, and those that are no object.
func extensionsOf(capabilities *mcp.ClientCapabilities) map[string]any {
	declared := map[string]any{}
	for id, settings := range capabilities.Extensions {
		if _, object := settings.(map[string]any); object && id != tasksExtension {
			declared[id] = settings
		}
	}
	if len(declared) == 0 || len(marshal(declared)) > maxDeclared {
		return nil
	}
	return declared
}

// hasExtensions reports whether a server has declared an extension that the gateway does not know.
func (l *link) hasExtensions() bool {
	can := l.session.Capabilities()
	for id := range can.Extensions {
		if id != tasksExtension {
			return true
		}
	}
	return len(can.Experimental) > 0
}

// declareExtensions declares what a server that is alone has declared.
func (v *View) declareExtensions(can *mcp.ServerCapabilities, l *link) {
	own := l.session.Capabilities()
	can.Experimental = own.Experimental
	extensions := maps.Clone(own.Extensions)
	delete(extensions, tasksExtension)
	for id, settings := range extensions {
		object, _ := settings.(map[string]any)
		can.AddExtension(id, object)
	}
}

// extension relays a request of an extension to the server that is alone. Where there are several, nobody says whose it
// is.
func (v *View) extension(ctx context.Context, x *exchange, whole map[string]json.RawMessage) (json.RawMessage, error) {
	method := carriedIn(whole).Method
	if v.only == "" {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the gateway has no " + quote(method) + " here: extensions are relayed at " + alone + "NAME, of one server"}
	}
	if err := v.hasExtension(ctx, method); err != nil {
		return nil, err
	}
	return v.send(ctx, x, v.only, method, whole)
}

// passes reports whether a notification may go to the client: one of an extension does where its server is alone.
func (v *View) passes(method string) bool { return v.only != "" || slices.Contains(sdkNotices, method) }

// maxMethod bounds the name of an extension's method, in bytes.
const maxMethod = 256

// ofExtension reports whether a method may be one of an extension: none of the protocol's own is.
func ofExtension(method string) bool {
	switch method {
	case "", "sampling/createMessage", "elicitation/create", "roots/list", carriedRequest, "notifications/tasks", "notifications/tasks/status":
		return false
	}
	return len(method) <= maxMethod && !slices.Contains(sdkMethods, method) && !slices.Contains(sdkNotices, method)
}

// hasExtension fails when a message cannot be one of an extension of the server that is alone. One of the protocol's own
// has another way, on which the gateway knows whose it is.
func (v *View) hasExtension(ctx context.Context, method string) error {
	l, err := v.client.upstream(v.only).get(ctx)
	if err != nil {
		return err
	}
	if !ofExtension(method) || !l.hasExtensions() {
		return &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "the server has declared no extension that " + quote(method) + " could belong to"}
	}
	return nil
}

// heardOf passes a client's notification of an extension on, where its server is alone.
func (e *endpoint) heardOf(ctx context.Context, session *mcp.ServerSession, c carried) {
	if e.only == "" || !strings.HasPrefix(c.Method, "notifications/") {
		return // A notification has no answer.
	}
	e.mu.Lock()
	of, done := e.clients[session], func() {}
	e.mu.Unlock()
	var err error
	if of == nil { // In 2026-07-28 a notification does not say what its client declares.
		if of, done, err = e.gateway.share(e.gateway.principalOf(ctx), nil, false); err != nil {
			return
		}
	}
	defer done()
	leave, err := e.gateway.busy.enter(of.principal)
	if err != nil {
		e.gateway.failed(c.Method, err)
		return
	}
	defer leave()
	ctx, cancel := context.WithCancel(caisson.WithCaller(ctx, policy.CallerClient))
	defer cancel()
	defer context.AfterFunc(of.ctx, cancel)()
	v := e.view(of)
	if err = v.hasExtension(ctx, c.Method); err == nil {
		err = v.notifyServer(ctx, c)
	}
	if err != nil {
		e.gateway.options.Logger.Warn("a client's notification was not passed on", "server", e.only, "method", quote(c.Method), "error", err)
	}
}

// notifyServer passes a notification on to the server that is alone.
func (v *View) notifyServer(ctx context.Context, c carried) error {
	l, done, err := v.client.upstream(v.only).share(ctx)
	if err != nil {
		return err
	}
	defer done(false)
	params, err := members(c.Params)
	if err != nil {
		return err
	}
	if err := v.client.gateway.withoutOwn(params); err != nil {
		return err
	}
	return l.session.Notify(ctx, c.Method, params)
}
