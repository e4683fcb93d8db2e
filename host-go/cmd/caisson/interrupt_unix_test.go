//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// The signal comes in the middle of a call, when the first step has been reported.
func TestInterrupt(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for signal, want := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd, lines := startProgram(t, slices.Concat(
				[]string{"call-tool", "countdown", "from=1000", "pause_ms=100", "--timeout", "2m"}, demoArgs(t))...)
			waitFor(t, lines, `^progress 1/1000`)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			waitFor(t, lines, `^caisson: `+signal.String())
			for lines.Scan() { // until the program closes it
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != want {
				t.Errorf("it ends with %v, want the exit code %d", err, want)
			}
		})
	}
}
