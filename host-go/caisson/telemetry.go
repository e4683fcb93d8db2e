package caisson

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	nometric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	notrace "go.opentelemetry.io/otel/trace/noop"
)

// Telemetry says where a client's spans and metrics go. The zero value makes none, and costs nothing: Caisson
// does not use OpenTelemetry's global providers. It is a part of [ClientOptions]. docs/telemetry.md has the
// names, which follow the semantic conventions for MCP. Arguments, results and texts of errors are in none.
type Telemetry struct {
	// TracerProvider makes the spans of what is sent to servers and asked by them, of approvals, denials and
	// scripts. Default: none.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics. They have no principals, URIs or ids of sessions, and a bounded number
	// of names. Default: none.
	MeterProvider metric.MeterProvider
}

// telemetry are the instruments of a client that has some.
type telemetry struct {
	tracer                                     trace.Tracer
	sent, answered, session, approval, scripts metric.Float64Histogram
	decisions                                  metric.Int64Counter
	principal                                  []attribute.KeyValue // for spans

	methods, tools, prompts, servers labels
}

// boundaries are those that the semantic conventions advise, in seconds.
var boundaries = metric.WithExplicitBucketBoundaries(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

// newTelemetry makes the instruments; nil where nobody wants any.
func (o *ClientOptions) newTelemetry() (*telemetry, error) {
	if o.TracerProvider == nil && o.MeterProvider == nil {
		return nil, nil
	}
	t := &telemetry{}
	if o.Principal != "" {
		t.principal = []attribute.KeyValue{attribute.String("enduser.id", o.Principal)}
	}
	const scope = "github.com/caisson-dev/caisson/host-go/caisson"
	tracers, meters := o.TracerProvider, o.MeterProvider
	if tracers == nil {
		tracers = notrace.NewTracerProvider()
	}
	if meters == nil {
		meters = nometric.NewMeterProvider()
	}
	t.tracer = tracers.Tracer(scope, trace.WithInstrumentationVersion(Version))
	meter := meters.Meter(scope, metric.WithInstrumentationVersion(Version))
	for _, h := range []struct {
		into              *metric.Float64Histogram
		name, description string
	}{
		{&t.sent, "mcp.client.operation.duration", "From sending a request or notification to its answer."},
		{&t.answered, "mcp.server.operation.duration", "From a server's question to the answer."},
		{&t.session, "mcp.client.session.duration", "How long a session was open."},
		{&t.approval, "caisson.approval.duration", "How long a call waited for somebody's yes."},
		{&t.scripts, "caisson.script.duration", "How long a script, or a function of a module, ran."},
	} {
		var err error
		if *h.into, err = meter.Float64Histogram(h.name, metric.WithUnit("s"), metric.WithDescription(h.description), boundaries); err != nil {
			return nil, errOption("ClientOptions.MeterProvider makes no " + h.name + ": " + err.Error())
		}
	}
	var err error
	if t.decisions, err = meter.Int64Counter("caisson.policy.decisions", metric.WithUnit("{decision}"), metric.WithDescription("Decisions of the policy.")); err != nil {
		return nil, errOption("ClientOptions.MeterProvider makes no caisson.policy.decisions: " + err.Error())
	}
	for _, method := range used {
		t.methods.metric(method, true)
	}
	return t, nil
}

// labels are the values that an attribute of a metric may have. Models and servers choose names: only those that
// are there, and not too many of them, become values.
type labels struct {
	mu    sync.Mutex
	known map[string]bool
}

const (
	// maxLabels bounds the values of one attribute, and so what a metric's reader has to keep.
	maxLabels = 1000
	// maxNameBytes bounds a name on a span and on a metric.
	maxNameBytes = 256
	// otherLabel stands for all other names, as the conventions have it for errors.
	otherLabel = "_OTHER"
)

// metric returns the value for a name. A name becomes known with something that did not fail.
func (l *labels) metric(name string, exists bool) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.known[name]:
		return name
	case !exists || len(l.known) >= maxLabels || len(name) > maxNameBytes:
		return otherLabel
	case l.known == nil:
		l.known = map[string]bool{}
	}
	l.known[name] = true
	return name
}

// cutName bounds a name for a span.
func cutName(name string) string {
	if len(name) > maxNameBytes {
		return strings.ToValidUTF8(name[:maxNameBytes], "") + "…"
	}
	return name
}

// failed describes an error, for a span and for a metric; both are empty for nil. It has no word of the
// message, which may quote arguments.
func failed(err error) (onSpan, onMetric []attribute.KeyValue) {
	if err == nil {
		return nil, nil
	}
	kind := strings.ReplaceAll(CodeOf(err).String(), " ", "_")
	if kind == "unknown" {
		kind = otherLabel
	}
	if rpc, ok := RPCError(err); ok {
		text := strconv.FormatInt(rpc.Code, 10)
		onSpan = []attribute.KeyValue{attribute.String("error.type", text), attribute.String("rpc.response.status_code", text)}
		if rpc.Code < -32768 || rpc.Code > -32000 { // Others than the reserved ones are of any number.
			return onSpan, []attribute.KeyValue{attribute.String("error.type", kind)}
		}
		return onSpan, onSpan
	}
	if e := new(Error); asError(err, &e) && e.HTTPStatus >= 100 && e.HTTPStatus <= 599 {
		kind = strconv.Itoa(e.HTTPStatus)
	}
	all := []attribute.KeyValue{attribute.String("error.type", kind)}
	return all, all
}

// endSpan ends a span, with what has failed.
func endSpan(span trace.Span, failure []attribute.KeyValue) {
	if len(failure) > 0 {
		span.SetAttributes(failure...)
		span.SetStatus(otelcodes.Error, "")
	}
	span.End()
}

// toolError is what the conventions have for a result with isError.
var toolError = []attribute.KeyValue{attribute.String("error.type", "tool_error")}

func isToolError(result json.RawMessage) bool {
	var members struct {
		IsError bool `json:"isError"`
	}
	return json.Unmarshal(result, &members) == nil && members.IsError
}

func secondsSince(since time.Time) float64 { return time.Since(since).Seconds() }
