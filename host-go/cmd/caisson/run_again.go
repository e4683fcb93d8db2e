package main

import (
	"context"
	"errors"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// lookInterval is how often --watch looks at the files: some calls of the system, a few times a second.
const lookInterval = 200 * time.Millisecond

// errChanged is the cause of the end of a run that is begun anew.
var errChanged = errors.New("a file has changed")

// runAgain runs something, and again when a file that it has read has changed, also while it runs. It ends when the
// program is interrupted, which is no error, and when the output cannot be written.
func (a *app) runAgain(ctx context.Context, run func(context.Context, *files) error) error {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		reads := &files{}
		running, end := context.WithCancelCause(ctx)
		ended := make(chan error, 1)
		go func() { ended <- run(running, reads) }()
		var changed string
		over := false
		for changed == "" {
			select {
			case err := <-ended:
				if over = true; ctx.Err() == nil {
					if err != nil && !ofRun(err) {
						end(nil)
						return err
					}
					a.report(err)
					a.err.Say("waiting for a change: interrupt to end")
				}
			case <-look.C:
				changed = reads.changed()
			case <-ctx.Done():
				end(nil)
				if !over {
					<-ended
				}
				return nil
			}
		}
		end(errChanged)
		if !over {
			<-ended
		}
		a.err.Say("%s has changed", changed)
		settle(ctx, look.C, changed)
	}
}

// settle waits until a file is not written to any more.
func settle(ctx context.Context, look <-chan time.Time, path string) {
	for was := stateOf(path); ; {
		select {
		case <-look:
		case <-ctx.Done():
			return
		}
		is := stateOf(path)
		if is == was {
			return
		}
		was = is
	}
}

// ofRun reports whether an error is of the script, its files or its servers: another run may have none.
func ofRun(err error) bool {
	var failed *scriptFailure
	var wrong *usageError
	var e *caisson.Error
	return errors.As(err, &failed) || errors.As(err, &wrong) || errors.As(err, &e) || caisson.CodeOf(err) != caisson.CodeUnknown
}
