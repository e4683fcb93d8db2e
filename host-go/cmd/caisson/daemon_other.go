//go:build !unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// become runs the daemon, and ends as it does. Both are of one console, whose interrupts both get; this process waits
// until the daemon has ended.
func (a *app) become(_ context.Context, path string, args []string) error {
	daemon := exec.Command(path, args...) // A context would kill it before it has drained.
	daemon.Stdin, daemon.Stdout, daemon.Stderr = a.in, a.out, a.err
	err := daemon.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return &guestExit{code: ended.ExitCode()}
	}
	if err != nil {
		return fmt.Errorf("starting %s: %w", path, err)
	}
	return nil
}
