package main

import (
	"fmt"
	"strings"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// scriptTargets are the figures to reach of scripts.
var scriptTargets = []target{
	{"a JavaScript run that calls one function of the program, all of it", "4 ms, and a tenth of a Node process", "2 ms", func(r *Results) string {
		return runs(&r.Scripts, taskCall, wire.JavaScript, Round.p50, nodeProcess)
	}},
	{"the same with 50 calls in parallel", "8 ms", "4 ms", func(r *Results) string {
		return runs(&r.Scripts, taskCalls, wire.JavaScript, Round.p50)
	}},
	{"100 JavaScript runs at once: memory of each further one", "6 MB", "4 MB", func(r *Results) string {
		if m := r.Scripts.met(wire.JavaScript, ours); m != nil && m.Resident[0] > 0 {
			return megabytes(m.Each())
		}
		return ""
	}},
	{"100 JavaScript runs at once: runs a second, to those of one at a time", "bounded by the cores", "", func(r *Results) string {
		one, all := r.Scripts.run(taskCall, wire.JavaScript, 1, ours), r.Scripts.run(taskCall, wire.JavaScript, atOnce, ours)
		if one == nil || all == nil {
			return ""
		}
		return fmt.Sprintf("%s ×, on %d cores", number(ratio(all.Rounds, one.Rounds, Round.perSecond)), r.Machine.Cores)
	}},
	{"JavaScript, from the start of the program to a value: first ever / warm cache", "600 / 60 ms", "400 / 30 ms", func(r *Results) string {
		return scriptStarts(&r.Scripts, wire.JavaScript)
	}},
	{"Python, from the start of the program to a value: first ever / warm cache", "400 / 80 ms", "200 / 40 ms", func(r *Results) string {
		return scriptStarts(&r.Scripts, wire.Python)
	}},
	{"Python, a further run", "8 ms, and less than a process of CPython", "4 ms", func(r *Results) string {
		return runs(&r.Scripts, taskValue, wire.Python, Round.p50, pythonProcess)
	}},
	{"memory while Python compiles, the most of the process", "300 MB", "150 MB", func(r *Results) string {
		var texts []string
		for _, c := range r.Scripts.Compiling {
			if c.Peak > 0 {
				texts = append(texts, megabytes(float64(c.Peak))+" "+c.How)
			}
		}
		return strings.Join(texts, ", ")
	}},
	{"JavaScript, sorting 100,000 numbers", "0.5 × goja", "0.3 ×", computes(taskSort, wire.JavaScript, Round.p50, inGoja)},
	{"JavaScript, JSON of 10,000 objects, out and back", "0.8 × goja", "0.5 ×", computes(taskJSON, wire.JavaScript, Round.p50, inGoja)},
	{"JavaScript, a loop of a million", "1.5 × goja", "1 ×", computes(taskLoop, wire.JavaScript, Round.p50, inGoja)},
	{"JavaScript, fib(25)", "5 × goja", "2 ×", computes(taskFib, wire.JavaScript, Round.p50, inGoja)},
	{"Python without its start, fib(25)", "6 × CPython", "4 ×", computes(taskFib, wire.Python, Round.computing, pythonKept)},
	{"Python without its start, a loop of a million", "8 × CPython", "5 ×", computes(taskLoop, wire.Python, Round.computing, pythonKept)},
	{"the program, larger by JavaScript / by Python too", "1 MB more than before / 10 MB", "", func(r *Results) string {
		without, js, py := r.Scripts.size(sizeSessions), r.Scripts.size(sizeJavaScript), r.Scripts.size(sizePython)
		if without == 0 {
			return ""
		}
		return fmt.Sprintf("%s / %s; %s without scripts, the command line %s",
			megabytes(float64(js-without)), megabytes(float64(py-js)), megabytes(float64(without)), megabytes(float64(r.Scripts.size(sizeCommand))))
	}},
	{"a small JavaScript run, put to sleep and woken: time / bytes", "50 ms / 300 kB", "20 ms / 100 kB", func(r *Results) string {
		s := r.Scripts.Sleep
		if s.Turns == 0 {
			return ""
		}
		return fmt.Sprintf("%s / %s kB", duration(median(s.Both)), number(float64(s.Bytes)/1e3))
	}},
	{"a call of a Go function from JavaScript / from Python", "", "", func(r *Results) string {
		js, py := r.Scripts.crossing(wire.JavaScript, ours), r.Scripts.crossing(wire.Python, ours)
		if js == 0 && py == 0 {
			return ""
		}
		return duration(js) + " / " + duration(py)
	}},
}

// runs is one figure of our runs, and how many times it is a peer's.
func runs(r *ScriptResults, task, language string, figure func(Round) float64, peers ...string) string {
	us := r.run(task, language, 1, ours)
	if us == nil {
		return ""
	}
	texts := []string{duration(medianOf(us.Rounds, figure))}
	for _, peer := range peers {
		if them := r.run(task, language, 1, peer); them != nil {
			texts = append(texts, fmt.Sprintf("%s × %s", number(ratio(us.Rounds, them.Rounds, figure)), peer))
		}
	}
	return strings.Join(texts, ", ")
}

func computes(task, language string, figure func(Round) float64, peer string) func(*Results) string {
	return func(r *Results) string {
		us, them := r.Scripts.run(task, language, 1, ours), r.Scripts.run(task, language, 1, peer)
		if us == nil || them == nil {
			return ""
		}
		return fmt.Sprintf("%s × %s, %s", number(ratio(us.Rounds, them.Rounds, figure)), peer, duration(medianOf(us.Rounds, figure)))
	}
}

// scriptStarts are our starts in a language: the slowest with an empty cache, and the median with a warm one.
func scriptStarts(r *ScriptResults, language string) string {
	var first, warm string
	for _, s := range r.Starts {
		switch {
		case s.Transport != language || s.Peer != ours:
		case s.First:
			first = duration(s.most())
		default:
			warm = duration(s.Median.Total())
		}
	}
	if first == "" {
		return ""
	}
	return first + " / " + warm
}
