package runs

import (
	"testing"

	"github.com/caisson-dev/caisson/daemon/internal/store"
	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// TestReplicas keeps runs in three servers, and takes the one away that leads the others: nothing that was acknowledged is
// lost, and runs go on.
func TestReplicas(t *testing.T) {
	servers := storetest.StartCluster(t, 3)
	w := newWorld(t, store.Options{NATS: &store.NATS{URL: storetest.URLs(servers), Replicas: 3}})
	n := w.start("a", nil)
	leaders := map[string]bool{}
	for _, stream := range []string{keptStream, workStream} {
		s, err := n.store.JetStream.Stream(t.Context(), stream)
		if err != nil || s.CachedInfo().Config.Replicas != 3 {
			t.Fatalf("%s is not in three servers: %v", stream, err)
		}
		leaders[s.CachedInfo().Cluster.Leader] = true
	}
	run := submit(t, n, job("short"))
	watch(t, n, "alice", run.ID)
	for _, server := range servers {
		if leaders[server.Options.ServerName] {
			server.Stop()
			break // Two of three decide.
		}
	}
	var kept, next *Run
	storetest.Until(t, func() bool {
		var err error
		kept, err = n.Get(t.Context(), "alice", run.ID)
		return err == nil
	})
	if kept.State != Ended || string(kept.Outcome.GetValue()) != "short" {
		t.Errorf("without a server: %v", kept)
	}
	storetest.Until(t, func() bool { // They choose another leader meanwhile: who has no answer submits again.
		var err error
		next, err = n.Submit(t.Context(), keyed("k", job("short")))
		return err == nil
	})
	storetest.Until(t, func() bool {
		done, err := n.Get(t.Context(), "alice", next.ID)
		return err == nil && done.State == Ended && string(done.Outcome.GetValue()) == "short"
	})
	if n := w.jobs.begun("short"); n != 2 {
		t.Errorf("%d runs have begun", n)
	}
}
