package cluster

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/policy"

	"github.com/caisson-dev/caisson/daemon/internal/store/storetest"
)

// TestTokens has daemons take the tokens of one bucket: no more than there are, whoever asks, and they come back with time.
func TestTokens(t *testing.T) {
	url := storetest.Start(t, nil).URL()
	all := []*Cluster{join(t, url, Options{}), join(t, url, Options{}), join(t, url, Options{})}
	ctx := t.Context()
	hour := policy.Rate{MaxTokens: 10, RefillPeriod: policy.Duration(time.Hour)}
	var taken atomic.Int32
	var working sync.WaitGroup
	for i := range 30 {
		working.Go(func() {
			wait, err := all[i%3].Counts.Take(ctx, "key", hour)
			if err != nil {
				t.Error(err)
			}
			if wait == 0 {
				taken.Add(1)
			} else if wait > 6*time.Minute {
				t.Errorf("the next one is there in %v", wait)
			}
		})
	}
	working.Wait()
	if taken.Load() != 10 {
		t.Errorf("%d of 10 tokens were taken", taken.Load())
	}
	all[0].Counts.Return(ctx, "key", hour)
	if wait, err := all[1].Counts.Take(ctx, "key", hour); wait != 0 || err != nil {
		t.Errorf("one that was given back: %v, %v", wait, err)
	}
	if wait, err := all[2].Counts.Take(ctx, "other", hour); wait != 0 || err != nil {
		t.Errorf("of another bucket: %v, %v", wait, err)
	}
	soon := policy.Rate{MaxTokens: 1, RefillPeriod: policy.Duration(50 * time.Millisecond)}
	if wait, err := all[0].Counts.Take(ctx, "soon", soon); wait != 0 || err != nil {
		t.Errorf("%v, %v", wait, err)
	}
	storetest.Until(t, func() bool {
		wait, err := all[1].Counts.Take(ctx, "soon", soon)
		return wait == 0 && err == nil
	})
}

// TestUnderway has daemons count calls together, also those of one that is gone, and while NATS was away.
func TestUnderway(t *testing.T) {
	nats := storetest.Start(t, nil)
	o := Options{Times: Times{Lease: 300 * time.Millisecond}}
	one, two := join(t, nats.URL(), o), join(t, nats.URL(), o)
	ctx := t.Context()
	begin := func(c *Cluster) (func(), bool) {
		t.Helper()
		done, ok, err := c.Counts.Begin(ctx, "key", 2)
		if err != nil {
			t.Fatal(err)
		}
		return done, ok
	}
	first, ok := begin(one)
	second, ok2 := begin(two)
	if _, ok3 := begin(one); !ok || !ok2 || ok3 {
		t.Errorf("two may be underway, and there are %v, %v, %v", ok, ok2, ok3)
	}
	first()
	if first, ok = begin(two); !ok {
		t.Error("one has ended, and no other may begin")
	}
	if len(one.Counts.own) != 0 {
		t.Errorf("a daemon keeps %d counts that nobody uses", len(one.Counts.own))
	}
	nats.Stop()
	if _, _, err := one.Counts.Begin(context.Background(), "key", 2); err == nil {
		t.Error("it is counted without NATS")
	}
	if wait, err := one.Counts.Take(ctx, "rate", policy.Rate{MaxTokens: 1, RefillPeriod: policy.Duration(time.Hour)}); err == nil {
		t.Errorf("a token is taken without NATS: %v", wait)
	}
	second() // NATS hears of it when it is there again.
	nats.Restart()
	free := func(c *Cluster) bool {
		done, ok, err := c.Counts.Begin(ctx, "key", 2)
		if ok {
			done()
		}
		return err == nil && ok
	}
	storetest.Until(t, func() bool { return free(one) })
	if second, ok = begin(one); !ok {
		t.Error("what has ended while NATS was away is counted")
	}
	if free(one) {
		t.Error("three are underway")
	}
	two.options.Store.Conn.Close() // As a process does that is killed; first is its own.
	storetest.Until(t, func() bool { return free(one) })
	_, _ = first, second
}
