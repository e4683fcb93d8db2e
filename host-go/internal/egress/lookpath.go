package egress

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// lookPath finds the program of a command. A name without a separator is looked up in the PATH of
// the command's own environment, as a shell would do, not in the host's as os/exec does.
func lookPath(c *Command) (string, error) {
	if filepath.Base(c.Path) != c.Path {
		return c.Path, nil
	}
	path, ok := lookEnv(c.Env, "PATH")
	if !ok {
		return exec.LookPath(c.Path)
	}
	for _, dir := range filepath.SplitList(path) {
		// A relative folder would be of the host's working directory: see exec.ErrDot.
		if !filepath.IsAbs(dir) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, c.Path)); err == nil {
			return found, nil
		}
	}
	return "", &exec.Error{Name: c.Path, Err: fmt.Errorf("%w of its environment", exec.ErrNotFound)}
}

// lookEnv returns the last value of a variable, which is the one that counts.
func lookEnv(environment []string, name string) (value string, ok bool) {
	for _, entry := range environment {
		key, v, _ := strings.Cut(entry, "=")
		if key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name) {
			value, ok = v, true
		}
	}
	return value, ok
}

// LookPath finds the program that a command with this environment would start.
func LookPath(path string, env []string) (string, error) {
	return lookPath(&Command{Path: path, Env: env})
}
