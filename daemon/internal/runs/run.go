// Package runs has the scripts that outlive the call that has submitted them. [Memory] keeps them in this process, and they
// end with it; [Queue] keeps them in the store, where each daemon that shares it finds and runs them.
package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// Runs are those of all principals. The implementations are safe for concurrent use.
type Runs interface {
	// Submit takes a run. Where the principal has one of the same key, it gives that one; where that one is of another
	// script, it fails with [*KeyError]. What the store keeps is there when Submit returns.
	Submit(ctx context.Context, s Submission) (*Run, error)
	// Get returns a run of a principal. It fails with [*NotFoundError].
	Get(ctx context.Context, principal, id string) (*Run, error)
	// List returns the runs of a principal without their outcomes, the newest first.
	List(ctx context.Context, principal string) ([]*Run, error)
	// Cancel stops a run, waits for its end, and returns it.
	Cancel(ctx context.Context, principal, id string) (*Run, error)
	// Watch tells how a run is, and again when its state has changed, until it has ended or tell fails.
	Watch(ctx context.Context, principal, id string, tell func(*Run) error) error
	// Underway counts the runs of all principals that this daemon has underway.
	Underway() int
	// Backlog says what waits in the store for all daemons.
	Backlog(ctx context.Context) (Backlog, error)
	// Stop has this daemon begin no more runs.
	Stop()
	// Drain stops, and waits until the runs that this daemon has underway have ended or sleep, or until the context ends;
	// then they are stopped.
	Drain(ctx context.Context)
}

// A State says what a run is doing.
type State string

// The states. The last two are final.
const (
	Queued    State = "queued"
	Running   State = "running"
	Asleep    State = "asleep"
	Ended     State = "ended"
	Cancelled State = "cancelled"
)

// Final reports whether a run of the state has ended.
func (s State) Final() bool { return s == Ended || s == Cancelled }

// A Run is a script that was submitted, as it is at one moment.
type Run struct {
	// ID, Principal and Name say which one it is.
	ID, Principal, Name string
	Submitted           time.Time
	State               State
	// Ended is when it has ended; zero before.
	Ended time.Time
	// Outcome is what it did; nil before it has ended, where it was not begun, and in a list.
	Outcome *caissonv1.Outcome
	// Failure is why it could not be begun, or not go on to its end; nil for nothing. A script that fails is no failure.
	Failure *caissonv1.Error
}

// A Submission is what is to be run.
type Submission struct {
	Principal, Name string
	// Key is the submitter's own; "" for none.
	Key string
	// Repeatable says that it may be begun a second time, when the daemon that ran it has died.
	Repeatable bool
	Script     *caissonv1.Script
}

// Options bound the runs.
type Options struct {
	// Work runs one.
	Work Work
	// MaxUnderway bounds the runs of one principal that have not ended.
	MaxUnderway int
	// Keep is how long one is kept that has ended.
	Keep time.Duration
	// MaxKept bounds the runs of one principal that are kept; the oldest that have ended go first. Default: 1000. It is
	// never less than one more than MaxUnderway.
	MaxKept int
	// Metrics count the runs. Default: nothing does.
	Metrics *Metrics
}

func (o *Options) defaults() {
	if o.MaxKept == 0 {
		o.MaxKept = 1000
	}
	o.MaxKept = max(o.MaxKept, o.MaxUnderway+1)
}

// A NotFoundError says that a principal has no run of an id.
type NotFoundError struct{ ID string }

// Error says why that may be.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("there is no run %q: it was never submitted, or has ended too long ago", e.ID)
}

// A KeyError says that a principal has used a key for another script.
type KeyError struct {
	// ID is the run that has the key.
	ID string
}

// Error says what to do.
func (e *KeyError) Error() string {
	return fmt.Sprintf("the run %s has this idempotency_key, and was submitted with another script, or other bounds: take another key", e.ID)
}

// These are why a run is stopped.
var (
	errCancelled = errors.New("the run was cancelled")
	errDrained   = errors.New("the daemon has ended, and did not wait for the run any longer")
)

func failure(code caissonv1.Code, message string) *caissonv1.Error {
	return &caissonv1.Error{Code: code, Step: "run", Message: message}
}

// stopped is the failure of a run that was stopped.
func stopped(cause error) *caissonv1.Error {
	if errors.Is(cause, errDrained) {
		return failure(caissonv1.Code_CODE_CLOSED, errDrained.Error())
	}
	return failure(caissonv1.Code_CODE_CANCELLED, errCancelled.Error())
}

// complete reports whether a script has come to its end by itself.
func complete(outcome *caissonv1.Outcome, failed *caissonv1.Error) bool {
	return failed == nil && outcome.GetFailure() == nil
}

func errClosed() error {
	return &caisson.Error{Code: caisson.CodeClosed, Step: "submit run", Message: "the daemon ends, and takes no new runs: ask another one, or again later"}
}

func errLimit(format string, args ...any) error {
	return &caisson.Error{Code: caisson.CodeLimit, Step: "submit run", Message: fmt.Sprintf(format, args...)}
}

func errUnderway(n int) error {
	return errLimit("%d runs of the principal are underway, and scripts.maxRuns is no more: wait until some have ended, or cancel some", n)
}
