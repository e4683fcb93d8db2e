//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// A signal ends a program that would never end by itself.
func TestComponentInterrupt(t *testing.T) {
	cmd, lines := startProgram(t, "component", "run", "--no-cache", program, "spin")
	waitFor(t, lines, `^spinning$`)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	waitFor(t, lines, `^caisson: interrupt$`)
	for lines.Scan() { // Until the program has closed it.
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("it ends with %v, want the exit code %d", err, exitInterrupted)
	}
}
