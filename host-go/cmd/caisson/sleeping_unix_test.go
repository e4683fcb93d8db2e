//go:build unix

package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestSleepSignal has a signal put a run to sleep, and a run that cannot sleep end by it.
func TestSleepSignal(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	for signal, ended := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := newSleeper(t)
			s.write(t, "answers.yaml", "- server: a\n  tool: b\n  answer: 7\n")
			s.write(t, "s.js", "await tools.a.b(); await sleep(1e9); return 1")
			o := s.signalled(t, signal, "run", "s.js", "--answers", "answers.yaml", "--sleep-to", "x.run", "--time", "10m")
			if o != exitAsleep || !s.has("x.run") {
				t.Errorf("it ends with %d", o)
			}
			// It waits on, now without a file to sleep in.
			if o := s.signalled(t, signal, "wake", "x.run"); o != ended || s.has("x.run") {
				t.Errorf("it ends with %d", o)
			}
		})
	}
}

// signalled runs the program until its script waits, sends it a signal, and returns the exit code.
func (s *sleeper) signalled(t *testing.T, signal os.Signal, args ...string) int {
	t.Helper()
	cmd := s.command(t, append(args, "--verbose")...)
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	waitFor(t, lines, `the script has begun`)
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until the program closes it
	}
	if err := cmd.Wait(); err != nil {
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			t.Fatal(err)
		}
	}
	return cmd.ProcessState.ExitCode()
}
