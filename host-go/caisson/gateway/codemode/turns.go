package codemode

import (
	"fmt"
	"sync"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// turns count the calls of each principal that are underway, in all its sessions: each takes a sandbox, and the sandboxes
// are everybody's.
type turns struct {
	most int

	mu       sync.Mutex
	underway map[string]int
}

func newTurns(most int) *turns { return &turns{most: most, underway: map[string]int{}} }

// begin takes a turn. A call beyond the bound is refused, and does not wait: what waits is kept in memory, too.
func (t *turns) begin(principal string) (end func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.underway[principal] >= t.most {
		return nil, &caisson.Error{Code: caisson.CodeLimit, Step: "tools/call", Message: fmt.Sprintf("%d calls are underway, as many as may be at once (codemode.Options.ParallelCalls): wait for one to end, or do more in one script", t.most)}
	}
	t.underway[principal]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.underway[principal]--; t.underway[principal] == 0 {
			delete(t.underway, principal)
		}
	}, nil
}
