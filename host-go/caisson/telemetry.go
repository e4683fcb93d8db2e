package caisson

import (
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/caisson-dev/caisson/host-go/internal/semconv"
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

	*labels
}

// labels are the names that metrics have. The clients of a runtime have them in common: a gateway has a client for each
// session with a server, and together they must not name more than one of them may.
type labels struct {
	names   semconv.Names
	servers semconv.Labels
}

// newTelemetry makes the instruments; nil where nobody wants any.
func (o *ClientOptions) newTelemetry(known *labels) (*telemetry, error) {
	if o.TracerProvider == nil && o.MeterProvider == nil {
		return nil, nil
	}
	t := &telemetry{labels: known}
	if o.Principal != "" {
		t.principal = []attribute.KeyValue{attribute.String("enduser.id", o.Principal)}
	}
	var meter metric.Meter
	t.tracer, meter = semconv.Instruments(o.TracerProvider, o.MeterProvider, "github.com/caisson-dev/caisson/host-go/caisson", Version)
	for _, d := range []semconv.Duration{
		{Into: &t.sent, Name: "mcp.client.operation.duration", Description: "From sending a request or notification to its answer."},
		{Into: &t.answered, Name: semconv.ServerOperation, Description: semconv.ServerOperationDescription},
		{Into: &t.session, Name: "mcp.client.session.duration", Description: "How long a session was open."},
		{Into: &t.approval, Name: "caisson.approval.duration", Description: "How long a call waited for somebody's yes."},
		{Into: &t.scripts, Name: "caisson.script.duration", Description: "How long a script, or a function of a module, ran."},
	} {
		if err := d.Make(meter); err != nil {
			return nil, errOption("ClientOptions.MeterProvider makes no " + d.Name + ": " + err.Error())
		}
	}
	var err error
	if t.decisions, err = meter.Int64Counter("caisson.policy.decisions", metric.WithUnit("{decision}"), metric.WithDescription("Decisions of the policy.")); err != nil {
		return nil, errOption("ClientOptions.MeterProvider makes no caisson.policy.decisions: " + err.Error())
	}
	t.names.Know(used...)
	return t, nil
}

// failed describes an error, for a span and for a metric; both are empty for nil.
func failed(err error) (onSpan, onMetric []attribute.KeyValue) {
	if err == nil {
		return nil, nil
	}
	rpc, _ := RPCError(err)
	status := 0
	if e := new(Error); asError(err, &e) {
		status = e.HTTPStatus
	}
	return semconv.Failed(CodeOf(err).String(), rpc, status)
}

func asError[T error](err error, into *T) bool { return errors.As(err, into) }
