package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// released is the version that go.mod names, and that the test releases.
const released = "v0.1.0"

// TestInstall installs the daemon as its users do: by `go install` of a version, without a workspace. The two modules
// come from a folder that is laid out as a proxy, all others from the module cache.
func TestInstall(t *testing.T) {
	proxy := t.TempDir()
	for path, dir := range map[string]string{"github.com/caisson-dev/caisson/daemon": "../..", "github.com/caisson-dev/caisson/host-go": "../../../host-go"} {
		release(t, proxy, path, dir)
	}
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	downloaded := filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	bin := t.TempDir()
	install := exec.Command("go", "install", "-trimpath", "-modcacherw", "-ldflags=-s -w", "github.com/caisson-dev/caisson/daemon/cmd/caissond@"+released)
	install.Dir = bin
	install.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0", "GOBIN="+bin, "GOMODCACHE="+t.TempDir(), "GOSUMDB=off",
		"GOPROXY=file://"+filepath.ToSlash(proxy)+",file://"+filepath.ToSlash(downloaded))
	if text, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	text, err := exec.Command(filepath.Join(bin, "caissond"), "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(text), "caissond") {
		t.Errorf("%s, %v", text, err)
	}
}

// release lays a module out in a proxy.
func release(t *testing.T, proxy, path, dir string) {
	t.Helper()
	at := filepath.Join(proxy, filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mod), "\nreplace ") {
		t.Errorf("the go.mod of %s has a replace, and cannot be installed", path)
	}
	for name, text := range map[string]string{
		"list": released + "\n", released + ".mod": string(mod), released + ".info": fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, released),
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(at, released+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := zip.CreateFromDir(f, module.Version{Path: path, Version: released}, dir); err != nil {
		t.Fatal(err)
	}
}
