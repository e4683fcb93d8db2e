package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// SharedCounts are counts that several processes have together, so that a limit holds for all of them. Each process counts
// for itself too, and asks for what it would allow. An error says that nobody can tell, and then its own counts alone
// decide: so whoever keeps the counts may be away. The keys are hashes; equal limits of equal rules have equal ones. It is
// used by several goroutines at once.
type SharedCounts interface {
	// Take takes a token from a bucket, or says how long it would have to wait for one. Then nothing is taken.
	Take(ctx context.Context, key string, rate Rate) (wait time.Duration, err error)
	// Return gives a token back that was taken.
	Return(ctx context.Context, key string, rate Rate)
	// Begin counts a call as under way until done is called, once; ok is false where as many as may be are under way. Then
	// done is nil.
	Begin(ctx context.Context, key string, most int) (done func(), ok bool, err error)
}

// ShareCounts has the rates and the concurrency of the policy hold for all processes that share counts. Call it before the
// policy is used.
func (p *Policy) ShareCounts(shared SharedCounts) { p.shared = shared }

// shared is the key of a count. It has the bounds, so that those of another policy have another one.
func (k countKey) shared(bounds ...any) string {
	text, _ := json.Marshal([]any{k.principal, k.rule, k.server, k.name, bounds}) // It is texts and numbers.
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// takeShared takes a token from each bucket that has one for all processes.
func (p *Policy) takeShared(ctx context.Context, limits map[countKey]*Limits) *DeniedError {
	taken := map[string]Rate{}
	for _, key := range ordered(limits) {
		r := limits[key].Rate
		if r == nil {
			continue
		}
		of := key.shared("rate", r)
		wait, err := p.shared.Take(ctx, of, *r)
		if err != nil {
			continue
		}
		if wait > 0 {
			for of, r := range taken {
				p.shared.Return(ctx, of, r)
			}
			return tooOften(r, wait)
		}
		taken[of] = *r
	}
	return nil
}

// beginShared counts a call as under way in each count that all processes have.
func (p *Policy) beginShared(ctx context.Context, limits map[countKey]*Limits) (done func(), denied *DeniedError) {
	var all []func()
	done = func() {
		for _, end := range all {
			end()
		}
	}
	for _, key := range ordered(limits) {
		most := limits[key].Concurrency
		if most == 0 {
			continue
		}
		end, ok, err := p.shared.Begin(ctx, key.shared("concurrency", most), most)
		switch {
		case err != nil:
		case !ok:
			done()
			return nil, tooMany(most)
		default:
			all = append(all, end)
		}
	}
	return done, nil
}

// ordered are the keys, so that all processes ask in the same order.
func ordered(limits map[countKey]*Limits) []countKey {
	var all []countKey
	for key := range limits {
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b countKey) int { return len(a.name) - len(b.name) }) // Two at most: all of a source, and one name.
	return all
}

func tooOften(r *Rate, wait time.Duration) *DeniedError {
	e := Denied(TooOften, fmt.Sprintf("the policy allows %d calls each %v: try again in %v",
		r.MaxTokens, time.Duration(r.RefillPeriod), wait.Round(time.Millisecond)), nil)
	e.RetryAfter = wait
	return e
}

func tooMany(most int) *DeniedError {
	return Denied(TooMany, fmt.Sprintf("the policy allows %d calls at once, and as many are under way", most), nil)
}
