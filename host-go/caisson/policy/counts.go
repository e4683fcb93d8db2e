package policy

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxCounts bounds the buckets: a principal may be anybody.
	maxCounts = 65536
	// maxCountsOfOne bounds those of one principal, who may make up names, so that nobody takes the others' room.
	maxCountsOfOne = 4096
)

// counts are what the limits count. The zero value is ready.
type counts struct {
	mu      sync.Mutex
	buckets map[countKey]*rate.Limiter
	own     map[string]int // how many of them are a principal's
	running map[countKey]int
	swept   time.Time // when it was last looked for buckets that are full
}

// countKey is whose calls of what are counted together.
type countKey struct {
	principal string
	rule      string // the key of the rules
	server    string // a pattern may be for many
	name      string // "" for all of a source
}

// bounds are the limits of one call, each with what is counted.
func (d *Decision) bounds(call *Call) map[countKey]*Limits {
	all := map[countKey]*Limits{}
	if call.Kind == Use || d.source == nil {
		return nil
	}
	all[countKey{call.Principal, d.source.key, call.Server, ""}] = &d.source.rules.Limits
	if d.rule != nil {
		all[countKey{call.Principal, d.rule.key, call.Server, call.Name}] = &d.rule.rules.Limits
	}
	return all
}

// Take takes a token for a call from each of its buckets, or says how long it would have to wait for one. Then
// nothing is taken. The context is for counts that are shared.
func (p *Policy) Take(ctx context.Context, call *Call, d *Decision, now time.Time) *DeniedError {
	limits := d.bounds(call)
	undo, denied := p.counts.take(limits, now)
	if denied != nil || p.shared == nil {
		return denied
	}
	if denied = p.takeShared(ctx, limits); denied != nil {
		undo()
	}
	return denied
}

// take takes a token from each bucket of this process; undo gives them back.
func (c *counts) take(all map[countKey]*Limits, now time.Time) (undo func(), denied *DeniedError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var taken []*rate.Reservation
	cancel := func() {
		for _, r := range taken {
			r.CancelAt(now)
		}
	}
	for key, limits := range all {
		if limits.Rate == nil {
			continue
		}
		bucket, err := c.bucket(key, limits.Rate, now)
		if err != nil {
			cancel()
			return nil, err
		}
		r := bucket.ReserveN(now, 1)
		taken = append(taken, r)
		if wait := r.DelayFrom(now); wait > 0 {
			cancel()
			return nil, tooOften(limits.Rate, wait)
		}
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		cancel()
	}, nil
}

func (c *counts) bucket(key countKey, r *Rate, now time.Time) (*rate.Limiter, *DeniedError) {
	if bucket := c.buckets[key]; bucket != nil {
		return bucket, nil
	}
	full := func() bool { return len(c.buckets) >= maxCounts || c.own[key.principal] >= maxCountsOfOne }
	if full() && now.Sub(c.swept) >= time.Second { // Whoever floods pays for no sweep each time.
		c.swept = now
		c.sweep(now)
	}
	if full() {
		return nil, Denied(TooOften, fmt.Sprintf("the policy counts the calls of %d principals and tools already, or of %d tools of this one", maxCounts, maxCountsOfOne), nil)
	}
	if c.buckets == nil {
		c.buckets, c.own = map[countKey]*rate.Limiter{}, map[string]int{}
	}
	c.own[key.principal]++
	each := float64(r.MaxTokens) / time.Duration(r.RefillPeriod).Seconds()
	bucket := rate.NewLimiter(rate.Limit(math.Min(each, math.MaxFloat64)), r.MaxTokens)
	c.buckets[key] = bucket
	return bucket, nil
}

// sweep drops the buckets that are full: new ones would be the same.
func (c *counts) sweep(now time.Time) {
	for key, bucket := range c.buckets {
		if bucket.TokensAt(now) < float64(bucket.Burst()) {
			continue
		}
		delete(c.buckets, key)
		if c.own[key.principal]--; c.own[key.principal] == 0 {
			delete(c.own, key.principal)
		}
	}
}

// Begin counts a call as under way until done is called, once. It fails where there are as many as may be. The context is
// for counts that are shared.
func (p *Policy) Begin(ctx context.Context, call *Call, d *Decision) (done func(), denied *DeniedError) {
	limits := d.bounds(call)
	own, denied := p.counts.begin(limits)
	if denied != nil || p.shared == nil {
		return own, denied
	}
	shared, denied := p.beginShared(ctx, limits)
	if denied != nil {
		own()
		return nil, denied
	}
	return func() {
		own()
		shared()
	}, nil
}

// begin counts a call of this process as under way.
func (c *counts) begin(all map[countKey]*Limits) (done func(), denied *DeniedError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var keys []countKey
	for key, limits := range all {
		if limits.Concurrency == 0 {
			continue
		}
		if c.running[key] >= limits.Concurrency {
			return nil, tooMany(limits.Concurrency)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return func() {}, nil
	}
	if c.running == nil {
		c.running = map[countKey]int{}
	}
	for _, key := range keys {
		c.running[key]++
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, key := range keys {
			if c.running[key]--; c.running[key] == 0 {
				delete(c.running, key)
			}
		}
	}, nil
}
