// Package semconv has what the telemetry of a client and that of the gateway share: names, bounds and errors, as the
// semantic conventions for MCP have them.
package semconv

import (
	"time"

	"go.opentelemetry.io/otel/metric"
	nometric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	notrace "go.opentelemetry.io/otel/trace/noop"
)

// Instruments makes what spans and metrics are made with. A provider may be nil: then there are none of its kind.
func Instruments(tracers trace.TracerProvider, meters metric.MeterProvider, scope, version string) (trace.Tracer, metric.Meter) {
	if tracers == nil {
		tracers = notrace.NewTracerProvider()
	}
	if meters == nil {
		meters = nometric.NewMeterProvider()
	}
	return tracers.Tracer(scope, trace.WithInstrumentationVersion(version)), meters.Meter(scope, metric.WithInstrumentationVersion(version))
}

// A Duration is a histogram of seconds.
type Duration struct {
	Into              *metric.Float64Histogram
	Name, Description string
}

// The metric that a client and a gateway have both, each of what is asked of it.
const (
	ServerOperation            = "mcp.server.operation.duration"
	ServerOperationDescription = "From receiving a request or notification to its answer."
)

// boundaries are those that the semantic conventions advise, in seconds.
var boundaries = metric.WithExplicitBucketBoundaries(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

// Make makes the histogram.
func (d Duration) Make(meter metric.Meter) (err error) {
	*d.Into, err = meter.Float64Histogram(d.Name, metric.WithUnit("s"), metric.WithDescription(d.Description), boundaries)
	return err
}

// Since is the time that has passed, in seconds.
func Since(begun time.Time) float64 { return time.Since(begun).Seconds() }
