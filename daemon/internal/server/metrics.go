package server

import (
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
)

// Metrics are those of the daemon, for Prometheus.
type Metrics struct {
	registry *prometheus.Registry
	// Provider makes the metrics.
	Provider metric.MeterProvider
}

// NewMetrics makes them.
func NewMetrics() (*Metrics, error) {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(m.registry))
	if err != nil {
		return nil, err
	}
	m.Provider = sdk.NewMeterProvider(sdk.WithReader(reader))
	return m, nil
}

// Serve serves /metrics until the listener is closed.
func (m *Metrics) Serve(listener net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return (&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(listener)
}

// Watch adds what there is of a daemon.
func (m *Metrics) Watch(s *Server) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "caisson_sessions", Help: "Open sessions with MCP servers, of all principals.",
	}, func() float64 { return float64(s.pool.Count()) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "caisson_servers_unreachable", Help: "MCP servers that could not be reached several times in turn, and are not called for a while.",
	}, func() float64 { return float64(s.pool.Unreachable()) }))
}
