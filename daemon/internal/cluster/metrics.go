package cluster

import (
	"context"
	"path"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// A Direction says which way a call goes between daemons.
type Direction string

// The directions.
const (
	In  Direction = "in"
	Out Direction = "out"
)

// A Fallback is what becomes of a call for a session whose daemon is not there.
type Fallback string

// The fallbacks.
const (
	// Anew says that the session was made anew, by this daemon.
	Anew Fallback = "anew"
	// Away says that the daemon may be there again in a moment: nothing was sent.
	Away Fallback = "away"
	// Lost says that the session is lost with its daemon.
	Lost Fallback = "lost"
)

// What a lease is of.
const (
	ofDaemon  = "daemon"
	ofSession = "session"
)

// boundaries are those of package caisson, in seconds, and two below, as a forward is short.
var boundaries = metric.WithExplicitBucketBoundaries(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

// metrics are the instruments of a cluster.
type metrics struct {
	calls     metric.Float64Histogram
	fallbacks metric.Int64Counter
	leases    metric.Int64Counter
}

func newMetrics(meter metric.Meter) (*metrics, error) {
	if meter == nil {
		meter = noop.Meter{}
	}
	m := &metrics{}
	var err error
	if m.calls, err = meter.Float64Histogram("caisson.cluster.call.duration", metric.WithUnit("s"), metric.WithDescription("Calls from one daemon to another, until they are answered."), boundaries); err != nil {
		return nil, err
	}
	if m.fallbacks, err = meter.Int64Counter("caisson.cluster.fallbacks", metric.WithUnit("{call}"), metric.WithDescription("Calls for a session whose daemon is not there.")); err != nil {
		return nil, err
	}
	if m.leases, err = meter.Int64Counter("caisson.cluster.leases.lost", metric.WithUnit("{lease}"), metric.WithDescription("Leases of the daemon that have run out, and sessions of it that another one has taken.")); err != nil {
		return nil, err
	}
	for _, one := range []Fallback{Anew, Away, Lost} { // From the start, so that the first one is seen as a change.
		m.fell(one, 0)
	}
	for _, one := range []string{ofDaemon, ofSession} {
		m.lost(one, 0)
	}
	return m, nil
}

func (m *metrics) fell(how Fallback, n int64) {
	m.fallbacks.Add(context.Background(), n, metric.WithAttributes(attribute.String("caisson.cluster.outcome", string(how))))
}

func (m *metrics) lost(of string, n int64) {
	m.leases.Add(context.Background(), n, metric.WithAttributes(attribute.String("caisson.cluster.lease", of)))
}

// Called counts a call between daemons, of a procedure such as /caisson.v1.McpService/CallTool. The error's type is ""
// where there is none; it is one of a bounded number.
func (c *Cluster) Called(way Direction, procedure, errorType string, took time.Duration) {
	attributes := []attribute.KeyValue{attribute.String("caisson.cluster.direction", string(way)), attribute.String("rpc.method", path.Base(procedure))}
	if errorType != "" {
		attributes = append(attributes, attribute.String("error.type", errorType))
	}
	c.metrics.calls.Record(context.Background(), took.Seconds(), metric.WithAttributes(attributes...))
}

// Fell counts a call for a session whose daemon is not there.
func (c *Cluster) Fell(how Fallback) { c.metrics.fell(how, 1) }

// Up reports whether the store has taken this daemon's lease the last time.
func (c *Cluster) Up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaseErr == nil && c.options.Store.Conn.IsConnected()
}

// Daemons is how many daemons were alive when this one's lease was renewed the last time. One that has ended counts until
// its lease has.
func (c *Cluster) Daemons() int { return int(c.daemons.Load()) }

// Sessions is how many sessions in the registry are this daemon's.
func (c *Cluster) Sessions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.own)
}

// leased takes the outcome of renewing the lease.
func (c *Cluster) leased(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.lapsed && time.Since(c.renewed) >= c.options.Times.Lease {
		c.lapsed = true
		c.metrics.lost(ofDaemon, 1)
	}
	if c.leaseErr = err; err == nil {
		c.renewed, c.lapsed = time.Now(), false
	}
}
