package main

import (
	"fmt"
	"slices"
	"strings"
)

// A target is a figure that Caisson is to reach, by a value that is at least or at most something.
type target struct {
	what      string
	must, aim string
	measured  func(*Results) string
}

// renderTargets writes what a run says of each target that it has measured.
func renderTargets(w *strings.Builder, r *Results) {
	var rows [][]string
	for _, t := range slices.Concat(targets, scriptTargets, serveTargets, daemonTargets) {
		if measured := t.measured(r); measured != "" {
			rows = append(rows, []string{t.what, t.must, t.aim, measured})
		}
	}
	grid(w, "Figures to reach", "", []string{"what", "must", "aim", "this run"}, rows)
}

var targets = []target{
	{"tools/call p50, stdio, 100 B", "ahead of every Python bridge, at most 3 × Go SDK", "1.5 ×", func(r *Results) string {
		return against(r, call(stdio, 100, 1, 1), "FastMCP by pipe")
	}},
	{"tools/call p50, HTTP, JSON, 100 B", "ahead of the SDK on Node, at most 3 × Go SDK", "1.5 ×", func(r *Results) string {
		return against(r, call(httpJSON, 100, 1, 1), onNode)
	}},
	{"tools/call p50, HTTP, SSE, 100 B", "ahead of the SDK on Node, at most 3 × Go SDK", "1.5 ×", func(r *Results) string {
		return against(r, call(httpSSE, 100, 1, 1), onNode)
	}},
	{"tools/call and tools/list of 1 tool p50, five revisions, the worst", "at most 3 × Go SDK", "1.5 ×", func(r *Results) string {
		return worstRevision(r, func(c Cell) bool { return c.Tools == 1 })
	}},
	{"tools/list p50, 100 tools, five revisions, the worst", "at most 2 × Go SDK", "1.5 ×", func(r *Results) string {
		return worstRevision(r, func(c Cell) bool { return c.Tools == 100 })
	}},
	{"tools/call p50 of a tool that was never listed, to the same when listed", "the same", "", unlisted},
	{"a context's end is heard while the core computes", "within 50 ms", "", expires},
	{"calls per second, 64 in flight, HTTP, JSON", "the SDK's on Node", "the Go SDK's", func(r *Results) string {
		return speeds(r, call(httpJSON, 100, 1, 64))
	}},
	{"calls per second, 64 in flight, stdio", "half of the SDK's on Node", "the Go SDK's", func(r *Results) string {
		return speeds(r, call(stdio, 100, 1, 64))
	}},
	{"two sessions on two cores, the server in memory", "1.7 × one", "1.9 ×", func(r *Results) string {
		return scalingsText(r, ours, scaling{inMemory, 1}, scaling{inMemory, 16})
	}},
	{"two processes of one session in their place", "", "", func(r *Results) string {
		return scalingsText(r, twoProcesses, scaling{inMemory, 1}, scaling{inMemory, 16})
	}},
	{"two sessions and their servers on two cores, stdio", "", "", func(r *Results) string {
		return scalingsText(r, ours, scaling{stdio, 1}, scaling{stdio, 16})
	}},
	{"two sessions and their server on two cores, HTTP, JSON", "", "", func(r *Results) string {
		return scalingsText(r, ours, scaling{httpJSON, 1}, scaling{httpJSON, 16})
	}},
	{"1 MB out and back, stdio", "at most 3 × Go SDK", "1.5 ×", func(r *Results) string {
		return against(r, call(stdio, 1e6, 1, 1), "")
	}},
	{"1 MB result, stdio", "at most 3 × Go SDK", "1.5 ×", func(r *Results) string {
		return against(r, largeResult(stdio), "")
	}},
	{"first run ever, to the first result", "less than FastMCP's cold start, every run of it", "less than Node's", func(r *Results) string {
		return starts(r, true)
	}},
	{"start with a warm cache", "less than Node's", "100 ms", func(r *Results) string { return starts(r, false) }},
	{"connect, a further session, own part, HTTP", "20 ms", "5 ms", func(r *Results) string {
		for _, c := range r.Connects {
			if c.Transport == httpJSON && c.Peer == ours {
				return duration(c.Own)
			}
		}
		return ""
	}},
	{"resident memory, one session / each further", "120 MB / 15 MB", "60 MB / 5 MB", func(r *Results) string {
		for _, m := range r.Memory {
			if m.Peer == ours && len(m.Resident) > 0 {
				return megabytes(float64(m.Resident[0])) + " / " + megabytes(m.Each())
			}
		}
		return ""
	}},
	{"what metering costs, the most", "1.15 ×", "1.1 ×", func(r *Results) string {
		var worst MeterResult
		for _, m := range r.Meter {
			if m.Ratio > worst.Ratio {
				worst = m
			}
		}
		if worst.Ratio == 0 {
			return ""
		}
		return number(worst.Ratio) + " ×, " + worst.Work
	}},
	{"a call with a fresh token, against one with a header", "1.05 ×", "1.02 ×", func(r *Results) string {
		var texts []string
		for _, t := range r.Tokens {
			texts = append(texts, fmt.Sprintf("%s ×, %s", number(t.Ratio), t.Transport))
		}
		return strings.Join(texts, "; ")
	}},
	{"the embedded component, compressed", "6 MB", "4 MB", func(r *Results) string { return megabytes(float64(r.Component)) }},
	{"soak: memory after the first tenth", "flat within 10%", "the same", func(r *Results) string {
		for _, s := range r.Soak {
			if s.Peer == ours {
				return fmt.Sprintf("%+.0f%% calls, %+.0f%% connects", 100*growth(s.DuringCalls), 100*growth(s.DuringOpened))
			}
		}
		return ""
	}},
}

// against compares our p50 with the Go SDK's and another peer's.
func against(r *Results, cell Cell, other string) string {
	us := find(r.Calls, cell, ours)
	if us == nil {
		return ""
	}
	text := number(us.Ratio) + " × Go SDK"
	if them := find(r.Calls, cell, other); them != nil {
		text += fmt.Sprintf(", %s × %s", number(ratio(us.Rounds, them.Rounds, Round.p50)), other)
	}
	return text
}

func speeds(r *Results, cell Cell) string {
	us := find(r.Calls, cell, ours)
	if us == nil {
		return ""
	}
	text := number(us.Speed) + " × Go SDK"
	if them := find(r.Calls, cell, onNode); them != nil {
		text += fmt.Sprintf(", %s × %s", number(ratio(us.Rounds, them.Rounds, Round.perSecond)), onNode)
	}
	return text
}

// scalingsText says how much more two sessions of a peer do than one.
func scalingsText(r *Results, peer string, scalings ...scaling) string {
	var texts []string
	for _, s := range scalings {
		cells := s.cells()
		if one, two := find(r.Cores, cells[0], peer), find(r.Cores, cells[1], peer); one != nil && two != nil {
			texts = append(texts, fmt.Sprintf("%s × with %d in flight", number(ratio(two.Rounds, one.Rounds, Round.perSecond)), s.inFlight))
		}
	}
	return strings.Join(texts, ", ")
}

// starts compares our start with Node's; a first one, the slowest of them, with FastMCP's quickest too.
func starts(r *Results, first bool) string {
	var us, node, least float64
	for _, s := range r.Starts {
		switch {
		case s.Transport != stdio:
		case s.Peer == ours && s.First && first:
			us = s.most()
		case s.Peer == ours && !s.First && !first:
			us = s.Median.Total()
		case s.Peer == onNode:
			node = s.Median.Total()
		case s.Peer == onPython && first:
			for _, run := range s.Runs {
				if total := run.Total(); least == 0 || total < least {
					least = total
				}
			}
		}
	}
	if us == 0 {
		return ""
	}
	text := duration(us) + "; Node " + duration(node)
	if first {
		text += "; FastMCP's quickest " + duration(least)
	}
	return text
}
