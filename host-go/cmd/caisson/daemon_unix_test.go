//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeDaemon says which process it is and what it was given, and ends with 9.
func fakeDaemon(t *testing.T, folder, name string) {
	t.Helper()
	script := "#!/bin/sh\necho " + name + " $$ \"$@\"\nexit 9\n"
	if err := os.WriteFile(filepath.Join(folder, "caissond"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

// TestDaemon finds the daemon in a folder of PATH, and beside the program before that. The daemon is the same process, so
// that it gets the signals.
func TestDaemon(t *testing.T) {
	beside, path, none := t.TempDir(), t.TempDir(), t.TempDir()
	program := filepath.Join(beside, "caisson")
	if err := os.Link(self(t), program); err != nil {
		t.Skipf("the program cannot have another name: %v", err)
	}
	once := func(env string, args ...string) (pid, code int, out, stderr string) {
		t.Helper()
		var stdout, failed bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, append([]string{"daemon"}, args...)...)
		cmd.Env = append(os.Environ(), "PATH="+env)
		cmd.Stdout, cmd.Stderr = &stdout, &failed
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.Process.Pid, cmd.ProcessState.ExitCode(), stdout.String(), failed.String()
	}
	args := []string{"check", "-v", "--config", "a b", "--help"}
	if _, code, _, said := once(none, args...); code != exitFailure || !strings.Contains(said, "caissond is not installed") || !strings.Contains(said, "go install ") {
		t.Errorf("without it: %d %s", code, said)
	}
	fakeDaemon(t, path, "in-path")
	pid, code, out, said := once(none+string(os.PathListSeparator)+path, args...)
	if want := fmt.Sprintf("in-path %d check -v --config a b --help\n", pid); code != 9 || out != want || said != "" {
		t.Errorf("in PATH: %d %q, %s", code, out, said)
	}
	fakeDaemon(t, beside, "beside")
	pid, code, out, said = once(path)
	if want := fmt.Sprintf("beside %d\n", pid); code != 9 || out != want || said != "" {
		t.Errorf("beside it: %d %q, %s", code, out, said)
	}
}
