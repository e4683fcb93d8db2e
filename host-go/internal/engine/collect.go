package engine

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// collectOften has Go's collector run when the heap is an eighth larger than what is in use, until stop: by default it
// waits until the heap is twice as large, and what a compiler throws away is most of what a first run takes. It changes
// no setting of the process.
func collectOften(stop <-chan struct{}) {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return
		}
		metrics.Read(heap)
		live, now := heap[0].Value.Uint64(), heap[1].Value.Uint64()
		if now > live+max(live/8, leastGarbage) {
			runtime.GC()
		}
	}
}

const (
	collectEvery = 10 * time.Millisecond
	// leastGarbage is what is not worth a collection, in bytes.
	leastGarbage = 16 << 20
)
