package caisson

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// peer describes the server at the other end.
func peer(name string, transport TransportType, u *url.URL) []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.String("caisson.server", cutName(name))}
	switch {
	case u != nil:
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		number, _ := strconv.Atoi(port) // It was checked.
		all = append(all, attribute.String("network.transport", "tcp"), attribute.String("network.protocol.name", "http"),
			attribute.String("server.address", strings.ToLower(u.Hostname())), attribute.Int("server.port", number))
	case transport == TransportStdio:
		all = append(all, attribute.String("network.transport", "pipe"))
	}
	return all
}

// common are the attributes of all that is sent in a session, on spans and on metrics.
func (s *Session) common(method string) []attribute.KeyValue {
	all := append([]attribute.KeyValue{attribute.String("mcp.method.name", cutName(method))}, s.peer...)
	if version := s.ProtocolVersion(); version != "" {
		all = append(all, attribute.String("mcp.protocol.version", version))
	}
	return all
}

// spanOptions are those of a span of the session.
func (t *telemetry) spanOptions(s *Session, kind trace.SpanKind, attributes []attribute.KeyValue) []trace.SpanStartOption {
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...), trace.WithAttributes(t.principal...)}
	if id := s.ID(); id != "" {
		options = append(options, trace.WithAttributes(attribute.String("mcp.session.id", cutName(id))))
	}
	return options
}

// sends observes an operation that goes to a server.
func (t *telemetry) sends(ctx context.Context, s *Session, method, params string) (context.Context, func(json.RawMessage, error)) {
	attributes := s.common(method)
	var of struct{ Name, URI string }
	var key string
	var names *labels
	switch method {
	case "tools/call":
		key, names = "gen_ai.tool.name", &t.tools
		attributes = append(attributes, attribute.String("gen_ai.operation.name", "execute_tool"))
	case "prompts/get":
		key, names = "gen_ai.prompt.name", &t.prompts
	}
	if key != "" || strings.HasPrefix(method, "resources/") {
		_ = json.Unmarshal([]byte(params), &of) // The core says what is wrong with them.
	}
	options := t.spanOptions(s, trace.SpanKindClient, attributes)
	name := cutName(method)
	switch {
	case key != "":
		name += " " + cutName(of.Name)
		options = append(options, trace.WithAttributes(attribute.String(key, cutName(of.Name))))
	case of.URI != "":
		options = append(options, trace.WithAttributes(attribute.String("mcp.resource.uri", cutName(of.URI))))
	}
	ctx, span := t.tracer.Start(ctx, name, options...)
	begun := time.Now()
	return ctx, func(result json.RawMessage, err error) {
		onSpan, onMetric := failed(err)
		if err == nil && method == "tools/call" && isToolError(result) {
			onSpan, onMetric = toolError, toolError
		}
		attributes[0] = attribute.String("mcp.method.name", t.methods.metric(method, err == nil))
		if key != "" {
			attributes = append(attributes, attribute.String(key, names.metric(of.Name, err == nil)))
		}
		t.sent.Record(ctx, secondsSince(begun), metric.WithAttributes(append(attributes, onMetric...)...))
		endSpan(span, onSpan)
	}
}

// answers observes a server's question. Its span is linked with the one that the server names, and is not its
// child: else a server could choose which trace it stands in, and whether it is kept.
func (t *telemetry) answers(ctx context.Context, s *Session, method string, params []byte) (context.Context, func(error)) {
	attributes := s.common(method)
	options := t.spanOptions(s, trace.SpanKindServer, attributes)
	if _, meta, err := splitMeta(string(params)); err == nil {
		carrier := propagation.MapCarrier{}
		for _, key := range (propagation.TraceContext{}).Fields() {
			var text string
			if json.Unmarshal(meta[key], &text) == nil {
				carrier.Set(key, text)
			}
		}
		named := propagation.TraceContext{}.Extract(context.Background(), carrier)
		if of := trace.SpanContextFromContext(named); of.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: of}))
		}
	}
	ctx, span := t.tracer.Start(ctx, cutName(method), options...)
	begun := time.Now()
	return ctx, func(err error) {
		onSpan, onMetric := failed(err)
		attributes[0] = attribute.String("mcp.method.name", t.methods.metric(method, err == nil))
		t.answered.Record(ctx, secondsSince(begun), metric.WithAttributes(append(attributes, onMetric...)...))
		endSpan(span, onSpan)
	}
}

// connects observes the handshake, and then how long the session is open.
func (t *telemetry) connects(ctx context.Context, s *Session) (context.Context, func(error)) {
	// Which handshake it is shows only afterwards.
	const older, newer = "initialize", "server/discover"
	ctx, span := t.tracer.Start(ctx, older, t.spanOptions(s, trace.SpanKindClient, s.common(older))...)
	begun := time.Now()
	return ctx, func(err error) {
		attributes := s.common(older)
		if s.ProtocolVersion() >= firstOfTheNewEra {
			attributes = s.common(newer)
			span.SetName(newer)
		}
		span.SetAttributes(attributes...)
		onSpan, onMetric := failed(err)
		t.sent.Record(ctx, secondsSince(begun), metric.WithAttributes(append(attributes, onMetric...)...))
		endSpan(span, onSpan)
		if err == nil && s.client.begin() {
			go func() {
				defer s.client.ending.Done()
				err := s.Wait()
				_, onMetric := failed(err)
				t.session.Record(context.Background(), secondsSince(begun), metric.WithAttributes(append(s.common("")[1:], onMetric...)...))
			}()
		}
	}
}
