package wasi

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caisson-dev/caisson/host-go/component"
)

// componentizePy is what the test installs.
const componentizePy = "componentize-py==0.25.1"

// pythonComponent builds testdata/python. It installs componentize-py once, into a folder of the user's
// cache.
func pythonComponent(t *testing.T) []byte {
	t.Helper()
	if os.Getenv("CAISSON_PYTHON_COMPONENTS") != "1" {
		t.Skip("CAISSON_PYTHON_COMPONENTS=1 builds a component with componentize-py, which pip installs, and runs it")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	venv := filepath.Join(cache, "caisson-test", componentizePy)
	bin := filepath.Join(venv, "bin")
	if runtime.GOOS == "windows" {
		bin = filepath.Join(venv, "Scripts")
	}
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	tool := filepath.Join(bin, "componentize-py")
	if _, err := exec.LookPath(tool); err != nil {
		run("python3", "-m", "venv", venv)
		run(filepath.Join(bin, "pip"), "install", "--quiet", componentizePy)
	}
	// Python writes compiled files beside the source, so it works on a copy.
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/python")); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "app.wasm")
	run(tool, "--wit-path", filepath.Join(dir, "app.wit"), "--world", "app", "componentize",
		"--python-path", dir, "app", "--output", out)
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the component has %d bytes", len(b))
	return b
}

// CPython with its standard library works with what is granted.
func TestPython(t *testing.T) {
	b := pythonComponent(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	r, err := component.NewRuntime(ctx, &component.Config{Interpreter: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(ctx)
	c, err := r.Compile(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "granted")
	writeFile(t, filepath.Join(dir, "there"), "")
	writeFile(t, filepath.Join(dir, "..", "outside"), "")
	var stdout bytes.Buffer
	l := component.NewLinker()
	AddToLinker(l, &Config{
		Env: [][2]string{{"NAME", "värde"}}, Stdout: &stdout,
		Mounts: []Mount{{Path: "/data", Root: openRoot(t, dir)}},
		Now:    func() time.Time { return time.Unix(1_700_000_000, 0) },
	})
	in, err := c.Instantiate(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close(ctx)
	out, err := in.ExportedFunction("report").Call(ctx, "/data")
	if err != nil {
		t.Fatal(err)
	}
	result := out[0].(component.Result)
	if !result.OK {
		t.Fatal(result.Value)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(result.Value.(string)), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"lines": 1000.0, "first": "hällo\n", "size": 7000.0, "env": "värde", "slept": true, "year": 2023.0,
		"random": 3.0, "python": 3.0, "escaped": "PermissionError",
		"found": []any{"/data/a/b/moved", "/data/a/link", "/data/there"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if stdout.String() != "printed by Python\n" {
		t.Errorf("printed %q", stdout.String())
	}
}
