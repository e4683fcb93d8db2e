package docs_test

import (
	"testing"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// observed is the code of docs/telemetry.md.
func observed(runtime *caisson.Runtime, tracers trace.TracerProvider, meters metric.MeterProvider) (*caisson.Client, error) {
	client, err := runtime.NewClient(&caisson.ClientOptions{Telemetry: caisson.Telemetry{
		TracerProvider: tracers, // of go.opentelemetry.io/otel/sdk/trace, say
		MeterProvider:  meters,
	}})
	return client, err
}

// TestTelemetryDocument finds that the document's options are taken.
func TestTelemetryDocument(t *testing.T) {
	runtime, err := caisson.New(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close()
	if _, err := observed(runtime, tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider()); err != nil {
		t.Error(err)
	}
}
