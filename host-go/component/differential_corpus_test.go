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

// corpusCase is a component of the corpus with what is done to it; README.md
// there has the format.
type corpusCase struct {
	name string // of its folder
	wasm string // path of the component; does not exist when it is not built

	// Component is the path of a component that is built on demand, "" for the
	// component.wasm beside the case.
	Component string
	// Imports is what the functions that the host gives do; without an entry
	// they return their first argument.
	Imports map[string]behaviour
	// Pages bounds the memory of an instance, in pages of 64 KiB; 0 for none.
	Pages uint32
	// Calls run one after the other, on a new instance after each trap.
	Calls [][]any
	// Runs are calls each of which runs on one instance, dead or not.
	Runs [][][]any
	// Generate are the exports that are called with generated arguments; "*" for
	// all that take no handle.
	Generate []string
	// Differences are the outcomes that are known to differ in this component.
	Differences []*difference
}

// behaviour is what an imported function does, beside being logged.
type behaviour struct {
	Values []any  `json:"values,omitempty"` // returns them in turn
	Error  string `json:"error,omitempty"`  // fails
	New    bool   `json:"new,omitempty"`    // returns a new resource: 1, 2, ...
	Rep    bool   `json:"rep,omitempty"`    // returns the representation of its first argument
}

// difference is a known difference between the outcomes of a call: of traps, by
// category ("" is no trap).
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

// runs returns all calls of the case file, as they are sent to wasmtime.
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

// canonical is v as it is after being written and read: what outcomes are
// compared as.
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
