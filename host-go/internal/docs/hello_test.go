package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestHello runs the program of README.md, with the server that it names.
func TestHello(t *testing.T) {
	folder, end := t.TempDir(), ""
	if runtime.GOOS == "windows" {
		end = ".exe"
	}
	hello := filepath.Join(folder, "hello"+end)
	for program, source := range map[string]string{hello: "./hello", filepath.Join(folder, "caisson"+end): "../../cmd/caisson"} {
		build := exec.Command("go", "build", "-o", program, source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Setenv("PATH", folder)
	out, err := exec.CommandContext(t.Context(), hello).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if said := string(out); !strings.Contains(said, "\ncountdown: ") || !strings.HasSuffix(said, "\nmap[sum:5]\n") {
		t.Errorf("it says %s", said)
	}
}
