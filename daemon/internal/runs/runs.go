// Package runs has the scripts that outlive the call that has submitted them, in memory: they end with the daemon.
package runs

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// A State says what a run is doing.
type State int

// The states. The last two are final.
const (
	Running State = iota
	Ended
	Cancelled
)

// A Result is what a run has come to.
type Result struct {
	Script *caisson.ScriptResult
	Err    error
}

// A Run is a script that was submitted.
type Run struct {
	// ID, Principal and Name say which one it is. Key is the submitter's own.
	ID, Principal, Name, Key string
	Submitted                time.Time

	runs   *Runs
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it has ended

	// With runs.mu held, and constant when done is closed.
	state  State
	ended  time.Time
	result Result
}

// Options bound the runs.
type Options struct {
	// MaxUnderway bounds the runs of one principal that have not ended.
	MaxUnderway int
	// Keep is how long one is kept that has ended.
	Keep time.Duration
	// MaxKept bounds the runs of one principal that are kept; the oldest that have ended go first. Default: 1000. It is
	// never less than one more than MaxUnderway.
	MaxKept int
}

// Runs are those of all principals. It is safe for concurrent use.
type Runs struct {
	options Options
	working sync.WaitGroup

	mu     sync.Mutex
	all    map[string]map[string]*Run // by principal and id
	closed bool
}

// New makes it.
func New(options Options) *Runs {
	if options.MaxKept == 0 {
		options.MaxKept = 1000
	}
	options.MaxKept = max(options.MaxKept, options.MaxUnderway+1)
	return &Runs{options: options, all: map[string]map[string]*Run{}}
}

// errCancelled is why a run is stopped.
var errCancelled = &caisson.Error{Code: caisson.CodeCancelled, Step: "run", Message: "the run was cancelled"}

// Submit begins a run. Where the principal has one of the same key, it gives that one. The context of work ends when
// the run is cancelled.
func (r *Runs) Submit(principal, name, key string, work func(ctx context.Context) (*caisson.ScriptResult, error)) (*Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, &caisson.Error{Code: caisson.CodeClosed, Step: "submit run", Message: "the daemon ends, and takes no new runs"}
	}
	own := r.all[principal]
	underway := 0
	for _, run := range own {
		if key != "" && run.Key == key {
			return run, nil
		}
		if run.state == Running {
			underway++
		}
	}
	if underway >= r.options.MaxUnderway {
		return nil, &caisson.Error{Code: caisson.CodeLimit, Step: "submit run", Message: fmt.Sprintf("%d runs of the principal are underway, and scripts.maxRuns is no more", underway)}
	}
	if own == nil {
		own = map[string]*Run{}
		r.all[principal] = own
	}
	for len(own) >= r.options.MaxKept {
		r.drop(oldestEnded(own))
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	run := &Run{ID: rand.Text(), Principal: principal, Name: name, Key: key, Submitted: time.Now(), runs: r, cancel: cancel, done: make(chan struct{})}
	own[run.ID] = run
	r.working.Go(func() {
		result, err := work(ctx)
		r.end(ctx, run, Result{result, err})
	})
	return run, nil
}

// oldestEnded is there: more runs are kept than are underway.
func oldestEnded(own map[string]*Run) *Run {
	var oldest *Run
	for _, run := range own {
		if run.state != Running && (oldest == nil || run.ended.Before(oldest.ended)) {
			oldest = run
		}
	}
	return oldest
}

// drop forgets a run. With r.mu held.
func (r *Runs) drop(run *Run) {
	own := r.all[run.Principal]
	delete(own, run.ID)
	if len(own) == 0 {
		delete(r.all, run.Principal)
	}
}

func (r *Runs) end(ctx context.Context, run *Run, result Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run.state, run.ended, run.result = Ended, time.Now(), result
	if context.Cause(ctx) == errCancelled && result.Err != nil {
		run.state = Cancelled
	}
	run.cancel(nil)
	close(run.done)
	time.AfterFunc(r.options.Keep, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.drop(run)
	})
}

// Get returns a run of a principal; nil where there is none.
func (r *Runs) Get(principal, id string) *Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[principal][id]
}

// List returns the runs of a principal, the newest first.
func (r *Runs) List(principal string) []*Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*Run
	for _, run := range r.all[principal] {
		all = append(all, run)
	}
	slices.SortFunc(all, func(a, b *Run) int { return b.Submitted.Compare(a.Submitted) })
	return all
}

// Cancel stops a run, and waits for its end.
func (run *Run) Cancel(ctx context.Context) error {
	run.cancel(errCancelled)
	select {
	case <-run.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done is closed when the run has ended.
func (run *Run) Done() <-chan struct{} { return run.done }

// State returns what the run is doing and, when it has ended, when, and what it has come to.
func (run *Run) State() (State, time.Time, Result) {
	run.runs.mu.Lock()
	defer run.runs.mu.Unlock()
	return run.state, run.ended, run.result
}

// Drain takes no new runs, and waits until those that are underway have ended, or until the context ends; then they are
// stopped.
func (r *Runs) Drain(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		r.working.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	r.mu.Lock()
	for _, own := range r.all {
		for _, run := range own {
			run.cancel(errCancelled)
		}
	}
	r.mu.Unlock()
	<-ended
}

// Underway counts the runs of all principals that have not ended.
func (r *Runs) Underway() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, all := range r.all {
		for _, run := range all {
			if run.state == Running {
				n++
			}
		}
	}
	return n
}
