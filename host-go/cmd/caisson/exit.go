package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/fieldname"
)

// These are the exit codes. Scripts depend on them.
const (
	exitOK          = 0
	exitToolError   = 1
	exitScript      = 1 // a script that failed
	exitDifference  = 1 // of a replay, of pins, and of an audit log
	exitUsage       = 2
	exitConnect     = 3
	exitFailure     = 4 // of the protocol or the transport, and every other failure
	exitTimeout     = 5
	exitLogin       = 6   // authorization is required, and there is none
	exitDenied      = 7   // by the policy
	exitAsleep      = 8   // the run of a script sleeps
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
	exitTerminated  = 143 // 128 + SIGTERM
)

// A usageError is a command line that is wrong.
type usageError struct {
	command string // its full name, for the hint
	err     error
}

func usage(c *cobra.Command, format string, args ...any) error {
	return &usageError{command: c.CommandPath(), err: fmt.Errorf(format, args...)}
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// A connectError is an error from before the session was open.
type connectError struct{ err error }

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// A toolError is a result with isError. The result itself is printed like any other.
type toolError struct{ server, what string }

func (e *toolError) Error() string {
	return fmt.Sprintf("%s: the %s reported an error", e.server, e.what)
}

// An interrupt is a signal that ended the program.
type interrupt struct{ signal os.Signal }

func (e *interrupt) Error() string { return e.signal.String() }

// interruptible returns a context that a signal ends. The next signal ends the program.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(&interrupt{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// interruption returns the signal behind an error, if there is one. Every error after a signal counts as a
// consequence of the signal.
func interruption(ctx context.Context, err error) error {
	var i *interrupt
	if asleep := (*asleepError)(nil); errors.As(err, &asleep) {
		return nil // What the signal was to bring about.
	}
	if err != nil && errors.As(context.Cause(ctx), &i) {
		return i
	}
	return nil
}

// exitCode returns the program's exit code for an error.
func exitCode(err error) int {
	var (
		interrupted *interrupt
		tool        *toolError
		wrong       *usageError
		connecting  *connectError
		guest       *guestExit
		replay      *replayError
		failed      *scriptFailure
		unapproved  *pinsError
		damaged     *auditError
		asleep      *asleepError
		waking      *wakeError
	)
	code := caisson.CodeOf(err)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &interrupted) && interrupted.signal == os.Interrupt:
		return exitInterrupted
	case interrupted != nil:
		return exitTerminated
	case errors.As(err, &guest):
		return guest.code
	case errors.As(err, &asleep):
		return exitAsleep
	case errors.As(err, &tool):
		return exitToolError
	case errors.As(err, &failed) && failed.late:
		return exitTimeout
	case failed != nil:
		return exitScript
	case errors.As(err, &wrong), errors.As(err, &waking), code == caisson.CodeInvalidArgument:
		return exitUsage
	case errors.As(err, &replay):
		return exitDifference
	case code == caisson.CodeDenied:
		return exitDenied
	case errors.As(err, &unapproved), errors.As(err, &damaged):
		return exitDifference
	case code == caisson.CodeTimeout:
		return exitTimeout
	case code == caisson.CodeAuthorizationRequired:
		return exitLogin
	case errors.As(err, &connecting), code == caisson.CodeConnect:
		return exitConnect
	}
	return exitFailure
}

// report prints an error on stderr, in one line or two.
func (a *app) report(err error) {
	if guest := (*guestExit)(nil); err == nil || errors.As(err, &guest) {
		return
	}
	var login *loginError
	if errors.As(err, &login) && !a.person() {
		a.err.SayJSON(login)
		return
	}
	a.err.Say("%s", fieldname.AtCommandLine(strings.TrimPrefix(err.Error(), "caisson: ")))
	if hint := remedy(err); hint != "" {
		a.err.Say("%s", hint)
	}
}

// remedy returns the remedy for an error, and facts that the error's text does not have.
func remedy(err error) string {
	var wrong *usageError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("run '%s --help' for how to use it", wrong.command)
	}
	if waking := (*wakeError)(nil); errors.As(err, &waking) {
		return waking.remedy()
	}
	if missing := (*daemonMissing)(nil); errors.As(err, &missing) {
		return "install it with 'go install github.com/caisson-dev/caisson/daemon/cmd/caissond@latest', or unpack it of the release into that folder"
	}
	if complex := (*component.ComplexityError)(nil); errors.As(err, &complex) {
		return "run it with --interpret, or have its compiler make smaller functions"
	}
	if large := (*component.CodeMemoryError)(nil); errors.As(err, &large) {
		return "run it without --interpret, or allow more with --interpreter-memory"
	}
	var login *loginError
	if errors.As(err, &login) {
		return login.Remedy
	}
	var e *caisson.Error
	if errors.As(err, &e) && (e.HTTPStatus == http.StatusUnauthorized || e.HTTPStatus == http.StatusForbidden) {
		return "log in with 'caisson auth login', as somebody who may, or give the server its credentials with --header 'Authorization: ...', or as headers in the configuration file"
	}
	if e != nil && e.Code == caisson.CodeLimit {
		for limit, flag := range map[string]string{"Limits.Fuel": "--fuel", "Limits.MemoryBytes": "--max-memory"} {
			if strings.Contains(e.Message, limit) {
				return "on the command line that is " + flag
			}
		}
	}
	return ""
}
