// Package underway counts calls that are underway at once, for tests of bounds.
package underway

import (
	"context"
	"sync"
)

// Hold returns a function whose first calls wait until there are as many as least, and what the most were that were
// underway at once.
func Hold(least int) (call func(context.Context, struct{}) (any, error), most func() int) {
	var mu sync.Mutex
	var now, peak int
	enough := make(chan struct{})
	call = func(ctx context.Context, _ struct{}) (any, error) {
		mu.Lock()
		now++
		if peak = max(peak, now); now == least {
			select {
			case <-enough:
			default:
				close(enough)
			}
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			now--
		}()
		select {
		case <-enough:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return call, func() int {
		mu.Lock()
		defer mu.Unlock()
		return peak
	}
}
