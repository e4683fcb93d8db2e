package server

import (
	"testing"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// TestRunMetrics submits more runs than the daemon runs at once, and reads in the metrics what has become of each, in the
// store and in memory.
func TestRunMetrics(t *testing.T) {
	for name, text := range map[string]string{"store": "scripts: {maxRunsAtOnce: 1}\n", "memory": "store: none\n"} {
		t.Run(name, func(t *testing.T) {
			up := newUpstream(t)
			e := addEffects(up)
			m, err := NewMetrics()
			if err != nil {
				t.Fatal(err)
			}
			d := startWith(t, servers("up", up.url)+text, Options{Telemetry: caisson.Telemetry{MeterProvider: m.Provider}})
			if err := m.Watch(d.Server); err != nil {
				t.Fatal(err)
			}
			gauge := func(name string) float64 { return m.measured(t, "caisson_runs_"+name, prometheus.Labels{}) }
			const language = "caisson_script_language"
			js := prometheus.Labels{language: "javascript"}
			ended := func(outcome, kind string) float64 {
				labels := prometheus.Labels{language: "javascript", "caisson_run_outcome": outcome}
				if kind != "" {
					labels["error_type"] = kind
				}
				return max(0, m.measured(t, "caisson_run_duration_seconds", labels))
			}
			alice := d.scripts(d.token("alice"))
			underway := submitRun(t, alice, &caissonv1.SubmitRunRequest{Script: effectScript()})
			<-e.begun
			var waiting []*caissonv1.Run
			for _, source := range []string{"throw new Error('no')", "return 1", "return 2"} {
				waiting = append(waiting, submitRun(t, alice, &caissonv1.SubmitRunRequest{Script: &caissonv1.Script{Source: source}}))
			}
			submitted := m.measured(t, "caisson_runs_submitted_total", js)
			if name == "store" {
				if n, q, age := gauge("underway"), gauge("queued"), gauge("queued_age_seconds"); submitted != 4 || n != 1 || q != 3 || age < 0 || gauge("asleep") != 0 {
					t.Errorf("of %v submitted runs %v are underway, and %v wait for %v s", submitted, n, q, age)
				}
				if _, err := alice.CancelRun(t.Context(), connect.NewRequest(&caissonv1.CancelRunRequest{Id: waiting[2].GetId()})); err != nil {
					t.Fatal(err)
				}
				if n := ended("cancelled", ""); n != 1 {
					t.Errorf("%v runs are cancelled", n)
				}
				waiting = waiting[:2]
			}
			close(e.release)
			for _, run := range append(waiting, underway) {
				watchRun(t, alice, run.GetId())
			}
			storetest.Until(t, func() bool { // The daemon counts what it has written.
				return ended("succeeded", "") == float64(len(waiting)) && ended("failed", "runtime") == 1 && gauge("queued") == 0 && gauge("underway") == 0
			})
			started, waits := m.measured(t, "caisson_runs_started_total", prometheus.Labels{language: "javascript", "caisson_run_start": "first"}), m.measured(t, "caisson_run_wait_duration_seconds", js)
			if want := float64(len(waiting) + 1); started != want || waits != want || gauge("queued_age_seconds") != 0 {
				t.Errorf("%v runs have begun, and %v have waited: not %v", started, waits, want)
			}
		})
	}
}
