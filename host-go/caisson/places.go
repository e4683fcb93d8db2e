package caisson

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/semaphore"
)

// places bound the sandboxes of scripts that are there at once. A script waits for one of the places; a module
// has its own from its loading until it is closed.
type places struct {
	most int
	free *semaphore.Weighted

	mu   sync.Mutex
	kept int // by modules
}

const (
	scriptsPerProcessor = 16
	leastScripts        = 32
	// maxScriptDepth bounds scripts that run on account of each other: a tool of one runs the next.
	maxScriptDepth = 8
)

// defaultMaxScripts is as many as the machine bears: by its processors, and by the memory that Go may use where
// somebody has said so.
func defaultMaxScripts() int {
	n := max(leastScripts, scriptsPerProcessor*runtime.GOMAXPROCS(0))
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		n = max(2, int(min(int64(n), limit/defaultScriptMemoryBytes)))
	}
	return n
}

func newPlaces(most int) *places {
	return &places{most: most, free: semaphore.NewWeighted(int64(most))}
}

// A place is what a script has while it runs. The context of its calls of tools has it.
type place struct {
	outer *place // of the script that this one runs on account of; nil for none
	depth int

	// inner holds one while a script runs on account of this one, for which there was no other place. So a
	// script never waits for one that waits for it.
	inner chan struct{}

	mu    sync.Mutex
	users int    // the script, and the one in inner
	free  func() // called when there are no more users
}

type placeKey struct{}

// placeOf returns the place of the script that has made a call with this context; nil where no script has.
func placeOf(ctx context.Context) *place {
	p, _ := ctx.Value(placeKey{}).(*place)
	return p
}

// withPlace returns the context of a script that runs in a place.
func withPlace(ctx context.Context, p *place) context.Context {
	return context.WithValue(ctx, placeKey{}, p)
}

// newPlace makes a place for a script that is begun with this context.
func newPlace(ctx context.Context) (*place, error) {
	p := &place{outer: placeOf(ctx), depth: 1, inner: make(chan struct{}, 1), users: 1, free: func() {}}
	if p.outer != nil {
		p.depth = p.outer.depth + 1
	}
	if p.depth > maxScriptDepth {
		return nil, &Error{Code: CodeLimit, Step: "run script", Message: fmt.Sprintf("more than %d scripts run in each other: a tool of each has run the next", maxScriptDepth)}
	}
	return p, nil
}

// hold keeps a place from being given to others. It fails when its script has ended.
func (p *place) hold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users == 0 {
		return false
	}
	p.users++
	return true
}

func (p *place) leave() {
	p.mu.Lock()
	p.users--
	free := p.users == 0
	p.mu.Unlock()
	if free {
		p.free()
	}
}

// enter waits for a place. A script that a tool of another one runs takes one that is free, or else the place in the
// other's.
func (ps *places) enter(ctx context.Context) (*place, error) {
	p, err := newPlace(ctx)
	if err != nil {
		return nil, err
	}
	if ps.free.TryAcquire(1) {
		p.free = func() { ps.free.Release(1) }
		return p, nil
	}
	if outer := p.outer; outer != nil && outer.hold() {
		select {
		case outer.inner <- struct{}{}:
			p.free = func() {
				<-outer.inner
				outer.leave()
			}
			return p, nil
		case <-ctx.Done():
			outer.leave()
			return nil, ctx.Err()
		}
	}
	if err := ps.free.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	p.free = func() { ps.free.Release(1) }
	return p, nil
}

// keep takes places for a module. It fails at once where modules would have more than half of all: they give none
// back by themselves. It waits otherwise, but not for scripts that may wait for the caller.
func (ps *places) keep(ctx context.Context, name string, n int) error {
	ps.mu.Lock()
	if kept := ps.kept; n > ps.most/2-kept {
		ps.mu.Unlock()
		return &Error{Code: CodeLimit, Step: "load module", Message: fmt.Sprintf(
			"%s: modules have %d instances, and may have %d, half of the scripts that may be there at once: close some, or raise RuntimeOptions.MaxScripts, which is %d",
			name, kept, ps.most/2, ps.most)}
	}
	ps.kept += n
	ps.mu.Unlock()
	err := errNoPlace
	if placeOf(ctx) == nil {
		err = ps.free.Acquire(ctx, int64(n))
	} else if ps.free.TryAcquire(int64(n)) {
		err = nil
	}
	if err == nil {
		return nil
	}
	ps.mu.Lock()
	ps.kept -= n
	ps.mu.Unlock()
	if errors.Is(err, errNoPlace) {
		err = &Error{Code: CodeLimit, Step: "load module", Message: fmt.Sprintf("%s: a tool of a script loads it, and there is no place for %d more: raise RuntimeOptions.MaxScripts, which is %d", name, n, ps.most)}
	}
	return err
}

var errNoPlace = errors.New("no place is free")

// giveBack gives back what keep has taken.
func (ps *places) giveBack(n int) {
	ps.mu.Lock()
	ps.kept -= n
	ps.mu.Unlock()
	ps.free.Release(int64(n))
}

// enter waits for a place for a run, and takes note of it in the run's context.
func (r *scriptRun) enter(step string) (leave func(), err error) {
	p, err := r.client.runtime.places.enter(r.ctx)
	if err != nil {
		if errors.Is(context.Cause(r.ctx), errClientClosed) {
			err = r.client.errClosed(step, "")
		}
		return nil, err
	}
	r.ctx = withPlace(r.ctx, p)
	return p.leave, nil
}
