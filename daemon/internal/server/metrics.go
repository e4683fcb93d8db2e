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

	"github.com/caisson-dev/caisson/daemon/internal/runs"
	"github.com/caisson-dev/caisson/daemon/internal/telemetry"
)

// These are what to scale by, as Prometheus names them: the open sessions of a daemon, and the submitted runs that wait for
// any daemon.
const (
	SessionsMetric = "caisson_sessions"
	QueuedMetric   = "caisson_runs_queued"
)

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
	type gauge struct {
		name, unit, description string
		count                   func() int
	}
	gauges := []gauge{
		{"caisson.connections", "{connection}", "Open connections of callers.", s.connections.count},
		{"caisson.messages.size", "By", "Messages of callers that are in flight, with what their calls count beside.", s.budget.Used},
		{"caisson.runs.underway", "{run}", "Submitted runs that this daemon has underway.", s.runs.Underway},
		{"caisson.scripts.underway", "{script}", "Scripts that callers wait for.", s.underway.Count},
		{"caisson.sessions", "{session}", "Open sessions with MCP servers, of all principals.", s.pool.Count},
		{"caisson.servers.unreachable", "{server}", "MCP servers that could not be reached several times in turn, and are not called for a while.", s.pool.Unreachable},
	}
	if s.store != nil {
		gauges = append(gauges, gauge{"caisson.store.up", "", "Whether the store answers: 1, or 0.", s.storeUp})
	}
	if s.cluster != nil {
		gauges = append(gauges,
			gauge{"caisson.cluster.daemons", "{daemon}", "Daemons that are alive, as this one has heard the last time.", s.cluster.Daemons},
			gauge{"caisson.cluster.sessions", "{session}", "Sessions in the registry that are this daemon's.", s.cluster.Sessions})
	}
	meter := meterOf(m.Provider)
	_, err := meter.Int64ObservableCounter("caisson.scripts.refused", metric.WithUnit("{script}"), metric.WithDescription("Scripts that were refused, as their principal had as many underway as there may be."),
		metric.WithInt64Callback(func(_ context.Context, observer metric.Int64Observer) error {
			observer.Observe(s.underway.Refused())
			return nil
		}))
	if err != nil {
		return err
	}
	if err := watchBacklog(meter, s.runs); err != nil {
		return err
	}
	for _, gauge := range gauges {
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

// backlogWait bounds how long the metrics wait for the store.
const backlogWait = time.Second

// watchBacklog adds what waits in the store. While the store does not answer, there is nothing to say of it.
func watchBacklog(meter metric.Meter, of runs.Runs) error {
	var all [3]metric.Int64ObservableGauge
	for i, made := range []struct{ name, unit, description string }{
		{"caisson.runs.queued", "{run}", "Submitted runs that no daemon has taken yet, of all daemons."},
		{"caisson.runs.asleep", "{run}", "Submitted runs that sleep in the store, of all daemons."},
		{"caisson.runs.queued.age", "s", "How long the oldest submitted run has waited that no daemon has taken yet."},
	} {
		var err error
		if all[i], err = meter.Int64ObservableGauge(made.name, metric.WithUnit(made.unit), metric.WithDescription(made.description)); err != nil {
			return err
		}
	}
	_, err := meter.RegisterCallback(func(ctx context.Context, observer metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, backlogWait)
		defer cancel()
		backlog, err := of.Backlog(ctx)
		if err != nil {
			return nil
		}
		for i, value := range []int{backlog.Queued, backlog.Asleep, int(backlog.Age.Seconds())} {
			observer.ObserveInt64(all[i], int64(value))
		}
		return nil
	}, all[0], all[1], all[2])
	return err
}

// meterOf makes the metrics of the daemon itself; nil where nobody wants any.
func meterOf(provider metric.MeterProvider) metric.Meter {
	if provider == nil {
		return nil
	}
	return provider.Meter("github.com/caisson-dev/caisson/daemon")
}

// storeUp is 1 where the store answers, and 0 where it does not.
func (s *Server) storeUp() int {
	up := s.store.Conn.IsConnected()
	if s.cluster != nil {
		up = s.cluster.Up()
	}
	if up {
		return 1
	}
	return 0
}

// Close sends what is left to whatever the metrics are sent to, for a bounded time.
func (m *Metrics) Close(ctx context.Context) error {
	bounded, cancel := telemetry.Bounded(ctx)
	defer cancel()
	return m.Provider.Shutdown(bounded)
}
