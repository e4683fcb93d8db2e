package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestBench runs everything once, as small as it can be, on the peers that need only Go.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the core")
	}
	out := t.TempDir()
	b := bench{
		log: t.Output(), rounds: 1, seconds: 0.001, sessions: []int{1, 2}, soakCalls: 100, soakConnects: 50,
		work: regexp.MustCompile("100 B|tools/list"), // A megabyte takes seconds.
	}
	names := []string{ours, reference, floor, "mcp-go"}
	var only []string
	for _, s := range sections {
		if s.name != scripts && s.name != daemon { // TestScripts and TestDaemon run them.
			only = append(only, s.name)
		}
	}
	if err := b.run(out, only, names); err != nil {
		t.Fatal(err)
	}

	text, err := os.ReadFile(filepath.Join(out, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r Results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	compared := len(names)
	if want := len(b.wanted(cells(false))) * compared; len(r.Calls) != want {
		t.Errorf("there are results of %d calls, not %d", len(r.Calls), want)
	}
	for _, c := range r.Calls {
		if c.Error != "" || len(c.Rounds) != 1 || c.P50 <= 0 || c.Ratio <= 0 || c.PerSecond <= 0 {
			t.Errorf("%s, %s: %+v", c.Peer, c, c)
		}
	}
	if want := len(b.wanted(revisionCells())) * 2; len(r.Revisions) != want {
		t.Errorf("there are results of %d calls in the revisions, not %d", len(r.Revisions), want)
	}
	for _, c := range r.Revisions {
		if c.Error != "" || len(c.Rounds) != 1 || c.P50 <= 0 || c.Ratio <= 0 {
			t.Errorf("%s, %s: %+v", c.Peer, c, c)
		}
	}
	if len(r.Expires) != 2*2 {
		t.Errorf("there are %d results of contexts that end", len(r.Expires))
	}
	for _, e := range r.Expires {
		if e.Error != "" || e.Calls == 0 || e.Most < e.P50 {
			t.Errorf("the end of a context: %+v", e)
		}
	}
	if want := len(transports) * compared; len(r.Connects) != want {
		t.Errorf("there are %d connects, not %d", len(r.Connects), want)
	}
	for _, c := range r.Connects {
		if c.P50 <= 0 || c.Revision == "" {
			t.Errorf("connect: %+v", c)
		}
	}
	if len(r.Starts) != compared+1 {
		t.Errorf("there are %d starts", len(r.Starts))
	}
	for _, m := range r.Memory {
		if len(m.Sessions) != 2 || m.Error != "" {
			t.Errorf("memory: %+v", m)
		}
	}
	if len(r.Cores) != (3+3*2)*2*2 {
		t.Errorf("there are %d results of two sessions and one", len(r.Cores))
	}
	if len(r.Meter) < 3 || len(r.Parts) == 0 || len(r.Soak) != 2 {
		t.Errorf("%d of the meter, %d of the parts, %d of the soak", len(r.Meter), len(r.Parts), len(r.Soak))
	}
	for _, m := range r.Meter {
		if m.Metered <= 0 || m.Unmetered <= 0 || m.Ratio <= 0 {
			t.Errorf("the meter: %+v", m)
		}
	}
	if len(r.Tokens) != 2 {
		t.Errorf("%d of the token", len(r.Tokens))
	}
	for _, one := range r.Tokens {
		if one.Token <= 0 || one.Header <= 0 || one.Ratio <= 0 {
			t.Errorf("a token: %+v", one)
		}
	}
	for _, s := range r.Soak {
		if s.Error != "" || len(s.AtConnects) != soakSteps {
			t.Errorf("soak: %+v", s)
		}
	}

	table, err := os.ReadFile(filepath.Join(out, "results.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"Figures to reach", "Latency, p50", "Revisions: Caisson's time to the Go SDK's client's", "The end of a context", "Start of a whole process", "Where Caisson's CPU time goes"} {
		if !strings.Contains(string(table), "## "+title) {
			t.Errorf("the table has no %q", title)
		}
	}
	for _, name := range []string{"latency-stdio", "throughput-http-json", "memory", "start", "soak"} {
		svg, err := os.ReadFile(filepath.Join(out, name+".svg"))
		if err != nil || !strings.Contains(string(svg), "<svg") {
			t.Errorf("%s.svg: %v", name, err)
		}
	}
}

func TestRatioIsOfRounds(t *testing.T) {
	// A slow second round, which hits both, does not change the ratio.
	us := []Round{{P50: 2}, {P50: 20}, {P50: 2}}
	them := []Round{{P50: 1}, {P50: 10}, {P50: 1}}
	if got := ratio(us, them, Round.p50); got != 2 {
		t.Errorf("the ratio is %v", got)
	}
}

func TestGrowth(t *testing.T) {
	resident := make([]int64, 50)
	for i := range resident {
		resident[i] = 100
	}
	resident[0], resident[30] = 20, 125 // What comes before the first tenth does not count.
	if got := growth(resident); got != 0.25 {
		t.Errorf("the growth is %v", got)
	}
}

// TestPlotsOfLittle draws what a run has measured that was narrowed to one cell.
func TestPlotsOfLittle(t *testing.T) {
	folder := t.TempDir()
	c := CallResult{Cell: call(stdio, 100, 1, 1), Peer: ours}
	c.add([]float64{1500}, nil, 1500, 100)
	results := Results{Calls: summarize([]*CallResult{&c}, reference)}
	if err := plotAll(folder, &results); err != nil {
		t.Fatal(err)
	}
	drawn, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	if err != nil || len(drawn) != 2 {
		t.Errorf("%v were drawn: %v", drawn, err)
	}
}
