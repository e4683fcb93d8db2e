package caisson

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/internal/semconv"
)

// peer describes the server at the other end.
func peer(name string, transport TransportType, u *url.URL) []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.String("caisson.server", semconv.Cut(name))}
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
func (s *Session) common() []attribute.KeyValue {
	all := slices.Clone(s.peer)
	if version := s.ProtocolVersion(); version != "" {
		all = append(all, attribute.String("mcp.protocol.version", version))
	}
	return all
}

// spanOptions are those of a span of the session.
func (t *telemetry) spanOptions(s *Session, kind trace.SpanKind, of semconv.Operation) []trace.SpanStartOption {
	options := []trace.SpanStartOption{
		trace.WithSpanKind(kind), trace.WithAttributes(of.OnSpan()...), trace.WithAttributes(s.common()...), trace.WithAttributes(t.principal...),
	}
	if id := s.ID(); id != "" {
		options = append(options, trace.WithAttributes(attribute.String("mcp.session.id", semconv.Cut(id))))
	}
	return options
}

// onMetric are the attributes of an operation's point.
func (t *telemetry) onMetric(s *Session, of semconv.Operation, failure []attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(slices.Concat(t.names.OnMetric(of, failure == nil), s.common(), failure)...)
}

// sends observes an operation that goes to a server.
func (t *telemetry) sends(ctx context.Context, s *Session, method, params string) (context.Context, func(json.RawMessage, error)) {
	of := semconv.Operation{Method: method}
	var about struct{ Name, URI string }
	switch resources := strings.HasPrefix(method, "resources/"); {
	case resources, method == "tools/call", method == "prompts/get":
		_ = json.Unmarshal([]byte(params), &about) // The core says what is wrong with them.
		if of.Name = about.Name; resources {
			of.URI = about.URI
		}
	}
	ctx, span := t.tracer.Start(ctx, of.SpanName(), t.spanOptions(s, trace.SpanKindClient, of)...)
	begun := time.Now()
	return ctx, func(result json.RawMessage, err error) {
		onSpan, onMetric := failed(err)
		if err == nil && method == "tools/call" && semconv.IsToolError(result) {
			onSpan, onMetric = semconv.ToolError(), semconv.ToolError()
		}
		t.sent.Record(ctx, semconv.Since(begun), t.onMetric(s, of, onMetric))
		semconv.End(span, onSpan)
	}
}

// answers observes a server's question. Its span is linked with the one that the server names, and is not its
// child: else a server could choose which trace it stands in, and whether it is kept.
func (t *telemetry) answers(ctx context.Context, s *Session, method string, params []byte) (context.Context, func(error)) {
	of := semconv.Operation{Method: method}
	options := t.spanOptions(s, trace.SpanKindServer, of)
	if _, meta, err := splitMeta(string(params)); err == nil {
		named := semconv.Remote(func(key string) (text string) {
			_ = json.Unmarshal(meta[key], &text) // What is no text names nothing.
			return text
		})
		if named.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: named}))
		}
	}
	ctx, span := t.tracer.Start(ctx, of.SpanName(), options...)
	begun := time.Now()
	return ctx, func(err error) {
		onSpan, onMetric := failed(err)
		t.answered.Record(ctx, semconv.Since(begun), t.onMetric(s, of, onMetric))
		semconv.End(span, onSpan)
	}
}

// connects observes the handshake, and then how long the session is open.
func (t *telemetry) connects(ctx context.Context, s *Session) (context.Context, func(error)) {
	// Which handshake it is shows only afterwards.
	of := semconv.Operation{Method: "initialize"}
	ctx, span := t.tracer.Start(ctx, of.SpanName(), t.spanOptions(s, trace.SpanKindClient, of)...)
	begun := time.Now()
	return ctx, func(err error) {
		if s.ProtocolVersion() >= firstOfTheNewEra {
			of.Method = "server/discover"
			span.SetName(of.SpanName())
		}
		span.SetAttributes(of.OnSpan()...)
		span.SetAttributes(s.common()...)
		onSpan, onMetric := failed(err)
		t.sent.Record(ctx, semconv.Since(begun), t.onMetric(s, of, onMetric))
		semconv.End(span, onSpan)
		if err == nil && s.client.begin() {
			go func() {
				defer s.client.ending.Done()
				err := s.Wait()
				_, onMetric := failed(err)
				t.session.Record(context.Background(), semconv.Since(begun), metric.WithAttributes(append(s.common(), onMetric...)...))
			}()
		}
	}
}
