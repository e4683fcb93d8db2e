package server

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/caisson-dev/caisson/daemon/internal/telemetry"
)

// SessionsMetric has the open sessions of a daemon, as Prometheus names it. It is what to scale by.
const SessionsMetric = "caisson_sessions"

// Metrics are those of the daemon, for Prometheus and for whatever else the options read them out for.
type Metrics struct {
	registry *prometheus.Registry
	// Provider makes the metrics.
	Provider *sdk.MeterProvider
}

// NewMetrics makes them. Close it.
func NewMetrics(options ...sdk.Option) (*Metrics, error) {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(m.registry), exporter.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	m.Provider = sdk.NewMeterProvider(append(options, sdk.WithReader(reader))...)
	return m, nil
}

// Serve serves /metrics until the listener is closed.
func (m *Metrics) Serve(listener net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return (&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(listener)
}

// Watch adds what there is of a daemon.
func (m *Metrics) Watch(s *Server) error {
	meter := m.Provider.Meter("github.com/caisson-dev/caisson/daemon")
	for _, gauge := range []struct {
		name, unit, description string
		count                   func() int
	}{
		{"caisson.sessions", "{session}", "Open sessions with MCP servers, of all principals.", s.pool.Count},
		{"caisson.servers.unreachable", "{server}", "MCP servers that could not be reached several times in turn, and are not called for a while.", s.pool.Unreachable},
	} {
		_, err := meter.Int64ObservableGauge(gauge.name, metric.WithUnit(gauge.unit), metric.WithDescription(gauge.description),
			metric.WithInt64Callback(func(_ context.Context, observer metric.Int64Observer) error {
				observer.Observe(int64(gauge.count()))
				return nil
			}))
		if err != nil {
			return err
		}
	}
	return nil
}

// Close sends what is left to whatever the metrics are sent to, for a bounded time.
func (m *Metrics) Close(ctx context.Context) error {
	bounded, cancel := telemetry.Bounded(ctx)
	defer cancel()
	return m.Provider.Shutdown(bounded)
}
