package main

import (
	"fmt"
	"slices"
	"strings"
)

// render writes the results as Markdown.
func render(r *Results) string {
	var w strings.Builder
	m := r.Machine
	kind := "A quick run"
	if m.Full {
		kind = "A full run"
	}
	fmt.Fprintf(&w, "# Bench\n\n%s of %d rounds, %s, in %s, of commit %s. %d cores, %s, %s; Go %s, Node %s, Python %s. Load before %s, after %s.\n\n",
		kind, m.Rounds, m.When, m.Took, m.Commit, m.Cores, m.CPU, m.OS, strings.TrimPrefix(m.Go, "go"), m.Node, m.Python, m.LoadBefore, m.LoadAfter)
	fmt.Fprintln(&w, "Only ratios within one run mean something on another machine. A number in brackets is the ratio to the Go SDK in the same round, the median of the rounds.")
	renderLeftOut(&w, r.Peers)
	renderTargets(&w, r)
	renderCalls(&w, r.Calls)
	renderRevisions(&w, r.Revisions)
	renderExpires(&w, r.Expires)
	renderConnects(&w, r.Connects)
	renderStarts(&w, r.Starts)
	renderMemory(&w, r.Memory)
	renderCores(&w, r.Cores)
	renderMeter(&w, r.Meter)
	renderTokens(&w, r.Tokens)
	renderParts(&w, r.Parts)
	renderSoak(&w, r.Soak)
	renderScripts(&w, &r.Scripts)
	renderServe(&w, &r.Serve)
	renderDaemon(&w, &r.Daemon)
	return w.String()
}

// renderLeftOut says which peers were left out, and why.
func renderLeftOut(w *strings.Builder, peers []PeerResult) {
	for _, p := range peers {
		if p.Skipped != "" {
			fmt.Fprintf(w, "\nLeft out: %s (%s).\n", p.Name, p.Skipped)
		}
	}
}

// grid writes a table. A row begins with its name.
func grid(w *strings.Builder, title, about string, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## %s\n\n", title)
	if about != "" {
		fmt.Fprintf(w, "%s\n\n", about)
	}
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

func renderCalls(w *strings.Builder, calls []CallResult) {
	withRatio := func(text string, r float64) string {
		if r == 0 || r == 1 {
			return text
		}
		return fmt.Sprintf("%s (%s)", text, number(r))
	}
	for _, t := range []struct {
		title string
		text  func(CallResult) string
	}{
		{"Latency, p50", func(c CallResult) string { return withRatio(duration(c.P50), c.Ratio) }},
		{"Latency, p99", func(c CallResult) string { return duration(c.P99) }},
		{"Calls per second", func(c CallResult) string { return withRatio(number(c.PerSecond), c.Speed) }},
		{"CPU time per call, without the server's", func(c CallResult) string { return duration(c.CPU) }},
	} {
		head, rows := matrix(calls, t.text)
		grid(w, t.title, "", head, rows)
	}
	renderFailures(w, calls)
}

func renderFailures(w *strings.Builder, calls []CallResult) {
	var failures []string
	for _, c := range calls {
		if c.Error != "" {
			failures = append(failures, fmt.Sprintf("- %s, %s: %s", c.Peer, c, c.Error))
		}
	}
	if len(failures) > 0 {
		fmt.Fprintf(w, "\nWhat failed:\n\n%s\n", strings.Join(failures, "\n"))
	}
}

// matrix has a row for each cell and a column for each peer.
func matrix(calls []CallResult, text func(CallResult) string) (head []string, rows [][]string) {
	head = []string{"work"}
	var last Cell
	for _, c := range calls {
		if !slices.Contains(head, c.Peer) {
			head = append(head, c.Peer)
		}
		if c.Cell != last {
			rows = append(rows, []string{c.String()})
			last = c.Cell
		}
		value := "failed"
		if len(c.Rounds) > 0 {
			value = text(c)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], value)
	}
	return head, rows
}

func renderCores(w *strings.Builder, cores []CallResult) {
	var rows [][]string
	for _, two := range cores {
		one := find(cores, scaling{two.Transport, two.InFlight}.cells()[0], two.Peer)
		if two.Sessions == 2 && one != nil {
			rows = append(rows, []string{
				two.Transport, fmt.Sprint(two.InFlight), two.Peer, number(one.PerSecond), number(two.PerSecond), number(ratio(two.Rounds, one.Rounds, Round.perSecond)),
				number(ratio(two.Rounds, one.Rounds, Round.cpu)),
			})
		}
	}
	grid(w, "Two sessions against one", "tools/call, 100 B. Over stdio and HTTP the server needs a part of the processors too; in memory it is in the client's process, and does next to nothing. Two processes show what the machine gives to two that share nothing else.",
		[]string{"transport", "in flight on each", "peer", "calls per second with one", "with two", "ratio", "ratio of CPU per call"}, rows)
}

func find(calls []CallResult, cell Cell, peer string) *CallResult {
	for i := range calls {
		if calls[i].Cell == cell && calls[i].Peer == peer && len(calls[i].Rounds) > 0 {
			return &calls[i]
		}
	}
	return nil
}

func renderConnects(w *strings.Builder, connects []ConnectResult) {
	var rows [][]string
	for _, c := range connects {
		rows = append(rows, []string{c.Transport, c.Peer, c.Revision, duration(c.P50), duration(c.P99), number(c.Ratio), duration(c.Own)})
	}
	grid(w, "Connect, a further session of a running process", "Over stdio it includes the start of the server's process. A client's own part is its p50 less the one by hand.",
		[]string{"transport", "peer", "revision", "p50", "p99", "ratio", "own part"}, rows)
}

func renderStarts(w *strings.Builder, starts []StartResult) {
	var rows [][]string
	for _, s := range starts {
		if len(s.Runs) == 0 {
			continue // The section has failed before.
		}
		m := s.Median
		rows = append(rows, []string{s.Transport, s.Peer, caches(s.First), duration(m.Load), duration(m.Connect), duration(m.Call), duration(m.Total()), duration(s.least()) + " to " + duration(s.most())})
	}
	grid(w, "Start of a whole process, to the first result", "The run of the median total; the caches of the operating system are warm.",
		[]string{"transport", "peer", "caches", "loaded", "connect", "first call", "total", "range"}, rows)
}

func caches(first bool) string {
	if first {
		return "empty"
	}
	return "warm"
}

func renderMemory(w *strings.Builder, memory []MemoryResult) {
	head, rows := []string{"peer"}, [][]string(nil)
	for _, m := range memory {
		row := []string{m.Peer}
		for i, n := range m.Sessions {
			if name := fmt.Sprint(n); len(head) <= i+1 {
				head = append(head, name)
			}
			row = append(row, megabytes(float64(m.Resident[i])))
		}
		rows = append(rows, append(row, megabytes(m.Each())))
	}
	grid(w, "Resident memory by open sessions", "Over HTTP, helpers included, servers not.", append(head, "each further one"), rows)
}

func renderMeter(w *strings.Builder, meter []MeterResult) {
	var rows [][]string
	for _, m := range meter {
		rows = append(rows, []string{m.Work, duration(m.Metered), duration(m.Unmetered), number(m.Ratio)})
	}
	grid(w, "The meter", "Guest code with the safe points that can stop it, and without: the least times of many turns.", []string{"work", "metered", "unmetered", "ratio"}, rows)
}

// guest is what the profile of package peers/caisson calls the compiled core.
const guest = "guest"

func renderParts(w *strings.Builder, parts []PartsResult) {
	names := map[string]bool{}
	for _, p := range parts {
		for name := range p.Parts {
			names[name] = name != guest
		}
	}
	var columns []string
	for name, ofHost := range names {
		if ofHost {
			columns = append(columns, name)
		}
	}
	slices.Sort(columns)
	var rows [][]string
	for _, p := range parts {
		var host float64
		for _, name := range columns {
			host += p.Parts[name]
		}
		row := []string{p.String(), duration(p.P50), duration(p.CPU), duration(p.Parts[guest]), duration(host)}
		for _, name := range columns {
			row = append(row, duration(p.Parts[name]))
		}
		rows = append(rows, row)
	}
	grid(w, "Where Caisson's CPU time goes, per call", "From a profile with 100 samples a second. The guest is the compiled core, the host is the sum of what follows it.",
		append([]string{"work", "p50", "CPU", "guest", "host"}, columns...), rows)
}

func renderSoak(w *strings.Builder, soak []SoakResult) {
	var rows [][]string
	for _, s := range soak {
		for _, phase := range []struct {
			what     string
			resident []int64
		}{{fmt.Sprintf("%d calls", s.Calls), s.DuringCalls}, {fmt.Sprintf("%d connects", s.Connects), s.DuringOpened}} {
			if n := len(phase.resident); n > 0 {
				rows = append(rows, []string{
					s.Peer, phase.what, megabytes(float64(phase.resident[max(0, n/10-1)])),
					megabytes(float64(phase.resident[n-1])), fmt.Sprintf("%+.0f%%", 100*growth(phase.resident)), s.Error,
				})
			}
		}
	}
	grid(w, "Soak", "", []string{"peer", "what", "memory after a tenth", "at the end", "most after the tenth", "failed with"}, rows)
}
