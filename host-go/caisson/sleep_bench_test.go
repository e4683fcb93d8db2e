package caisson_test

import (
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// BenchmarkSleep is a small run that is put to sleep and woken: the time of each, and the bytes.
func BenchmarkSleep(b *testing.B) {
	s := aScript(b, `const a = await tools.go.add({ a: 1, b: 2 }); await sleep(1e6); a`)
	claims, err := caisson.NewFileClaims(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	c := sleeper(b, func(o *caisson.ClientOptions) { o.SleepClaims = claims })
	run, err := c.StartScript(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	var bytes []byte
	var asleep, awake time.Duration
	for b.Loop() {
		begun := time.Now()
		if bytes, err = run.Sleep(b.Context()); err != nil {
			b.Fatal(err)
		}
		slept := time.Now()
		if run, err = c.Wake(b.Context(), bytes, caisson.Waking{Tools: s.Tools}); err != nil {
			b.Fatal(err)
		}
		asleep, awake = asleep+slept.Sub(begun), awake+time.Since(slept)
	}
	b.ReportMetric(float64(asleep.Microseconds())/1000/float64(b.N), "ms-sleep")
	b.ReportMetric(float64(awake.Microseconds())/1000/float64(b.N), "ms-wake")
	b.ReportMetric(float64(len(bytes)), "bytes")
}
