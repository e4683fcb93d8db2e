package runs

import (
	"cmp"
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/wire"
)

// A Backlog is what waits in the store for all daemons.
type Backlog struct {
	// Queued are runs that no daemon has taken yet, and Age is how long the oldest of them has waited.
	Queued int
	Age    time.Duration
	// Asleep are runs that sleep, and those that another daemon has woken and has underway.
	Asleep int
}

// A start says how a run comes to be underway.
type start string

const (
	startFirst start = "first"
	startAgain start = "again" // from its beginning, as its daemon has died
	startWoken start = "woken"
)

// An ending says how a run has ended.
type ending string

const (
	endSucceeded ending = "succeeded"
	endFailed    ending = "failed"    // the script has failed
	endError     ending = "error"     // it could not be begun, or not go on to its end
	endCancelled ending = "cancelled" // by its principal, or with its daemon
)

// boundaries are in seconds, up to a week: runs sleep.
var boundaries = metric.WithExplicitBucketBoundaries(0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 6*3600, 24*3600, 7*24*3600)

// Metrics are the instruments of runs. Each event is counted by the daemon that brings it about. Nil counts nothing.
type Metrics struct {
	submissions metric.Int64Counter
	starts      metric.Int64Counter
	waits       metric.Float64Histogram
	durations   metric.Float64Histogram
}

// NewMetrics makes them.
func NewMetrics(meter metric.Meter) (*Metrics, error) {
	m := &Metrics{}
	var err error
	if m.submissions, err = meter.Int64Counter("caisson.runs.submitted", metric.WithUnit("{run}"), metric.WithDescription("Runs that were submitted, each once.")); err != nil {
		return nil, err
	}
	if m.starts, err = meter.Int64Counter("caisson.runs.started", metric.WithUnit("{run}"), metric.WithDescription("Runs that a daemon has begun, or woken.")); err != nil {
		return nil, err
	}
	if m.waits, err = meter.Float64Histogram("caisson.run.wait.duration", metric.WithUnit("s"), metric.WithDescription("How long runs wait for a daemon, from their submission to their first start."), boundaries); err != nil {
		return nil, err
	}
	m.durations, err = meter.Float64Histogram("caisson.run.duration", metric.WithUnit("s"), metric.WithDescription("Runs that have ended, from their submission to their end."), boundaries)
	return m, err
}

// language names that of a script. The service has looked at it, so there are few.
func language(name string) attribute.KeyValue {
	return attribute.String("caisson.script.language", cmp.Or(name, "javascript"))
}

func (m *Metrics) submitted(lang string) {
	if m == nil {
		return
	}
	m.submissions.Add(context.Background(), 1, metric.WithAttributes(language(lang)))
}

func (m *Metrics) started(lang string, how start, submitted time.Time) {
	if m == nil {
		return
	}
	m.starts.Add(context.Background(), 1, metric.WithAttributes(language(lang), attribute.String("caisson.run.start", string(how))))
	if how == startFirst {
		m.waits.Record(context.Background(), since(submitted), metric.WithAttributes(language(lang)))
	}
}

// ended counts a run as it has ended.
func (m *Metrics) ended(lang string, run *Run, outcome *caissonv1.Outcome) {
	if m == nil {
		return
	}
	how, kind := endSucceeded, ""
	switch {
	case run.State == Cancelled:
		how = endCancelled
	case run.Failure != nil:
		how, kind = endError, codeName(run.Failure.GetCode())
	case outcome.GetFailure() != nil:
		how, kind = endFailed, outcome.GetFailure().GetKind()
	}
	all := []attribute.KeyValue{language(lang), attribute.String("caisson.run.outcome", string(how))}
	if kind != "" {
		all = append(all, attribute.String("error.type", kind))
	}
	m.durations.Record(context.Background(), since(run.Submitted), metric.WithAttributes(all...))
}

// codeName names a code as the other metrics do.
func codeName(code caissonv1.Code) string {
	of, ok := wire.CodeOf(code)
	if !ok {
		of = caisson.CodeInternal
	}
	return strings.ReplaceAll(of.String(), " ", "_")
}

// since is in seconds. The clocks of daemons differ.
func since(t time.Time) float64 { return max(0, time.Since(t).Seconds()) }
