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
	if err := w.needPython(); err != nil {
		return nil, err
	}
	return []string{w.python, filepath.Join(w.pythonFiles(), "peer.py")}, nil
}

func (w *workshop) pythonFiles() string { return filepath.Join(w.source, "peers", "python") }

// bridge is the peer in Go that reaches Python in one of four ways.
func bridge(over string) func(*workshop) ([]string, error) {
	return func(w *workshop) ([]string, error) {
		if err := w.needPython(); err != nil {
			return nil, err
		}
		var program string
		var err error
		if over == "cgo" {
			program, err = w.buildEmbedded()
		} else {
			program, err = w.build("bridge", "./peers/bridge", nil)
		}
		if err != nil {
			return nil, err
		}
		return []string{program, "-over", over, "-python", w.python, "-folder", w.pythonFiles()}, nil
	}
}

// needPython makes the environment with the pinned packages, once for each list of them.
func (w *workshop) needPython() error {
	if w.python == "" && w.noPy == nil {
		w.python, w.noPy = w.makeEnvironment()
	}
	return w.noPy
}

func (w *workshop) makeEnvironment() (string, error) {
	system, err := exec.LookPath("python3")
	if err != nil {
		return "", errors.New("there is no Python on this machine")
	}
	requirements := filepath.Join(w.pythonFiles(), "requirements.txt")
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

// buildEmbedded builds the bridge with the interpreter in it: the only use of cgo.
func (w *workshop) buildEmbedded() (string, error) {
	config := `import sysconfig as s; v = s.get_config_var
print(f"-I{v('INCLUDEPY')}")
print(f"-L{v('LIBDIR')} -lpython{v('LDVERSION')} -Wl,-rpath,{v('LIBDIR')} {v('LIBS') or ''} {v('SYSLIBS') or ''}")`
	out, err := exec.Command(w.python, "-c", config).Output()
	if err != nil {
		return "", fmt.Errorf("the interpreter does not say how to build with it: %w", err)
	}
	include, link, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return w.build("bridge-cgo", "./peers/bridge",
		[]string{"CGO_ENABLED=1", "CGO_CFLAGS=" + include, "CGO_LDFLAGS=" + link}, "-tags", "python")
}
