// Command bench runs the same work on Caisson and on what a user would pick instead, in one run, and
// writes a table, a JSON file and plots. README.md says what it measures and how.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A bench is one run.
type bench struct {
	workshop   workshop
	echoServer string
	chosen     []*peer
	names      []string // parts of the names of the peers to run; all when there are none
	log        io.Writer

	work                    *regexp.Regexp // of the cells to measure
	full                    bool
	rounds                  int
	seconds                 float64 // for each peer in each cell and round
	sessions                []int   // at which the memory is looked at
	soakCalls, soakConnects int
}

// A section is a part of a run.
type section struct {
	name    string
	full    bool // it belongs to a full run
	measure func(*bench, *Results) error
}

// sections are in their order.
var sections = []section{
	{"start", false, (*bench).measureStarts},
	{"calls", false, (*bench).measureCalls},
	{"revisions", false, (*bench).measureRevisions},
	{"expire", false, (*bench).measureExpire},
	{"cores", false, (*bench).measureCores},
	{"meter", false, (*bench).measureMeter},
	{"token", false, (*bench).measureToken},
	{"parts", false, (*bench).measureParts},
	{"memory", false, (*bench).measureMemory},
	{scripts, false, (*bench).measureScripts},
	{serve, false, (*bench).measureServe},
	{daemon, false, (*bench).measureDaemon},
	{"soak", true, (*bench).measureSoak},
}

// scripts, serve and daemon are the sections with peers of their own; the others compare clients of MCP.
const (
	scripts = "scripts"
	serve   = "serve"
	daemon  = "daemon"
)

// wantedSections are those that are named, or all that belong to the run.
func (b *bench) wantedSections(only []string) []section {
	return slices.DeleteFunc(slices.Clone(sections), func(s section) bool {
		return len(only) > 0 && !slices.Contains(only, s.name) || len(only) == 0 && s.full && !b.full
	})
}

func main() {
	var b bench
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	flag.BoolVar(&b.full, "full", os.Getenv("BENCH") == "full", "measure everything, for more than an hour")
	flag.IntVar(&b.rounds, "rounds", 0, "how often everything is done; 3, and 5 of a full run, when 0")
	flag.Float64Var(&b.seconds, "seconds", 0, "for each peer in each cell of a round; 0.1, and 1 in a full run, when 0")
	only := flag.String("only", "", "the sections to run, of "+strings.Join(names, ", "))
	peers := flag.String("peers", "", "the peers to run, by parts of their names, separated by commas")
	work := flag.String("work", "", "a regular expression for the calls to make, as the tables name them")
	out := flag.String("out", "results", "the folder for the results")
	flag.IntVar(&b.soakCalls, "soak-calls", 200_000, "the calls of the soak")
	flag.IntVar(&b.soakConnects, "soak-connects", 1000, "the connects of the soak")
	flag.Parse()
	b.log = os.Stdout
	var err error
	if b.work, err = regexp.Compile(*work); err == nil {
		err = b.run(*out, split(*only), split(*peers))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func (b *bench) run(out string, only, peers []string) error {
	began := time.Now()
	b.setDefaults()
	b.names = peers
	wanted := b.wantedSections(only)
	if len(wanted) == 0 {
		return fmt.Errorf("there is no section %q", only)
	}
	if err := b.setUp(out); err != nil {
		return err
	}
	results := Results{Machine: thisMachine(b.workshop.source), Component: b.componentSize()}
	results.Machine.Full, results.Machine.Rounds = b.full, b.rounds
	if slices.ContainsFunc(wanted, func(s section) bool { return s.name != scripts && s.name != serve && s.name != daemon }) {
		if err := b.prepareClients(&results); err != nil {
			return err
		}
	}
	var failures error // A section that fails costs only itself.
	for _, s := range wanted {
		if err := s.measure(b, &results); err != nil {
			failures = errors.Join(failures, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	results.Machine.Took = time.Since(began).Round(time.Second).String()
	results.Machine.LoadAfter = load()
	return errors.Join(failures, b.write(out, &results))
}

// componentSize is the size of the embedded core, compressed; 0 when it is not where it was.
func (b *bench) componentSize() int64 {
	info, err := os.Stat(filepath.Join(b.workshop.source, "..", "host-go", "internal", "core", "core.pack"))
	if err != nil {
		return 0
	}
	return info.Size()
}

func (b *bench) setDefaults() {
	if b.rounds == 0 {
		b.rounds = 3
		if b.full {
			b.rounds = 5
		}
	}
	if b.seconds == 0 {
		b.seconds = 0.1
		if b.full {
			b.seconds = 1
		}
	}
	if b.work == nil {
		b.work = regexp.MustCompile("")
	}
	if b.sessions == nil {
		b.sessions = []int{1, 2, 5, 10, 20, 50, 100}
	}
}

// setUp makes the folders ready.
func (b *bench) setUp(out string) error {
	source, err := os.Getwd()
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	out, err = filepath.Abs(out)
	if err != nil {
		return err
	}
	b.workshop = workshop{source: source, bin: filepath.Join(out, "bin"), cache: filepath.Join(cache, "caisson-bench")}
	if err := os.MkdirAll(b.workshop.bin, 0o755); err != nil {
		return err
	}
	for _, pattern := range []string{"results.*", "*.svg"} { // Of an earlier run.
		old, _ := filepath.Glob(filepath.Join(out, pattern))
		for _, file := range old {
			_ = os.Remove(file)
		}
	}
	return nil
}

// prepareClients builds the echo server and the peers that are clients of it.
func (b *bench) prepareClients(results *Results) (err error) {
	b.say("building the peers")
	if b.echoServer, err = b.workshop.build("echoserver", "./echoserver", nil); err != nil {
		return err
	}
	for _, p := range allPeers() {
		if b.chooses(p.name) {
			b.workshop.prepare(p)
			b.chosen = append(b.chosen, p)
		}
	}
	b.say("filling the caches")
	for _, p := range b.chosen {
		b.fill(p)
		results.Peers = append(results.Peers, b.told(p))
	}
	return nil
}

// chooses says whether a peer is to be run.
func (b *bench) chooses(name string) bool {
	wanted := func(part string) bool { return strings.Contains(strings.ToLower(name), strings.ToLower(part)) }
	return len(b.names) == 0 || slices.ContainsFunc(b.names, wanted)
}

// fill starts a peer once, which fills its caches.
func (b *bench) fill(p *peer) {
	if p.skipped != nil {
		return
	}
	r, err := start(p, append(b.workshop.warm(), "CAISSON_BENCH_FILL=1")...)
	if err != nil {
		p.skipped = err
		return
	}
	if p.name == ours {
		r.settle()
	}
	r.stop()
}

// told says of a peer what it is, and why it is left out if it is.
func (b *bench) told(p *peer) PeerResult {
	result := PeerResult{Name: p.name, About: p.about}
	if p.skipped != nil {
		result.Skipped = p.skipped.Error()
		b.say("%s is left out: %v", p.name, p.skipped)
	}
	return result
}

// peers are those that can run.
func (b *bench) peers() (able []*peer) {
	for _, p := range b.chosen {
		if p.skipped == nil {
			able = append(able, p)
		}
	}
	return able
}

// peer is the one of that name, if it can run.
func (b *bench) peer(name string) *peer {
	for _, p := range b.chosen {
		if p.name == name && p.skipped == nil {
			return p
		}
	}
	return nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, format+"\n", args...)
}

// write writes the JSON, the table and the plots.
func (b *bench) write(out string, results *Results) error {
	text, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "results.json"), text, 0o644); err != nil {
		return err
	}
	report := filepath.Join(out, "results.md")
	if err := os.WriteFile(report, []byte(render(results)), 0o644); err != nil {
		return err
	}
	if err := plotAll(out, results); err != nil {
		return err
	}
	b.say("%s, results.json and plots are written", report)
	return nil
}
