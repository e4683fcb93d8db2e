package main

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/wire"
)

// These are the exit codes of the commands that ask a daemon: those of the command line 'caisson'. The daemon itself ends
// with 0, or with 1 where it fails.
const (
	exitDaemon      = 1 // the daemon fails
	exitDifference  = 1 // a definition is not approved
	exitScript      = 1 // a script that failed
	exitUsage       = 2
	exitConnect     = 3
	exitFailure     = 4
	exitTimeout     = 5
	exitLogin       = 6 // the daemon does not know who calls
	exitDenied      = 7 // the caller may not
	exitInterrupted = 130
)

// An exitError is an error with its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode is that of an error.
func exitCode(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitDaemon
}

// failed says why a call has failed, and what to do.
func (r *remote) failed(err error) error {
	var made *connect.Error
	message := err.Error()
	if errors.As(err, &made) {
		message = clean(made.Message())
	}
	code := exitFailure
	switch of, own := detailOf(made); {
	case own && of == caisson.CodeTimeout:
		code = exitTimeout
	case own && of == caisson.CodeAuthorizationRequired:
		code = exitLogin
	case own && of == caisson.CodeInvalidArgument:
		code = exitUsage
	case own && (of == caisson.CodeDenied || of == caisson.CodeRefused):
		code = exitDenied
	case own && of == caisson.CodeConnect:
		code = exitConnect
	case own:
	case connect.CodeOf(err) == connect.CodeUnavailable && !connect.IsWireError(err):
		code, message = exitConnect, fmt.Sprintf("the daemon at %s is not there: start it, or name its address by --addr: %s", r.addr, message)
	case connect.CodeOf(err) == connect.CodeUnauthenticated:
		code, message = exitLogin, fmt.Sprintf("the daemon at %s does not know who calls: name the file of a token by --token-file, or a certificate by --cert and --key: %s", r.addr, message)
	case connect.CodeOf(err) == connect.CodePermissionDenied:
		code = exitDenied
	case connect.CodeOf(err) == connect.CodeInvalidArgument, connect.CodeOf(err) == connect.CodeNotFound:
		code = exitUsage
	case connect.CodeOf(err) == connect.CodeDeadlineExceeded, errors.Is(err, context.DeadlineExceeded):
		code, message = exitTimeout, fmt.Sprintf("the daemon at %s has not answered within %v (--timeout); what changes something may have been done", r.addr, r.timeout)
	}
	return &exitError{code, errors.New(message)}
}

// detailOf is the code in the details of a failure, where the daemon has said one.
func detailOf(err *connect.Error) (caisson.Code, bool) {
	if err == nil {
		return 0, false
	}
	for _, detail := range err.Details() {
		value, failed := detail.Value()
		if of, ok := value.(*caissonv1.Error); ok && failed == nil {
			return wire.CodeOf(of.GetCode())
		}
	}
	return 0, false
}
