package component_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const corpusDir = "testdata/corpus"

// corpusCase is a component of the corpus and what the test does with it. README.md there has the format.
type corpusCase struct {
	name string // of its folder
	wasm string // path of the component; does not exist when it is not built

	// Component is the path of a component that is built on demand. "" means the component.wasm beside the
	// case.
	Component string
	// Imports says what the host's functions do. A function without an entry returns its first argument.
	Imports map[string]behaviour
	// Pages bounds the memory of an instance, in pages of 64 KiB; 0 for none.
	Pages uint32
	// Calls run one after another. After each trap they go on with a new instance.
	Calls [][]any
	// Runs are lists of calls. Each list runs on one instance, even when the instance is dead.
	Runs [][][]any
	// Generate names the exports that are called with generated arguments. "*" means all exports that take no
	// handle.
	Generate []string
	// Differences are the known differences of this component's outcomes.
	Differences []*difference
}

// behaviour is what an imported function does. Its calls are also logged.
type behaviour struct {
	Values []any  `json:"values,omitempty"` // returns them in turn
	Error  string `json:"error,omitempty"`  // fails
	New    bool   `json:"new,omitempty"`    // returns a new resource: 1, 2, ...
	Rep    bool   `json:"rep,omitempty"`    // returns the representation of its first argument
}

// difference is a known difference between the outcomes of a call. Traps are given by category; "" is no
// trap.
type difference struct {
	Export string // "" is any
	Ours   string
	Theirs []string
	Reason string

	seen bool
}

func (d *difference) matches(export string, ours, theirs outcome) bool {
	return (d.Export == "" || d.Export == export) && d.Ours == ours.Trap && slices.Contains(d.Theirs, theirs.Trap)
}

// outcome is what a call did. Trap is a category.
type outcome struct {
	Value any    `json:"value,omitempty"`
	Trap  string `json:"trap,omitempty"`
	Log   []any  `json:"log,omitempty"`

	message string // of the trap, for the reader
}

func readCorpus(t *testing.T) []*corpusCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpusDir, "*", "cases.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	var out []*corpusCase
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(file)
		c := &corpusCase{name: filepath.Base(dir), wasm: filepath.Join(dir, "component.wasm")}
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		d.DisallowUnknownFields()
		if err := d.Decode(c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if c.Component != "" {
			c.wasm = filepath.Join(dir, c.Component)
		}
		out = append(out, c)
	}
	return out
}

// runs returns all calls of the case file, in the form that wasmtime gets.
func (c *corpusCase) runs() []run {
	var out []run
	if len(c.Calls) > 0 {
		out = append(out, run{Restart: true, Calls: c.Calls})
	}
	for _, calls := range c.Runs {
		out = append(out, run{Calls: calls})
	}
	return out
}

// run is calls of exports: the name and the arguments of each, as JSON.
type run struct {
	Restart bool    `json:"restart"`
	Calls   [][]any `json:"calls"`
}

// canonical returns v as it is after being written and read, the form in which outcomes are compared.
func canonical(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, b)
}

func parse(t *testing.T, b []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %.200s", err, b)
	}
	return v
}

func isWASI(name string) bool { return strings.HasPrefix(name, "wasi:") }
