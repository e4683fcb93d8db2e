package rpc

import (
	"context"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A reach is what a script that is a tool can be granted: the servers that a principal can be connected with, and the
// plugins.
type reach struct {
	scripts   *Scripts
	client    *caisson.Client // the principal's
	principal string

	mu       sync.Mutex
	releases []func()
}

// Callers connects with all servers. One that cannot be connected with is left out: the tool says that it is missing.
func (r *reach) Callers(ctx context.Context) (map[string]caisson.Caller, error) {
	callers, releases, err := r.scripts.connect(ctx, r.client, r.principal, []string{"*"})
	r.mu.Lock()
	r.releases = append(r.releases, releases...)
	r.mu.Unlock()
	if len(callers) == 0 {
		return nil, err
	}
	return callers, ctx.Err()
}

// ToolChanges is always the same: a reach is for one call.
func (r *reach) ToolChanges() uint64 { return 0 }

func (r *reach) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.releases {
		f()
	}
}
