package server

import (
	"maps"
	"testing"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// measured are the values of a metric that has labels, as Prometheus gets them: the count of a histogram. -1 stands for none.
func (m *Metrics) measured(t *testing.T, name string, want prometheus.Labels) float64 {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, one := range family.GetMetric() {
			labels := prometheus.Labels{}
			for _, label := range one.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if !maps.Equal(labels, want) {
				continue
			}
			switch {
			case one.GetHistogram() != nil:
				return float64(one.GetHistogram().GetSampleCount())
			case one.GetCounter() != nil:
				return one.GetCounter().GetValue()
			}
			return one.GetGauge().GetValue()
		}
	}
	return -1
}

// TestClusterMetrics calls a session through another daemon, takes NATS away, and then the daemon, and reads of each in the metrics.
func TestClusterMetrics(t *testing.T) {
	nats := storetest.Start(t, nil)
	up := newUpstream(t)
	var all []*daemon
	var metrics []*Metrics
	for range 2 {
		m, err := NewMetrics()
		if err != nil {
			t.Fatal(err)
		}
		d := startWith(t, servers("up", up.url, "simple", stateless(t, up))+"drainTimeout: 100ms\nnats: {url: '"+nats.URL()+"'}\n", Options{ClusterTimes: quick, Telemetry: caisson.Telemetry{MeterProvider: m.Provider}})
		if err := m.Watch(d.Server); err != nil {
			t.Fatal(err)
		}
		all, metrics = append(all, d), append(metrics, m)
	}
	home, other := metrics[0], metrics[1]
	ctx := t.Context()
	alice := all[1].mcp(all[1].token("alice"))
	connectAs(t, all[0].mcp(all[0].token("alice")), "mine", "up", "")
	connectAs(t, all[0].mcp(all[0].token("alice")), "simple", "simple", "")
	if _, err := say(ctx, alice, "mine", "hello"); err != nil {
		t.Fatal(err)
	}
	_, err := alice.ReadResource(ctx, connect.NewRequest(&caissonv1.ReadResourceRequest{Target: bySession("mine"), Uri: "x:y"}))
	if codeOf(t, err) != caissonv1.Code_CODE_RPC {
		t.Errorf("%v", err)
	}
	const calls = "caisson_cluster_call_duration_seconds"
	for way, m := range map[string]*Metrics{"in": home, "out": other} {
		storetest.Until(t, func() bool { // Who is called counts when it has answered.
			return m.measured(t, calls, prometheus.Labels{"caisson_cluster_direction": way, "rpc_method": "CallTool"}) == 1 &&
				m.measured(t, calls, prometheus.Labels{"caisson_cluster_direction": way, "rpc_method": "ReadResource", "error_type": "rpc"}) == 1
		})
	}
	if in, out := other.measured(t, calls, prometheus.Labels{"caisson_cluster_direction": "in", "rpc_method": "CallTool"}), home.measured(t, calls, prometheus.Labels{"caisson_cluster_direction": "out", "rpc_method": "CallTool"}); in != -1 || out != -1 {
		t.Errorf("the other way there were %v and %v calls", in, out)
	}
	if own, others := home.measured(t, "caisson_cluster_sessions", prometheus.Labels{}), other.measured(t, "caisson_cluster_sessions", prometheus.Labels{}); own != 2 || others != 0 {
		t.Errorf("the registry has %v and %v sessions", own, others)
	}
	whole := func() bool {
		return home.measured(t, "caisson_cluster_daemons", prometheus.Labels{}) == 2 && home.measured(t, "caisson_store_up", prometheus.Labels{}) == 1
	}
	storetest.Until(t, whole)
	lost := func(m *Metrics, of string) float64 {
		return m.measured(t, "caisson_cluster_leases_lost_total", prometheus.Labels{"caisson_cluster_lease": of})
	}
	if of, sessions := lost(home, "daemon"), lost(home, "session"); of != 0 || sessions != 0 {
		t.Errorf("before anything: %v and %v leases are lost", of, sessions)
	}

	nats.Stop()
	storetest.Until(t, func() bool {
		return home.measured(t, "caisson_store_up", prometheus.Labels{}) == 0 && lost(home, "daemon") == 1
	})
	nats.Restart()
	storetest.Until(t, whole)
	if n := lost(home, "daemon"); n != 1 {
		t.Errorf("%v leases are lost, and there was one", n)
	}

	all[0].die()
	fell := func(how string) float64 {
		return other.measured(t, "caisson_cluster_fallbacks_total", prometheus.Labels{"caisson_cluster_outcome": how})
	}
	storetest.Until(t, func() bool {
		_, err := say(ctx, alice, "simple", "again")
		return err == nil
	})
	storetest.Until(t, func() bool {
		_, err := say(ctx, alice, "mine", "hello")
		return codeOf(t, err) == caissonv1.Code_CODE_CLOSED
	})
	if anew, gone := fell("anew"), fell("lost"); anew != 1 || gone != 1 {
		t.Errorf("%v were made anew, and %v are lost", anew, gone)
	}
	if n := other.measured(t, calls, prometheus.Labels{"caisson_cluster_direction": "out", "rpc_method": "CallTool", "error_type": "connect"}); n < 1 {
		t.Errorf("%v calls found nobody", n)
	}
}
