package typescript

import (
	"os/exec"
	"strings"
	"testing"
)

// Only who imports this package links esbuild.
func TestPackageCaissonHasNoEsbuild(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "github.com/caisson-dev/caisson/host-go/caisson")
	out, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "host-go/internal/engine") {
		t.Errorf("these are not the packages that caisson imports:\n%s", out)
	}
	if strings.Contains(string(out), "esbuild") {
		t.Error("package caisson imports esbuild")
	}
}
