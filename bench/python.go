package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func pythonPeer(w *workshop) ([]string, error) {
	python, err := w.environment(w.pythonFiles())
	if err != nil {
		return nil, err
	}
	return []string{python, filepath.Join(w.pythonFiles(), "peer.py")}, nil
}

func (w *workshop) pythonFiles() string { return filepath.Join(w.source, "peers", "python") }

// bridge is the peer in Go that reaches Python in one of four ways.
func bridge(over string) func(*workshop) ([]string, error) {
	return func(w *workshop) ([]string, error) {
		python, err := w.environment(w.pythonFiles())
		if err != nil {
			return nil, err
		}
		var program string
		if over == "cgo" {
			program, err = w.buildEmbedded(python, "bridge-cgo", "./peers/bridge")
		} else {
			program, err = w.build("bridge", "./peers/bridge", nil)
		}
		if err != nil {
			return nil, err
		}
		return []string{program, "-over", over, "-python", python, "-folder", w.pythonFiles()}, nil
	}
}

// environment makes an environment with the packages that requirements.txt in a folder pins, once for each list of
// them, and returns its interpreter.
func (w *workshop) environment(folder string) (string, error) {
	made, ok := w.environments[folder]
	if !ok {
		made.python, made.err = w.makeEnvironment(filepath.Join(folder, "requirements.txt"))
		if w.environments == nil {
			w.environments = map[string]environment{}
		}
		w.environments[folder] = made
	}
	return made.python, made.err
}

func (w *workshop) makeEnvironment(requirements string) (string, error) {
	system, err := exec.LookPath("python3")
	if err != nil {
		return "", errors.New("there is no Python on this machine")
	}
	list, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(w.cache, fmt.Sprintf("venv-%x", sha256.Sum256(list))[:len("venv-")+12])
	python := filepath.Join(folder, "bin", "python")
	done := filepath.Join(folder, "installed")
	if _, err := os.Stat(done); err == nil {
		return python, nil
	}
	fmt.Println("installing the Python packages, once")
	for _, command := range [][]string{
		{system, "-m", "venv", "--clear", folder},
		{python, "-m", "pip", "install", "--quiet", "--requirement", requirements},
	} {
		if text, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("the Python packages cannot be installed: %w: %s", err, firstLine(string(text)))
		}
	}
	return python, os.WriteFile(done, nil, 0o644)
}

// buildEmbedded builds a peer with the interpreter in it. Nothing else is built with cgo.
func (w *workshop) buildEmbedded(python, name, target string) (string, error) {
	config := `import sysconfig as s; v = s.get_config_var
print(f"-I{v('INCLUDEPY')}")
print(f"-L{v('LIBDIR')} -lpython{v('LDVERSION')} -Wl,-rpath,{v('LIBDIR')} {v('LIBS') or ''} {v('SYSLIBS') or ''}")`
	out, err := exec.Command(python, "-c", config).Output()
	if err != nil {
		return "", fmt.Errorf("the interpreter does not say how to build with it: %w", err)
	}
	include, link, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if compiler := output(w.source, "go", "env", "CC"); exec.Command(compiler, "--version").Run() != nil {
		return "", fmt.Errorf("there is no C compiler on this machine: %s", compiler)
	}
	if _, err := os.Stat(filepath.Join(strings.TrimPrefix(include, "-I"), "Python.h")); err != nil {
		return "", fmt.Errorf("the interpreter's headers are not on this machine: %w", err)
	}
	return w.build(name, target,
		[]string{"CGO_ENABLED=1", "CGO_CFLAGS=" + include, "CGO_LDFLAGS=" + link}, "-tags", "python")
}
