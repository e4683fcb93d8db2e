package server

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/daemon/internal/runs"
)

// openRuns has the runs where the configuration says: in the store, for all daemons that share it, or in memory. It is
// the last of what is opened, as it begins with the work at once.
func (s *Server) openRuns(ctx context.Context, work runs.Work) (runs.Runs, error) {
	of := s.file.Scripts
	o := runs.Options{Work: work, MaxUnderway: of.MaxRuns, Keep: time.Duration(of.KeepRuns)}
	if s.store == nil {
		return runs.NewMemory(o), nil
	}
	// Where this daemon is the only one, all others are gone: one at a time has the folder.
	node := strings.ToLower(rand.Text())
	alive := func(context.Context, string) (bool, error) { return false, nil }
	if s.cluster != nil {
		node, alive = s.cluster.Node, s.cluster.Alive
	}
	queue, err := runs.OpenQueue(ctx, runs.QueueOptions{
		Options: o, Store: s.store, Node: node, Alive: alive, Lease: s.options.ClusterTimes.Lease, Places: of.MaxRunsAtOnce, Logger: s.log,
	})
	if err != nil {
		return nil, err // Not the queue: an interface that holds nil is not nil.
	}
	return queue, nil
}
