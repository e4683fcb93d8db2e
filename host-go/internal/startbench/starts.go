package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// modeVariable tells a child what it is.
const modeVariable = "STARTBENCH"

// starts measures the time to the first result: of each kind once in every round, so that a busy
// minute is every kind's. A peer is "name=command": it writes something when it has a result.
func starts(runs int, peers []string) error {
	dir, err := os.MkdirTemp("", "startbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	warm := "CACHE=" + filepath.Join(dir, "warm")
	own := func(env ...string) func(int) (*exec.Cmd, error) {
		return func(run int) (*exec.Cmd, error) {
			empty := "CACHE=" + filepath.Join(dir, fmt.Sprint(len(env), "-", run))
			return childCommand("first", append([]string{empty}, env...)...)
		}
	}
	fill, err := own(warm, "WARM=1")(0)
	if err != nil {
		return err
	}
	if _, _, err := firstResult(fill); err != nil {
		return err
	}
	type kind struct {
		name      string
		command   func(run int) (*exec.Cmd, error)
		took, cpu []time.Duration
	}
	kinds := []*kind{
		{name: "warm cache", command: own(warm)},
		{name: "empty cache", command: own()},
		{name: "empty cache, compile first", command: own("COMPILE_FIRST=1", "")},
	}
	for _, peer := range peers {
		name, command, _ := strings.Cut(peer, "=")
		kinds = append(kinds, &kind{name: name, command: func(int) (*exec.Cmd, error) {
			return exec.Command("sh", "-c", "exec "+command), nil
		}})
	}
	for run := range runs {
		for _, k := range kinds {
			cmd, err := k.command(run)
			if err != nil {
				return err
			}
			took, cpu, err := firstResult(cmd)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			k.took, k.cpu = append(k.took, took), append(k.cpu, cpu)
		}
	}
	fmt.Println("process start to first result, stdio, ms: least, median, most; processor time of the whole process, median")
	for _, k := range kinds {
		slices.Sort(k.took)
		slices.Sort(k.cpu)
		fmt.Printf("  %-28s %6d %6d %6d %8d\n", k.name, k.took[0].Milliseconds(), k.took[runs/2].Milliseconds(), k.took[runs-1].Milliseconds(), k.cpu[runs/2].Milliseconds())
	}
	return nil
}

// firstResult starts a command and waits for what it writes when it has a result.
func firstResult(cmd *exec.Cmd) (took, cpu time.Duration, err error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	_, read := out.Read(make([]byte, 1))
	took = time.Since(began)
	if err := cmd.Wait(); err != nil {
		return 0, 0, err
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), read
}

func measure(mode string, env ...string) error {
	cmd, err := childCommand(mode, env...)
	if err != nil {
		return err
	}
	cmd.Stdout = os.Stdout
	return cmd.Run()
}

func childCommand(mode string, env ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), modeVariable+"="+mode), env...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}
