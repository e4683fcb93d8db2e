package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// TestScripts runs the section for scripts once, as small as it can be, on the peers that need only Go.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the core and Python")
	}
	out := t.TempDir()
	b := bench{log: t.Output(), rounds: 1, seconds: 0.001}
	if err := b.run(out, []string{scripts}, []string{"caisson", "goja"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var results Results
	if err := json.Unmarshal(text, &results); err != nil {
		t.Fatal(err)
	}
	r := results.Scripts
	for _, p := range r.Peers {
		if p.Skipped != "" {
			t.Errorf("%s is left out: %s", p.Name, p.Skipped)
		}
	}
	ofJavaScript := slices.DeleteFunc(scriptCells(), func(c Cell) bool { return c.Transport != wire.JavaScript })
	if want := len(scriptCells()) + len(ofJavaScript); len(r.Runs) != want {
		t.Errorf("there are results of %d runs, not %d", len(r.Runs), want)
	}
	for _, c := range r.Runs {
		if c.Error != "" || len(c.Rounds) != 1 || c.P50 <= 0 || c.Ratio <= 0 || c.PerSecond <= 0 {
			t.Errorf("%s, %s: %+v", c.Peer, c, c)
		}
	}
	if len(r.Starts) != 2*2+1 {
		t.Errorf("there are %d starts", len(r.Starts))
	}
	if len(r.Met) != 3 || len(r.Compiling) != 2 || len(r.Sizes) != len(sizes) {
		t.Errorf("%d of the memory, %d of the compiling, %d sizes", len(r.Met), len(r.Compiling), len(r.Sizes))
	}
	for _, m := range r.Met {
		if m.Error != "" || !slices.Equal(m.Sessions, []int{1, atOnce}) {
			t.Errorf("memory: %+v", m)
		}
	}
	if s := r.Sleep; s.Turns == 0 || s.Bytes == 0 || median(s.Slept) <= 0 || median(s.Woken) <= 0 {
		t.Errorf("sleep: %+v", s)
	}
	if plain, all := r.size(sizePlain), r.size(sizePython); plain == 0 || all <= plain {
		t.Errorf("a program has %d bytes, and one with all languages %d", plain, all)
	}
	var report strings.Builder
	renderTargets(&report, &results)
	for _, target := range scriptTargets {
		needsOthers := strings.Contains(target.what, "Python without its start")
		if !needsOthers && !strings.Contains(report.String(), "| "+target.what+" |") {
			t.Errorf("the run says nothing of %q", target.what)
		}
	}
	table := render(&results)
	for _, title := range []string{
		"Scripts in JavaScript: whole runs", "Scripts in Python: what the engine computes", "A call of a Go function from a script",
		"Start of a Go program, to the value of its first script", "Memory by runs at once", "The most memory of a process that compiles Python", "Sizes of programs", "Sleep and wake of a small run",
	} {
		if !strings.Contains(table, "## "+title) {
			t.Errorf("the table has no %q", title)
		}
	}
	for _, name := range []string{"script-javascript", "script-python", "script-start-javascript", "script-start-python"} {
		svg, err := os.ReadFile(filepath.Join(out, name+".svg"))
		if err != nil || !strings.Contains(string(svg), "<svg") {
			t.Errorf("%s.svg: %v", name, err)
		}
	}
}

// TestWrongValuesFail has an engine come to another value than the one that is wanted.
func TestWrongValuesFail(t *testing.T) {
	right := tasks[taskFib]
	tasks[taskFib] = task{right.about, "75026"}
	defer func() { tasks[taskFib] = right }()
	b := bench{log: t.Output(), rounds: 1, seconds: 0.001, names: []string{"goja"}, work: regexp.MustCompile(`fib|sorting`)}
	b.setDefaults()
	if err := b.setUp(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	goja := scriptPeers()[slices.IndexFunc(scriptPeers(), func(p scriptPeer) bool { return p.name == inGoja })]
	b.workshop.prepare(goja.peer)
	if goja.skipped != nil {
		t.Fatal(goja.skipped)
	}
	var r ScriptResults
	if err := b.measureScriptRuns(&r, []scriptPeer{goja}); err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 2 {
		t.Fatalf("there are results of %d runs", len(r.Runs))
	}
	for _, c := range r.Runs {
		if failed := strings.Contains(c.Error, `"75025"`); failed != (c.Task == taskFib) {
			t.Errorf("%s: the error is %q", c, c.Error)
		}
	}
	var report strings.Builder
	renderScripts(&report, &r)
	if !strings.Contains(report.String(), "75025") {
		t.Errorf("the report does not say what failed:\n%s", report.String())
	}
}

func TestValuesAreChecked(t *testing.T) {
	c := scriptCell(taskCall, wire.Python, 1)
	for _, values := range [][]string{nil, {"5"}, {"4", "5"}} {
		if c.check(wire.Reply{Values: values}) == nil {
			t.Errorf("%q is taken for %s", values, tasks[taskCall].value)
		}
	}
	if err := c.check(wire.Reply{Values: []string{"4"}}); err != nil {
		t.Error(err)
	}
}

// TestTasks holds that each task has a value, and a source in the languages that it is measured in.
func TestTasks(t *testing.T) {
	for _, c := range append(scriptCells(), scriptCell(taskMeet, wire.JavaScript, 1), scriptCell(taskMeet, wire.Python, 1)) {
		if tasks[c.Task].value == "" || c.work(1).Source.Text == "" {
			t.Errorf("%s has no source or no value", c)
		}
	}
	files, err := sources.ReadDir("tasks")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := file.Name()
		if _, ok := tasks[strings.TrimSuffix(name, filepath.Ext(name))]; !ok {
			t.Errorf("%s belongs to no task", name)
		}
	}
}

// TestScriptTargets holds what is said of figures that are known.
func TestScriptTargets(t *testing.T) {
	result := func(task, language string, inFlight int, peer string, us, computing, perSecond float64) CallResult {
		return CallResult{
			Cell: scriptCell(task, language, inFlight), Peer: peer, P50: us,
			Rounds: []Round{{P50: us, Computing: computing, PerSecond: perSecond}},
		}
	}
	r := Results{Machine: Machine{Cores: 2}, Scripts: ScriptResults{
		Runs: []CallResult{
			result(taskCall, wire.JavaScript, 1, ours, 2000, 0, 500),
			result(taskCall, wire.JavaScript, atOnce, ours, 90000, 0, 900),
			result(taskCall, wire.JavaScript, 1, nodeProcess, 50000, 0, 20),
			result(taskFib, wire.Python, 1, ours, 40000, 30000, 1),
			result(taskFib, wire.Python, 1, pythonKept, 8000, 7500, 1),
			result(taskValue, wire.Python, 1, ours, 4000, 0, 1),
			result(taskCrossings, wire.Python, 1, ours, 54000, 0, 1),
		},
		Starts: []StartResult{
			{Transport: wire.Python, Peer: ours, First: true, Runs: []Stages{{Load: 1e5, Call: 2e5}, {Load: 1e5, Call: 3e5}}},
			{Transport: wire.Python, Peer: ours, Runs: []Stages{{Call: 7e4}}, Median: Stages{Call: 7e4}},
		},
		Met:       []MetResult{{wire.JavaScript, MemoryResult{Peer: ours, Sessions: []int{1, 100}, Resident: []int64{50e6, 446e6}}}},
		Compiling: []CompilingResult{{"behind", 280e6}},
		Sleep:     SleepResult{Slept: []float64{16e3}, Woken: []float64{8e3}, Both: []float64{24e3}, Worst: 30e3, Turns: 9, Bytes: 64e3},
		Sizes:     []SizeResult{{Name: sizeSessions, Bytes: 20e6}, {Name: sizeJavaScript, Bytes: 20.5e6}, {Name: sizePython, Bytes: 30e6}, {Name: sizeCommand, Bytes: 45e6}},
	}}
	var report strings.Builder
	renderTargets(&report, &r)
	for _, want := range []string{
		"2.00 ms, 0.04 × " + nodeProcess, "4.00 MB", "1.80 ×, on 2 cores", "400 ms / 70.0 ms", "4.00 × " + pythonKept + ", 30.0 ms",
		"280 MB behind", "24.0 ms / 64.0 kB", "0.5 MB / 9.50 MB; 20.0 MB without scripts, the command line 45.0 MB", "– / 50.0 µs",
	} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("there is no %q in\n%s", want, report.String())
		}
	}
}
