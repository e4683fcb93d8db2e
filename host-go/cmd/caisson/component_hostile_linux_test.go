package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostileCommand is a program that never reaches its first line.
const hostileCommand = "../../component/testdata/hostile/command.wasm"

// Signals and the timeout end a program that loops while it is instantiated.
func TestComponentStartLoops(t *testing.T) {
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		cmd, lines := startProgram(t, "component", "run", "--no-cache", hostileCommand)
		waitComputing(t, cmd.Process.Pid)
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // until the program closes it
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != want {
			t.Errorf("%v: it ends with %v, want the exit code %d", signal, err, want)
		}
	}
	caissonRun(t, "component", "run", "--no-cache", "--max-memory", "64MiB", "--timeout", "200ms", hostileCommand).expect(t, exitTimeout, "not done after 200ms")
}

// waitComputing waits until a process has computed for longer than its start takes. The process then handles
// signals.
func waitComputing(t *testing.T, pid int) {
	t.Helper()
	for {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		// The fields after the name, which ends with a bracket, begin with the state.
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		var ticks int
		if _, err := fmt.Sscan(fields[11], &ticks); err != nil {
			t.Fatal(err)
		}
		if fields[0] == "Z" {
			t.Fatal("the process has ended")
		}
		if ticks >= 100 { // a second
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
