package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/internal/semconv"
)

// A message is what the telemetry knows of a client's request or notification before it is answered.
type message struct {
	of        semconv.Operation
	principal string
	sessionID string
	common    []attribute.KeyValue // on the span and on the point, beside the revision
	version   func() string        // the revision; "" before one is agreed on
	// named is the span that the client names in `_meta`, and carrier the one that the message has come with: of its
	// HTTP request, or of the context that the program serves with.
	named, carrier trace.SpanContext
}

// message describes a message that the Go SDK has read.
func (e *endpoint) message(ctx context.Context, method string, request mcp.Request) message {
	session, _ := request.GetSession().(*mcp.ServerSession) // It is a server's.
	params, meta := request.GetParams(), map[string]any(nil)
	if params == nil || reflect.ValueOf(params).IsNil() { // It may have none.
		params = nil
	} else {
		meta = params.GetMeta()
	}
	m := message{of: operation(method, params), principal: e.gateway.principalOf(ctx), sessionID: session.ID()}
	if c := carriedOf(method, meta); c.Method != "" {
		m.of.Method = c.Method
		if c.Params != nil {
			meta = c.meta()
		}
	}
	m.version = func() string { return e.version(session, meta) }
	m.named = named(meta)
	if extra := request.GetExtra(); extra != nil && extra.Header != nil {
		m.common, m.carrier = e.attributes("tcp"), semconv.Remote(extra.Header.Get)
	} else {
		network, _ := ctx.Value(networkKey{}).(string)
		m.common, m.carrier = e.attributes(network), trace.SpanContextFromContext(ctx)
	}
	return m
}

// notice describes a notification of 2026-07-28 that the Go SDK does not see.
func (e *endpoint) notice(r *http.Request, c *carried) message {
	return message{
		of: semconv.Operation{Method: c.Method}, principal: e.gateway.principalOf(r.Context()), common: e.attributes("tcp"),
		version: func() string { return modern }, named: named(c.meta()), carrier: semconv.Remote(r.Header.Get),
	}
}

// operation is what a message is about.
func operation(method string, params mcp.Params) semconv.Operation {
	of := semconv.Operation{Method: method}
	switch p := params.(type) {
	case *mcp.CallToolParamsRaw:
		of.Name = p.Name
	case *mcp.GetPromptParams:
		of.Name = p.Name
	case *mcp.ReadResourceParams:
		of.URI = p.URI
	case *mcp.SubscribeParams:
		of.URI = p.URI
	case *mcp.UnsubscribeParams:
		of.URI = p.URI
	}
	return of
}

// named is the span that a client names in `_meta`.
func named(meta map[string]any) trace.SpanContext {
	return semconv.Remote(func(key string) string {
		text, _ := meta[key].(string)
		return text
	})
}

// carriedOf is the message of an extension that one of the Go SDK's carries.
func carriedOf(method string, meta map[string]any) (c carried) {
	if method == carriedRequest || method == carriedNotice {
		_ = json.Unmarshal(marshal(meta[carriedMember]), &c) // A client's own may be anything.
	}
	return c
}

// meta is the `_meta` of a notification.
func (c *carried) meta() map[string]any {
	var params struct {
		Meta map[string]any `json:"_meta"`
	}
	_ = json.Unmarshal(c.Params, &params) // What does not fit says nothing.
	return params.Meta
}

// attributes are those of all messages at an endpoint that come over one sort of network: "tcp", "pipe", or "" for one
// that is not known.
func (e *endpoint) attributes(network string) []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.String("caisson.endpoint", e.path)}
	if network != "" {
		all = append(all, attribute.String("network.transport", network))
	}
	if network == "tcp" {
		all = append(all, attribute.String("network.protocol.name", "http"))
	}
	return all
}

var revisions = mcp.SupportedProtocolVersions()

// version is the revision of a message, or of its session; "" before one is agreed on.
func (e *endpoint) version(session *mcp.ServerSession, meta map[string]any) string {
	if version, _ := meta[mcp.MetaKeyProtocolVersion].(string); slices.Contains(revisions, version) {
		return version
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.clients[session]; c != nil {
		return c.version
	}
	return ""
}

// carryTrace has the headers of a request name the span that the program has made of it, where it has made one: the
// context of a session is not that of its requests.
func (g *Gateway) carryTrace(r *http.Request) {
	if g.telemetry != nil && trace.SpanContextFromContext(r.Context()).IsValid() {
		r.Header.Del("tracestate") // That of another span, where the program's has none.
		propagation.TraceContext{}.Inject(r.Context(), propagation.HeaderCarrier(r.Header))
	}
}

// networkKey is of the sort of network that a client of [Gateway.Run] comes by.
type networkKey struct{}

func withNetwork(ctx context.Context, transport mcp.Transport) context.Context {
	if _, ok := transport.(*mcp.StdioTransport); ok {
		return context.WithValue(ctx, networkKey{}, "pipe")
	}
	return ctx
}
