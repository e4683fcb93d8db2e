package component_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "seed of the generated values of TestDifferentialLive; 0 is one of its own")
	valuesFlag = flag.Int("values", 300, "how many generated values TestDifferentialLive takes for each export")
)

// These constants say what TestDifferential generates for each export.
const (
	goldenSeed   = 1
	goldenValues = 40
)

// golden is the recorded outcomes of wasmtime for a component, in golden.json.
type golden struct {
	Runs      [][]outcome
	Generated map[string]string // by export, the hash of its outcomes
}

// TestDifferential runs the corpus. It compares every outcome, values and traps, with the recorded outcomes
// of wasmtime.
func TestDifferential(t *testing.T) {
	var n tally
	for _, c := range readCorpus(t) {
		t.Run(c.name, func(t *testing.T) {
			r := c.open(t)
			var want golden
			b, err := os.ReadFile(filepath.Join(corpusDir, c.name, "golden.json"))
			if err != nil {
				t.Fatal(err)
			}
			d := json.NewDecoder(bytes.NewReader(b))
			d.UseNumber()
			if err := d.Decode(&want); err != nil {
				t.Fatal(err)
			}
			runs := c.runs()
			if len(runs) != len(want.Runs) {
				t.Fatalf("golden.json has %d runs, cases.json %d: record it anew", len(want.Runs), len(runs))
			}
			for i, calls := range runs {
				n.calls += c.compare(t, calls, r.run(t, calls), want.Runs[i])
			}
			generated := c.generate(r.comp, r.types(t), goldenSeed, goldenValues)
			if len(generated) != len(want.Generated) {
				t.Errorf("golden.json has %d generated runs, wanted %d: record it anew", len(want.Generated), len(generated))
			}
			for name, calls := range generated {
				if got := hash(t, r.run(t, calls)); got != want.Generated[name] {
					t.Errorf("%s: other outcomes of generated arguments than wasmtime's: TestDifferentialLive -seed %d -values %d tells which", name, goldenSeed, goldenValues)
				}
				n.generated += len(calls.Calls)
			}
			c.checkDifferences(t)
			n.components++
		})
	}
	n.log(t)
}

// TestDifferentialLive runs the corpus, and more generated values, under this runtime and under wasmtime.
// With -update it records the outcomes of wasmtime for TestDifferential.
func TestDifferentialLive(t *testing.T) {
	w := startWasmtime(t)
	seed, values := *seedFlag, *valuesFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	if updating() {
		seed, values = goldenSeed, goldenValues
	}
	t.Logf("seed %d", seed)
	var n tally
	for _, c := range readCorpus(t) {
		t.Run(c.name, func(t *testing.T) {
			r := c.open(t)
			record := golden{Generated: map[string]string{}}
			runs := c.runs()
			record.Runs = w.run(t, c, runs)
			for i, calls := range runs {
				n.calls += c.compare(t, calls, r.run(t, calls), record.Runs[i])
			}
			generated := c.generate(r.comp, r.types(t), seed, values)
			for _, name := range slices.Sorted(maps.Keys(generated)) {
				calls := generated[name]
				theirs := w.run(t, c, []run{calls})[0]
				ours := r.run(t, calls)
				n.generated += c.compare(t, calls, ours, theirs)
				record.Generated[name] = hash(t, c.agreed(calls, ours, theirs))
			}
			c.checkDifferences(t)
			n.components++
			if updating() && !t.Failed() {
				record.write(t, c)
			}
		})
	}
	n.log(t)
}

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// open compiles the component. It skips the test when the component was not built.
func (c *corpusCase) open(t *testing.T) *runner {
	t.Helper()
	b, err := os.ReadFile(c.wasm)
	if errors.Is(err, fs.ErrNotExist) && c.Component != "" {
		t.Skipf("%s is not built: generate.sh large", c.wasm)
	}
	if err != nil {
		t.Fatal(err)
	}
	return newRunner(t, c, b)
}

// types returns the types of the exports.
func (r *runner) types(t *testing.T) map[string]*types.Func {
	t.Helper()
	out := map[string]*types.Func{}
	for _, name := range component.FuncNames(r.comp) {
		out[name] = component.TypeOfName(r.comp, name)
	}
	return out
}

// compare compares the outcomes of a run and returns how many there were.
func (c *corpusCase) compare(t *testing.T, calls run, ours, theirs []outcome) int {
	t.Helper()
	if len(ours) != len(theirs) {
		t.Fatalf("%d outcomes, not %d", len(theirs), len(ours))
	}
	theirs = c.agreed(calls, ours, theirs)
	for i := range ours {
		if a, b := shortened(t, ours[i]), shortened(t, theirs[i]); !reflect.DeepEqual(a, b) {
			t.Errorf("%s:\nhere     %.600v %s\nwasmtime %.600v %s", call(calls.Calls[i]), a, ours[i].message, b, theirs[i].message)
		}
	}
	return len(ours)
}

// agreed returns the outcomes of wasmtime, with ours in place of those that are known to differ.
func (c *corpusCase) agreed(calls run, ours, theirs []outcome) []outcome {
	out := slices.Clone(theirs)
	for i := range out {
		for _, d := range slices.Concat(c.Differences, knownDifferences) {
			if d.matches(calls.Calls[i][0].(string), ours[i], theirs[i]) {
				out[i], d.seen = ours[i], true
			}
		}
	}
	return out
}

// checkDifferences fails for a known difference that no longer exists.
func (c *corpusCase) checkDifferences(t *testing.T) {
	t.Helper()
	for _, d := range c.Differences {
		if !d.seen {
			t.Errorf("cases.json has a difference that did not occur: %s", d.Reason)
		}
	}
}

// shortened returns an outcome in the form that is compared and recorded. A long value becomes its hash.
func shortened(t *testing.T, o outcome) any {
	t.Helper()
	v := canonical(t, o)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 2000 {
		sum := sha256.Sum256(b)
		return canonical(t, outcome{Value: "sha256:" + hex.EncodeToString(sum[:]), Trap: o.Trap})
	}
	return v
}

func hash(t *testing.T, outcomes []outcome) string {
	t.Helper()
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, o := range outcomes {
		if err := e.Encode(canonical(t, o)); err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// call returns a call as text for a reader.
func call(c []any) string {
	b, err := json.Marshal(c)
	if err != nil {
		return err.Error()
	}
	return string(b[:min(len(b), 600)])
}

type tally struct{ components, calls, generated int }

func (n *tally) log(t *testing.T) {
	t.Helper()
	t.Logf("%d components, %d calls of the case files and %d with generated arguments compared", n.components, n.calls, n.generated)
}

// write records the outcomes of wasmtime, one a line.
func (g *golden) write(t *testing.T, c *corpusCase) {
	t.Helper()
	var b bytes.Buffer
	line := func(prefix string, v any, last bool) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(prefix)
		b.Write(text)
		if !last {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("{\"runs\": [\n")
	for i, outcomes := range g.Runs {
		b.WriteString("[\n")
		for k, o := range outcomes {
			line("", shortened(t, o), k == len(outcomes)-1)
		}
		b.WriteString("]")
		if i < len(g.Runs)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("],\n\"generated\": {\n")
	names := slices.Sorted(maps.Keys(g.Generated))
	for i, name := range names {
		line("\""+name+"\": ", g.Generated[name], i == len(names)-1)
	}
	b.WriteString("}}\n")
	if err := os.WriteFile(filepath.Join(corpusDir, c.name, "golden.json"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
