package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// percent is the percentage that Go's collector works with.
func percent() int {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

// TestCollectLater checks that only the first collection is put off, and none where the environment says when to collect.
func TestCollectLater(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(usualPercent))
	t.Setenv("GOGC", "50")
	if collectLater(); percent() != usualPercent {
		t.Errorf("with GOGC the percentage is %d", percent())
	}
	t.Setenv("GOGC", "")
	// No other collection comes in between: the next one is at firstHeap.
	if collectLater(); percent() != usualPercent*firstHeap/leastHeap && percent() != usualPercent {
		t.Errorf("the percentage is %d", percent())
	}
	for percent() != usualPercent {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}
