package component_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// wasmtime is a Python process that runs calls under wasmtime
// (testdata/corpus/reference.py).
type wasmtime struct {
	in  *json.Encoder
	out *bufio.Reader
}

// startWasmtime starts the Python that CAISSON_WASMTIME names, which has the
// packages of testdata/corpus/requirements.txt. Without it the test is skipped.
func startWasmtime(t *testing.T) *wasmtime {
	t.Helper()
	python := os.Getenv("CAISSON_WASMTIME")
	if python == "" {
		t.Skip("CAISSON_WASMTIME names no Python with wasmtime: see testdata/corpus/README.md")
	}
	cmd := exec.Command(python, filepath.Join(corpusDir, "reference.py"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", python, err, stderr.String())
		}
	})
	return &wasmtime{json.NewEncoder(in), bufio.NewReaderSize(out, 1<<20)}
}

// run runs the runs of c, and returns their outcomes.
func (w *wasmtime) run(t *testing.T, c *corpusCase, runs []run) [][]outcome {
	t.Helper()
	err := w.in.Encode(map[string]any{"wasm": c.wasm, "imports": c.Imports, "pages": c.Pages, "runs": runs})
	if err != nil {
		t.Fatal(err)
	}
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("wasmtime ended: %v", err)
	}
	var reply struct {
		Runs  [][]outcome
		Error string
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&reply); err != nil {
		t.Fatal(err)
	}
	if reply.Error != "" {
		t.Fatalf("wasmtime: %s", reply.Error)
	}
	for _, outcomes := range reply.Runs {
		for i := range outcomes {
			if o := &outcomes[i]; o.Trap != "" {
				o.Trap, o.message = trapCategory(o.Trap), o.Trap
			}
		}
	}
	return reply.Runs
}
