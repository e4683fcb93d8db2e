// Package telemetry has the daemon's spans and metrics leave the process where OpenTelemetry's environment variables
// say so: OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT and their like.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// patience bounds the sending of what is left when the daemon ends.
const patience = 5 * time.Second

// Export is what leaves the process.
type Export struct {
	// Resource says whose spans and metrics they are.
	Resource *resource.Resource
	// Tracers makes the spans. Nil: no variable says where to.
	Tracers *trace.TracerProvider
	// Reader takes the metrics out, and is closed by who makes them. Nil: no variable says where to.
	Reader metric.Reader
}

// New reads the variables. Errors of exporting go to the log. Close it.
func New(ctx context.Context, log *slog.Logger) (*Export, error) {
	e := &Export{}
	var err error
	e.Resource, err = resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("caissond"), semconv.ServiceVersion(caisson.Version)), resource.WithFromEnv())
	if err != nil {
		return nil, wrong("OTEL_RESOURCE_ATTRIBUTES", err)
	}
	if wanted("TRACES") {
		exporter, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return nil, wrong("OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_*", err)
		}
		e.Tracers = trace.NewTracerProvider(trace.WithResource(e.Resource), trace.WithBatcher(exporter))
	}
	if wanted("METRICS") {
		if e.Reader, err = autoexport.NewMetricReader(ctx); err != nil {
			e.Close(ctx)
			return nil, wrong("OTEL_METRICS_EXPORTER and OTEL_EXPORTER_OTLP_*", err)
		}
	}
	if e.Tracers != nil || e.Reader != nil {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("telemetry is not exported", "error", err) }))
	}
	return e, nil
}

// wanted says whether a variable asks for a signal. OpenTelemetry's own default is to send to a collector on this
// machine, also where nobody has said anything.
func wanted(signal string) bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	switch os.Getenv("OTEL_" + signal + "_EXPORTER") {
	case "none":
		return false
	case "":
		return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != ""
	}
	return true
}

func wrong(variables string, err error) error {
	return fmt.Errorf("OpenTelemetry cannot be set up: correct the variables %s: %w", variables, err)
}

// Metrics are the options of whoever makes the metrics.
func (e *Export) Metrics() []metric.Option {
	options := []metric.Option{metric.WithResource(e.Resource)}
	if e.Reader != nil {
		options = append(options, metric.WithReader(e.Reader))
	}
	return options
}

// Close sends the spans that are left, for a bounded time. The metrics are their provider's.
func (e *Export) Close(ctx context.Context) {
	if e.Tracers == nil {
		return
	}
	bounded, cancel := Bounded(ctx)
	defer cancel()
	if err := e.Tracers.Shutdown(bounded); err != nil && !errors.Is(err, context.Canceled) {
		otel.Handle(err)
	}
}

// Bounded is the time in which what is left is sent. It begins also where ctx has ended.
func Bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), patience)
}

// Continue has the spans of a request be a part of its caller's trace. Only the trace context of W3C is read: baggage
// is for a program's own services.
func Continue(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
