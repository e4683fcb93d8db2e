package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// nodeItself is the program of Node.
func nodeItself() (string, error) { return itself("node", "Node", "-p", "process.execPath") }

// nodePackages installs the packages that package-lock.json in a folder pins, once for each list of them, and returns
// the folder where they are.
func (w *workshop) nodePackages(from string) (folder string, err error) {
	list, err := os.ReadFile(filepath.Join(from, "package-lock.json"))
	if err != nil {
		return "", err
	}
	folder = filepath.Join(w.cache, fmt.Sprintf("node-%x", sha256.Sum256(list))[:len("node-")+12])
	done := filepath.Join(folder, "installed")
	if _, err := os.Stat(done); err == nil {
		return folder, nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", errors.New("there is no npm on this machine")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	for _, file := range []string{"package.json", "package-lock.json"} {
		if err := copyFile(from, folder, file); err != nil {
			return "", err
		}
	}
	fmt.Println("installing Node's packages, once")
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = folder
	if text, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the packages for Node cannot be installed: %w: %s", err, firstLine(string(text)))
	}
	return folder, os.WriteFile(done, nil, 0o644)
}

func copyFile(from, to, name string) error {
	text, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, name), text, 0o644)
}
