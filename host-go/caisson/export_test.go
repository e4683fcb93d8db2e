package caisson

import (
	"context"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/authorization"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// Configure sets the clocks of the authorizations of a client.
func (c *Client) Configure(configure func(*authorization.Config)) { c.authorizing = configure }

// SetClock sets the clock by which tokens end, for the sessions that come.
func (c *Client) SetClock(now func() time.Time) {
	c.Configure(func(config *authorization.Config) { config.Now = now })
}

// Inspect has a function look at the memory of each session's core after each batch of events.
func (c *Client) Inspect(inspect func(memories [][]byte)) { c.inspect = inspect }

// ListCacheBytes is what a cache has.
func ListCacheBytes(c *ListCache) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// WorkerPIDs returns the numbers of the processes in which guests of a runtime run, or can.
func WorkerPIDs(r *Runtime) []int { return r.workers.PIDs() }

// BreakCore gives a runtime that has nothing open a core that cannot be loaded.
func BreakCore(ctx context.Context, r *Runtime) (err error) {
	r.engine.Close()
	config := r.engineConfig
	config.Core = func() (*component.Prepared, error) {
		return &component.Prepared{Index: func() ([]byte, error) { return []byte("no core"), nil }}, nil
	}
	r.engine, err = engine.New(ctx, config)
	return err
}
