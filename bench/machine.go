package main

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// A Machine is where and when a run was made. Figures of two machines do not compare, and those of
// two runs on one only roughly.
type Machine struct {
	When, Took       string
	Commit           string
	OS, CPU          string
	Cores            int
	Go, Node, Python string
	LoadBefore       string // the averages of 1, 5 and 15 minutes
	LoadAfter        string
	Full             bool
	Rounds           int
}

func thisMachine(source string) Machine {
	m := Machine{
		When:  time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		OS:    runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.NumCPU(),
		Go:    runtime.Version(),
	}
	m.Commit = output(source, "git", "describe", "--always", "--dirty")
	m.Node = output(source, "node", "--version")
	m.Python = strings.TrimPrefix(output(source, "python3", "--version"), "Python ")
	m.LoadBefore = load()
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return m
}

// output is what a command prints; nothing where it is missing.
func output(dir, name string, args ...string) string {
	command := exec.Command(name, args...)
	command.Dir = dir
	text, _ := command.Output()
	return strings.TrimSpace(string(text))
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text))
	return strings.Join(fields[:min(3, len(fields))], " ")
}
