package engine

import (
	"context"
	"math"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// overall is how many times as long as it may compute a guest may take for one call by the wall clock.
const overall = 10

// Bounded returns a context for one call of a guest that may compute for d. How long the guest waits for a processor
// is not its own doing, so the wall clock is no bound on its computing. But nothing that the guest calls may wait
// without end, such as a wait of WASI, which every component may import: after ten times as long the context ends.
// Cancel it when the call has returned.
func Bounded(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	most := time.Duration(math.MaxInt64)
	if d < most/overall {
		most = overall * d
	}
	return context.WithTimeout(component.WithComputing(ctx, d), most)
}
