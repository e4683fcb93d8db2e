package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

func renderScripts(w *strings.Builder, r *ScriptResults) {
	renderScriptPeers(w, r)
	renderScriptRuns(w, r)
	renderCrossings(w, r)
	renderScriptStarts(w, r)
	renderMet(w, r)
	renderCompiling(w, r)
	renderSizes(w, r)
	renderSleep(w, r.Sleep)
	renderFailures(w, r.Runs)
}

func renderScriptPeers(w *strings.Builder, r *ScriptResults) {
	var rows [][]string
	for _, p := range r.Peers {
		rows = append(rows, []string{p.Name, p.About})
	}
	grid(w, "Peers that run scripts", "", []string{"peer", "what it is"}, rows)
	renderLeftOut(w, r.Peers)
}

// renderScriptRuns has a table of whole runs, and one of what the engines compute in them, for each language.
func renderScriptRuns(w *strings.Builder, r *ScriptResults) {
	for _, language := range scriptLanguages {
		for _, t := range []struct {
			title, about string
			figure       func(Round) float64
		}{
			{"whole runs", "The p50 of a run, with all that it takes: an engine or a process where each run has its own. A number in brackets is that many times Caisson's, the median of the rounds.", Round.p50},
			{"what the engine computes", "From the script's first step to its value, with the waiting for calls and without the start of an engine or a process. Of Caisson it is all that the sandbox computes, from its start, and no waiting.", Round.computing},
		} {
			head, rows := scriptMatrix(r, language, t.figure)
			grid(w, "Scripts in "+languageNames[language]+": "+t.title, t.about, head, rows)
		}
	}
}

var languageNames = map[string]string{wire.JavaScript: "JavaScript", wire.Python: "Python"}

// scriptMatrix has a row for each task and a column for each peer of a language.
func scriptMatrix(r *ScriptResults, language string, figure func(Round) float64) (head []string, rows [][]string) {
	head = []string{"script"}
	var cells []Cell
	for _, c := range r.Runs {
		if c.Transport != language {
			continue
		}
		if !slices.Contains(head, c.Peer) {
			head = append(head, c.Peer)
		}
		if !slices.Contains(cells, c.Cell) {
			cells = append(cells, c.Cell)
		}
	}
	for _, c := range cells {
		row := []string{c.name()}
		us := find(r.Runs, c, ours)
		for _, peer := range head[1:] {
			text := ""
			if them := find(r.Runs, c, peer); them != nil {
				text = duration(medianOf(them.Rounds, figure))
				if us != nil && peer != ours {
					text += fmt.Sprintf(" (%s)", number(ratio(them.Rounds, us.Rounds, figure)))
				}
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return head, rows
}

// crossing is what one call of a function of the program's takes, out of a run with many.
func (r *ScriptResults) crossing(language, peer string) float64 {
	all, none := r.run(taskCrossings, language, 1, peer), r.run(taskValue, language, 1, peer)
	if all == nil || none == nil {
		return 0
	}
	return max(0, all.P50-none.P50) / crossings
}

func renderCrossings(w *strings.Builder, r *ScriptResults) {
	var rows [][]string
	for _, language := range scriptLanguages {
		for _, p := range r.Peers {
			if p.Name == nodeProcess || p.Name == pythonProcess {
				continue // They call as those do that keep theirs, and their starts would drown it.
			}
			if time := r.crossing(language, p.Name); time > 0 {
				rows = append(rows, []string{languageNames[language], p.Name, duration(time)})
			}
		}
	}
	grid(w, "A call of a Go function from a script", "A typed function of the Go program, called 1,000 times one after the other: a run with the calls less one without, for each call.",
		[]string{"language", "peer", "a call"}, rows)
}

func renderScriptStarts(w *strings.Builder, r *ScriptResults) {
	var rows [][]string
	for _, s := range r.Starts {
		if len(s.Runs) == 0 {
			continue
		}
		rows = append(rows, []string{
			languageNames[s.Transport], s.Peer, caches(s.First), duration(s.Median.Load), duration(s.Median.Call), duration(s.Median.Total()),
			duration(s.least()) + " to " + duration(s.most()),
		})
	}
	grid(w, "Start of a Go program, to the value of its first script", "The run of the median total; the caches of the operating system are warm, and Python's of bytecode.",
		[]string{"language", "peer", "caches", "loaded", "first script", "total", "range"}, rows)
}

func renderMet(w *strings.Builder, r *ScriptResults) {
	var rows [][]string
	for _, m := range r.Met {
		if m.Error != "" {
			rows = append(rows, []string{languageNames[m.Language], m.Peer, "failed: " + m.Error, "", "", ""})
			continue
		}
		last := len(m.Sessions) - 1
		rows = append(rows, []string{
			languageNames[m.Language], m.Peer, megabytes(float64(m.Resident[0])),
			fmt.Sprint(m.Sessions[last]), megabytes(float64(m.Resident[last])), megabytes(m.Each()),
		})
	}
	grid(w, "Memory by runs at once", "Of the program and its processes, while all runs wait in one of its functions; a page that processes share counts once.",
		[]string{"language", "peer", "with one run", "runs", "with all", "each further one"}, rows)
}

func renderCompiling(w *strings.Builder, r *ScriptResults) {
	var rows [][]string
	for _, c := range r.Compiling {
		rows = append(rows, []string{c.How, megabytes(float64(c.Peak))})
	}
	grid(w, "The most memory of a process that compiles Python", "With an empty cache, and so with the compiling of the core in the same process.", []string{"how", "most"}, rows)
}

func renderSizes(w *strings.Builder, r *ScriptResults) {
	var rows [][]string
	for _, s := range r.Sizes {
		rows = append(rows, []string{s.About, megabytes(float64(s.Bytes))})
	}
	grid(w, "Sizes of programs", "As `go build` makes them, with the tables for debuggers.", []string{"program", "size"}, rows)
}

func renderSleep(w *strings.Builder, s SleepResult) {
	if s.Turns == 0 {
		return
	}
	grid(w, "Sleep and wake of a small run", "A run in JavaScript that has called a function and waits, by Caisson, with claims in files: the medians of the rounds.",
		[]string{"turns", "sleep", "wake", "both", "the longest", "bytes, the most"},
		[][]string{{fmt.Sprint(s.Turns), duration(median(s.Slept)), duration(median(s.Woken)), duration(median(s.Both)), duration(s.Worst), fmt.Sprint(s.Bytes)}})
}

// plotScripts draws the runs that call a function, and the starts.
func plotScripts(folder string, r *ScriptResults) error {
	for _, language := range scriptLanguages {
		cell := scriptCell(taskCall, language, 1)
		title := languageNames[language] + ", " + cell.name()
		if err := plotLatency(filepath.Join(folder, "script-"+language+".svg"), title, cell, r.Runs); err != nil {
			return err
		}
		title = "From the start of a program to the value of its first script, " + languageNames[language]
		if err := plotStarts(filepath.Join(folder, "script-start-"+language+".svg"), title, language, r.Starts); err != nil {
			return err
		}
	}
	return nil
}
