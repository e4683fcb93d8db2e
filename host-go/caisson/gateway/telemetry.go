package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/semconv"
)

// telemetry are the instruments of a gateway whose program wants some.
type telemetry struct {
	tracer             trace.Tracer
	answered, sessions metric.Float64Histogram
	names              semconv.Names
}

// newTelemetry makes the instruments; nil where nobody wants any.
func newTelemetry(of *caisson.Telemetry) (*telemetry, error) {
	if of.TracerProvider == nil && of.MeterProvider == nil {
		return nil, nil
	}
	t := &telemetry{}
	var meter metric.Meter
	t.tracer, meter = semconv.Instruments(of.TracerProvider, of.MeterProvider, "github.com/caisson-dev/caisson/host-go/caisson/gateway", caisson.Version)
	for _, d := range []semconv.Duration{
		{Into: &t.answered, Name: semconv.ServerOperation, Description: semconv.ServerOperationDescription},
		{Into: &t.sessions, Name: "mcp.server.session.duration", Description: "How long a client's session was open."},
	} {
		if err := d.Make(meter); err != nil {
			return nil, invalid("gateway.Options.Client.MeterProvider makes no " + d.Name + ": " + err.Error())
		}
	}
	t.names.Know(sdkMethods...)
	return t, nil
}

// receives observes a message of a client. The client chooses the trace that its span stands in, and nothing else.
func (t *telemetry) receives(ctx context.Context, m message) (context.Context, func(mcp.Result, error)) {
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(m.of.OnSpan()...), trace.WithAttributes(m.common...),
	}
	if m.principal != "" {
		options = append(options, trace.WithAttributes(attribute.String("enduser.id", semconv.Cut(m.principal))))
	}
	if m.sessionID != "" {
		options = append(options, trace.WithAttributes(attribute.String("mcp.session.id", semconv.Cut(m.sessionID))))
	}
	parent := m.carrier
	if m.named.IsValid() {
		parent = m.named
		if m.carrier.IsValid() && m.carrier.SpanID() != m.named.SpanID() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: m.carrier}))
		}
	}
	ctx, span := t.tracer.Start(trace.ContextWithSpanContext(ctx, parent), m.of.SpanName(), options...)
	begun := time.Now()
	return ctx, func(result mcp.Result, err error) {
		common := m.common
		if version := m.version(); version != "" {
			revision := attribute.String("mcp.protocol.version", version)
			span.SetAttributes(revision)
			common = append(slices.Clone(common), revision)
		}
		onSpan, onMetric := failure(m.of.Method, result, err)
		// A notification has no answer that says whether there is such a method.
		known := onMetric == nil && !strings.HasPrefix(m.of.Method, "notifications/")
		t.answered.Record(ctx, semconv.Since(begun), metric.WithAttributes(slices.Concat(t.names.OnMetric(m.of, known), common, onMetric)...))
		semconv.End(span, onSpan)
	}
}

// failure describes what the client is answered with, where that is no success.
func failure(method string, answer mcp.Result, err error) (onSpan, onMetric []attribute.KeyValue) {
	if err != nil {
		kind := caisson.CodeOf(err)
		rpc, answered := caisson.RPCError(err)
		if answered {
			kind = caisson.CodeRPC
		}
		return semconv.Failed(kind.String(), rpc, 0)
	}
	if r, ok := answer.(*result); ok && method == "tools/call" && r.isToolError() {
		return semconv.ToolError(), semconv.ToolError()
	}
	return nil, nil
}

// isToolError reports whether a result has isError.
func (r *result) isToolError() bool {
	if r.whole != nil {
		return string(r.whole["isError"]) == "true"
	}
	return semconv.IsToolError(r.text)
}

// observing has the telemetry see what clients send, where there is some.
func (e *endpoint) observing(next mcp.MethodHandler) mcp.MethodHandler {
	t := e.gateway.telemetry
	if t == nil {
		return next
	}
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		ctx, answered := t.receives(ctx, e.message(ctx, method, request))
		result, err := next(ctx, method, request)
		answered(result, err)
		return result, err
	}
}

// observeSession observes a session of an older revision from now to its end. Close waits until that is written down.
func (e *endpoint) observeSession(ctx context.Context, session *mcp.ServerSession, request mcp.Request, version string) {
	g := e.gateway
	g.mu.Lock()
	observed := g.telemetry != nil && !g.closed
	if observed {
		g.ending.Add(1)
	}
	g.mu.Unlock()
	if !observed {
		return
	}
	begun := time.Now()
	common := append(e.message(ctx, "initialize", request).common, attribute.String("mcp.protocol.version", version))
	go func() {
		defer g.ending.Done()
		_ = session.Wait()
		g.telemetry.sessions.Record(context.Background(), semconv.Since(begun), metric.WithAttributes(common...))
	}()
}

// noticed passes on a notification that the Go SDK does not see.
func (e *endpoint) noticed(r *http.Request, c *carried) {
	ctx, t := r.Context(), e.gateway.telemetry
	if t != nil {
		var answered func(mcp.Result, error)
		ctx, answered = t.receives(ctx, e.notice(r, c))
		defer answered(nil, nil)
	}
	e.heardOf(ctx, nil, *c)
}

// passes reports whether a member of a client's `_meta` may go on to where the gateway sends the rest of it. Baggage
// never does. Where there is telemetry, the next one's parent is the gateway's own span.
func (g *Gateway) passes(key string) bool {
	return key != "baggage" && (g.telemetry == nil || !semconv.IsTraceContext(key))
}
