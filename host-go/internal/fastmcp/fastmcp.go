// Package fastmcp installs FastMCP, for tests with its servers and its clients.
package fastmcp

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

var (
	once      sync.Once
	installed string
	failure   error
)

// Python returns the path of a Python that has what test/servers/requirements.txt in the repository at root names. It is
// installed on the first use, into a folder of the user's cache that is named after what is installed.
func Python(root string) (string, error) {
	once.Do(func() { installed, failure = install(filepath.Join(root, "test", "servers", "requirements.txt")) })
	return installed, failure
}

func install(requirements string) (python string, err error) {
	pinned, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	venv := filepath.Join(cache, "caisson-test", fmt.Sprintf("fastmcp-%x", sha256.Sum256(pinned))[:24])
	python = filepath.Join(venv, "bin", "python")
	if runtime.GOOS == "windows" {
		python = filepath.Join(venv, "Scripts", "python.exe")
	}
	if _, err := os.Stat(filepath.Join(venv, "installed")); err == nil {
		return python, nil
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", venv},
		{python, "-m", "pip", "install", "--quiet", "--requirement", requirements},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", errors.Join(err, errors.New(string(out)))
		}
	}
	return python, os.WriteFile(filepath.Join(venv, "installed"), nil, 0o600)
}
