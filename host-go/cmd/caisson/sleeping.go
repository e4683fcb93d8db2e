package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/internal/atomicfile"
	"github.com/caisson-dev/caisson/host-go/internal/filelock"
)

// sleepFlags say when the run of a script is put to sleep, and where.
type sleepFlags struct {
	to    string
	after time.Duration
	soon  bool   // after is given
	from  string // the file of a run that wakes, which it may sleep in again
}

// mostSleepingMemory is what a run may have that is to wake: ClientOptions.MaxMemoryBytes, by default.
const mostSleepingMemory = 512 << 20

func (f *sleepFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.to, "sleep-to", "", "put the run to sleep in `FILE` when the program is interrupted, for 'caisson wake'")
	durationFlag(c, &f.after, "sleep-after", 0, "put it to sleep after `DURATION` too, once it only waits")
	_ = c.MarkFlagFilename("sleep-to")
}

// check finds what would keep the run from sleeping, before it is begun.
func (f *sleepFlags) check(c *cobra.Command, flags *scriptFlags, watch bool, record string) error {
	f.soon = c.Flags().Changed("sleep-after")
	switch {
	case f.to == "" && f.soon:
		return usage(c, "--sleep-after needs --sleep-to: the file that the run is to sleep in")
	case f.to == "":
		return nil
	case f.after < 0:
		return usage(c, "--sleep-after is negative")
	case watch:
		return usage(c, "--watch runs a script many times, and --sleep-to is for one run: leave one of the two out")
	case record != "":
		return usage(c, "a run that is recorded cannot sleep: leave out --record or --sleep-to")
	case flags.limits.MemoryBytes > mostSleepingMemory:
		return usage(c, "a run that is to sleep has at most %d bytes of --memory", mostSleepingMemory)
	}
	if _, err := os.Lstat(f.to); err == nil && !f.again() {
		return usage(c, "--sleep-to %s: the file is there already, and another run may sleep in it: name another one", shown(f.to))
	}
	// A run that cannot be written down when it has gone to sleep is lost: so find that out now.
	trial, err := atomicfile.Prepare(f.to, nil, 0o600)
	if err != nil {
		return usage(c, "--sleep-to: %w", err)
	}
	trial.Discard()
	return nil
}

// again reports whether the run is to sleep in the file that it wakes from.
func (f *sleepFlags) again() bool {
	to, err := os.Stat(f.to)
	if err != nil || f.from == "" {
		return false
	}
	from, err := os.Stat(f.from)
	return err == nil && os.SameFile(from, to)
}

// key returns the key that seals runs that sleep; nil when none does.
func (f *sleepFlags) key(ctx context.Context) ([]byte, error) {
	if f.to == "" && f.from == "" {
		return nil, nil
	}
	return sleepKey(ctx)
}

// sleepKeyFolder has the user's key of runs that sleep. It is made when it is first needed.
func sleepKeyFolder() (string, error) {
	own, err := os.UserConfigDir()
	return filepath.Join(own, "caisson", "sleep-key-v1"), err
}

// sleepKey reads the user's key, or makes it: a file of this user's alone.
func sleepKey(ctx context.Context) ([]byte, error) {
	key, err := func() ([]byte, error) {
		folder, err := sleepKeyFolder()
		if err == nil {
			err = os.MkdirAll(folder, 0o700)
		}
		if err == nil {
			folder, err = filepath.EvalSymlinks(folder)
		}
		if err != nil {
			return nil, err
		}
		unlock, err := filelock.Lock(ctx, filepath.Join(folder, "lock"))
		if err != nil {
			return nil, err
		}
		defer unlock()
		return auth.FileKey{}.Key(ctx, folder, true)
	}()
	var unsafe *auth.UnsafeError
	var damaged *auth.DamagedKeyError
	switch {
	case errors.As(err, &unsafe):
		err = fmt.Errorf("%s %s: remove it, and a new key is made; or %s", unsafe.Path, unsafe.Reason, unsafe.Remedy)
	case errors.As(err, &damaged):
		err = fmt.Errorf("%s is not a key of %d bytes: remove it, and a new one is made", damaged.Place, auth.KeySize)
	}
	if err != nil && ctx.Err() == nil {
		return nil, &caisson.Error{Code: caisson.CodeInvalidArgument, Step: "sleep", Message: "the key of runs that sleep: " + err.Error(), Err: err}
	}
	return key, err
}

// An asleepError is a run that sleeps.
type asleepError struct{ file string }

func (e *asleepError) Error() string {
	return fmt.Sprintf("the run sleeps in %s: 'caisson wake' goes on with it", shown(e.file))
}

// sleepAgain is how long a run is let go on that cannot sleep where it is.
const sleepAgain = time.Second

// runSleeping runs a script to its end, or puts it to sleep.
func (a *app) runSleeping(ctx context.Context, f *sleepFlags, start func(context.Context) (*caisson.Run, error)) (*caisson.ScriptResult, error) {
	if f.to == "" {
		run, err := start(ctx)
		if err != nil {
			return nil, err
		}
		a.logger().Debug("the script has begun")
		return run.Wait()
	}
	// A signal puts the run to sleep, and does not end it.
	running, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	begun := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	run, err := start(running)
	if err != nil {
		return nil, err
	}
	begun()
	a.logger().Debug("the script has begun")
	asleep, err := a.putToSleep(ctx, f, run)
	if err != nil {
		a.err.Say("%s", terminalText(err))
		end(context.Cause(ctx))
	}
	result, err := run.Wait()
	if asleep == nil {
		return result, err
	}
	file, err := a.writeDown(f.to, asleep)
	if err != nil {
		return result, fmt.Errorf("the run cannot be written down, and is lost: %w", err)
	}
	return result, &asleepError{file}
}

// writeDown writes a run that sleeps down, and returns the file. It has ended here, so it is nowhere else: where it cannot
// be in the file that was named, or where another run is there by now, it is in a new one.
func (a *app) writeDown(path string, asleep []byte) (string, error) {
	err := atomicfile.Create(path, asleep, 0o600)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = atomicfile.Write(path, asleep, 0o600) // The file system may have no links.
	}
	if err == nil {
		return path, nil
	}
	for _, folder := range []string{filepath.Dir(path), os.TempDir()} {
		file, failed := os.CreateTemp(folder, filepath.Base(path)+"-*") // of the mode 0600
		if failed == nil {
			_, failed = file.Write(asleep)
			failed = errors.Join(failed, file.Sync(), file.Close())
		}
		if failed == nil {
			a.err.Say("the run cannot be written down in %s: %v", shown(path), err)
			return file.Name(), nil
		}
		if file != nil {
			_ = os.Remove(file.Name())
		}
		err = errors.Join(err, failed)
	}
	return "", err
}

// putToSleep returns the run as bytes when it sleeps, and nothing when it has ended. It fails when the run was to sleep
// at once, and cannot.
func (a *app) putToSleep(ctx context.Context, f *sleepFlags, run *caisson.Run) ([]byte, error) {
	var due <-chan time.Time
	if f.soon {
		due = time.After(f.after)
	}
	said := ""
	for {
		select {
		case <-run.Done():
			return nil, nil
		case <-due:
			asleep, err := run.Sleep(ctx)
			if err == nil {
				return asleep, nil
			}
			var e *caisson.SleepError
			if !errors.As(err, &e) {
				return nil, err
			}
			if due = nil; e.Code == caisson.SleepSynchronous || e.Code == caisson.SleepHeld {
				due = time.After(sleepAgain) // It may do something else by then.
			}
			if e.Code != caisson.SleepEnded && ctx.Err() == nil && said != e.Message {
				said = e.Message
				a.err.Say("%s", terminalText(err))
			}
		case <-ctx.Done():
			a.err.Say("the run goes to sleep once it only waits: interrupt again to end it")
			asleep, err := run.Sleep(context.WithoutCancel(ctx))
			var e *caisson.SleepError
			if errors.As(err, &e) && e.Code == caisson.SleepEnded {
				return nil, nil
			}
			return asleep, err
		}
	}
}
