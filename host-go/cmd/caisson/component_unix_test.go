//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
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
	for lines.Scan() { // until the program closes it
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("it ends with %v, want the exit code %d", err, exitInterrupted)
	}
}

// A signal ends the program while it compiles.
func TestCompilingInterrupt(t *testing.T) {
	for signal, want := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		t.Run(signal.String(), func(t *testing.T) {
			cache := t.TempDir()
			cmd, lines := startProgram(t, "component", "run", "--cache-dir", cache, slowFile(t))
			waitFor(t, lines, `^caisson: compiling slow\.wasm$`)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			waitFor(t, lines, `^caisson: `+signal.String()+`$`)
			for lines.Scan() { // until the program closes it
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != want {
				t.Errorf("it ends with %v, want the exit code %d", err, want)
			}
			if left, err := filepath.Glob(filepath.Join(cache, "*-stage-*")); err != nil || len(left) > 0 {
				t.Errorf("it leaves %v, %v", left, err)
			}
		})
	}
}
