// Package cluster is several daemons that share NATS: which of them has a session, whether it is still there, and a way
// to call it. Daemons trust each other through their credentials at NATS.
package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/metric"

	"github.com/caisson-dev/caisson/daemon/internal/link"
	"github.com/caisson-dev/caisson/daemon/internal/store"
)

// The buckets, and their bounds.
const (
	nodesBucket    = "caisson_nodes"
	sessionsBucket = "caisson_sessions"
	maxNodesBytes  = 16 << 20  // for 10,000 daemons and more
	maxBytes       = 256 << 20 // of sessions; one takes 300 bytes and more
	maxEntryBytes  = 4096
)

// Times say how the registry notices what is gone.
type Times struct {
	// Lease is how long a daemon counts as alive after it has said so the last time; it says so three times as often.
	// Default: 15 s.
	Lease time.Duration
	// Entry is how long a session is in the registry after it was renewed; that is done three times as often. Default: 1 h.
	Entry time.Duration
}

// Options say how a daemon is one of several.
type Options struct {
	// Store is shared.
	Store *store.Store
	// MaxPerPrincipal bounds the sessions of Connect of one principal, on all daemons.
	MaxPerPrincipal int
	// Times are for tests.
	Times Times
	// Logger gets what there is to say. Default: nothing is logged.
	Logger *slog.Logger
	// Meter makes the metrics. Default: there are none.
	Meter metric.Meter
}

// A Cluster is one daemon among several. It is safe for concurrent use.
type Cluster struct {
	// Node is this daemon's name, a new one at each start.
	Node string
	// Counts are what the policy's limits count on all daemons.
	Counts *Counts

	options            Options
	log                *slog.Logger
	link               *link.Node
	nodes              jetstream.KeyValue
	sessions           jetstream.KeyValue
	client             *http.Client
	server             *http.Server
	stop               context.CancelFunc
	working, releasing sync.WaitGroup
	metrics            *metrics
	daemons            atomic.Int64 // that are alive

	mu       sync.Mutex
	since    time.Time         // when the connection with NATS was made the last time
	own      map[string]uint64 // the revisions of this daemon's entries, by their keys
	renewed  time.Time         // when the lease was renewed the last time
	leaseErr error             // why it could not be, the last time
	lapsed   bool              // whether it has run out since
}

// Join has a daemon be one of those that share a store. Close it, before the store.
func Join(ctx context.Context, o Options) (*Cluster, error) {
	if o.Times.Lease == 0 {
		o.Times.Lease = 15 * time.Second
	}
	if o.Times.Entry == 0 {
		o.Times.Entry = time.Hour
	}
	c := &Cluster{Node: strings.ToLower(rand.Text()), options: o, log: o.Logger, server: newServer(), since: time.Now(), renewed: time.Now(), own: map[string]uint64{}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if c.metrics, err = newMetrics(o.Meter); err != nil {
		return nil, err
	}
	if c.nodes, err = o.Store.Bucket(ctx, nodesBucket, store.Bound{MaxBytes: maxNodesBytes, MaxValueBytes: maxEntryBytes, TTL: o.Times.Lease}); err != nil {
		return nil, err
	}
	if c.sessions, err = o.Store.Bucket(ctx, sessionsBucket, store.Bound{MaxBytes: maxBytes, MaxValueBytes: maxEntryBytes, TTL: o.Times.Entry}); err != nil {
		return nil, err
	}
	if c.Counts, err = newCounts(ctx, c); err != nil {
		return nil, err
	}
	if err := c.live(ctx); err != nil {
		return nil, err
	}
	if c.link, err = link.Listen(o.Store.Conn, c.Node); err != nil {
		return nil, err
	}
	c.client = c.newClient()
	working, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.working.Go(func() { c.every(working, o.Times.Lease/3, "the lease of the daemon", c.live) })
	c.working.Go(func() { c.every(working, o.Times.Entry/3, "the sessions of the daemon", c.renew) })
	c.working.Go(func() { c.every(working, o.Times.Lease/3, "the counts of calls that have ended", c.Counts.catchUp) })
	c.working.Go(func() { c.returning(working) })
	c.log.Info("the daemon is one of several", "node", c.Node)
	return c, nil
}

// every does something until the context ends. What fails is done again: NATS may be away.
func (c *Cluster) every(ctx context.Context, pause time.Duration, what string, do func(context.Context) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn(what+" could not be renewed", "error", err)
		}
	}
}

// live says that this daemon is alive, and counts those that are.
func (c *Cluster) live(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.Times.Lease/3)
	defer cancel()
	text, err := json.Marshal(map[string]any{"since": time.Now().UTC()})
	if err == nil {
		_, err = c.nodes.Put(ctx, c.Node, text)
	}
	c.leased(err)
	if err != nil {
		return err
	}
	status, err := c.nodes.Status(ctx)
	if err == nil {
		c.daemons.Store(int64(status.Values()))
	}
	return err
}

// returning says at once that this daemon is alive when NATS is there again.
func (c *Cluster) returning(ctx context.Context) {
	back := c.options.Store.Conn.StatusChanged(nats.CONNECTED)
	defer c.options.Store.Conn.RemoveStatusListener(back)
	for {
		select {
		case <-ctx.Done():
			return
		case <-back:
		}
		c.mu.Lock()
		c.since = time.Now()
		c.mu.Unlock()
		if err := c.live(ctx); err != nil {
			c.log.Warn("the lease of the daemon could not be renewed", "error", err)
		}
	}
}

// Alive reports whether a daemon has said lately that it is, or may not have been able to: as long as a lease after NATS
// was away, nobody counts as gone.
func (c *Cluster) Alive(ctx context.Context, node string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	_, err := c.nodes.Get(ctx, node)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return time.Since(c.since) < c.options.Times.Lease, nil
	}
	return err == nil, err
}

// Nodes returns the names of the daemons that are alive, this one first. The error is a [caisson.Error] with
// [caisson.CodeConnect].
func (c *Cluster) Nodes(ctx context.Context) ([]string, error) {
	others, err := listed(ctx, func(ctx context.Context) (jetstream.KeyLister, error) { return c.nodes.ListKeys(ctx) })
	if err != nil {
		return nil, err
	}
	others = slices.DeleteFunc(others, func(name string) bool { return name == c.Node })
	return append([]string{c.Node}, others...), nil
}

// IsNode reports whether a text can be the name of a daemon.
func IsNode(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 63
}

// closeWait bounds the farewell.
const closeWait = 2 * time.Second

// Close says that this daemon is gone, and takes no more calls of others. Those that are underway end. Its sessions have
// ended before.
func (c *Cluster) Close() {
	c.releasing.Wait()
	c.stop()
	c.working.Wait()
	_ = c.server.Close()
	c.link.End()
	c.client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	_ = c.nodes.Delete(ctx, c.Node) // Else the lease runs out.
}
