package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

func renderServe(w *strings.Builder, r *ServeResults) {
	var rows [][]string
	for _, p := range r.Peers {
		rows = append(rows, []string{p.Name, p.About})
	}
	grid(w, "Gateways", fmt.Sprintf("In front of %d servers with %d tools, over stdio.", r.Servers, r.Tools), []string{"gateway", "what it is"}, rows)
	renderLeftOut(w, r.Peers)
	renderServeStarts(w, r)
	renderServeCalls(w, r)
	renderServeMemory(w, r)
	renderFailures(w, r.Calls)
}

func renderServeStarts(w *strings.Builder, r *ServeResults) {
	var rows [][]string
	for _, s := range r.Starts {
		text := s.Error
		if len(s.Totals) > 0 {
			text = fmt.Sprintf("%s to %s", duration(slices.Min(s.Totals)), duration(slices.Max(s.Totals)))
		}
		rows = append(rows, []string{s.Transport, s.Revision, s.Peer, duration(median(s.Totals)), text})
	}
	grid(w, "From the start of a gateway to the first list of all tools", "The starts of all servers are in it. A gateway with a URL for each server is asked for one list after the other.",
		[]string{"transport", "revision", "gateway", "median", "range"}, rows)
}

// renderServeCalls has what a call through each gateway takes, and by how much that is above the two calls.
func renderServeCalls(w *strings.Builder, r *ServeResults) {
	for _, t := range []struct {
		title  string
		figure func(Round) float64
	}{{"p50", Round.p50}, {"p99", Round.p99}} {
		head, rows := []string{"transport", "revision", "server on", toGateway, toServer}, [][]string(nil)
		for _, p := range r.Peers {
			head = append(head, p.Name)
		}
		for _, c := range r.cells() {
			row := []string{c.Transport, c.Revision, c.Upstream}
			for _, name := range head[3:] {
				text := ""
				if them := find(r.Calls, c, name); them != nil {
					text = duration(medianOf(them.Rounds, t.figure))
					if above, ok := r.above(c, name, t.figure); ok && name != toGateway && name != toServer {
						text += " (" + signed(above) + ")"
					}
				}
				row = append(row, text)
			}
			rows = append(rows, row)
		}
		grid(w, "A call through a gateway, "+t.title, "The two calls that it is made of are the Go SDK's client's: one to a server over the transport of the gateway, and one over stdio to the server that is behind it. A number in brackets is what is above the sum of both, the median of the rounds.", head, rows)
	}
}

// signed writes a difference of times.
func signed(us float64) string {
	if us < 0 {
		return "−" + duration(-us)
	}
	return "+" + duration(us)
}

func renderServeMemory(w *strings.Builder, r *ServeResults) {
	var rows [][]string
	for _, m := range r.Memory {
		if m.Error != "" || len(m.Resident) == 0 {
			rows = append(rows, []string{m.Peer, m.Revision, m.Error, ""})
			continue
		}
		rows = append(rows, []string{m.Peer, m.Revision, megabytes(float64(m.Resident[0])), megabytes(m.Each())})
	}
	grid(w, "Memory of a gateway", "Of its own process, without the servers, over HTTP. Each client has listed all tools.",
		[]string{"gateway", "revision", "with one client", "each further one"}, rows)
}

// serveTargets are the figures to reach of gateways.
var serveTargets = []target{
	{"a call through the gateway, above the two calls that it is made of, p50, the worst", "1 ms, and ahead of the other gateways", "", func(r *Results) string {
		worst, at := math.Inf(-1), Cell{}
		for _, c := range r.Serve.cells() {
			if us, ok := r.Serve.above(c, caissonServe, Round.p50); ok && us > worst {
				worst, at = us, c
			}
		}
		if math.IsInf(worst, -1) {
			return ""
		}
		return fmt.Sprintf("%s, %s, %s, a server on %s%s", signed(worst), at.Transport, at.Revision, at.Upstream, r.Serve.others())
	}},
	{"12 servers with 300 tools: from the start of the gateway to the first list of all, stdio / HTTP", "ahead of the other gateways", "", func(r *Results) string {
		var texts []string
		for _, transport := range serveTransports {
			for _, s := range r.Serve.Starts {
				if s.Transport == transport && s.Revision == older && len(s.Totals) > 0 {
					texts = append(texts, fmt.Sprintf("%s %s %s", s.Peer, transport, duration(median(s.Totals))))
				}
			}
		}
		return strings.Join(texts, ", ")
	}},
	{"memory of the gateway: with one client / each further one", "", "", func(r *Results) string {
		var texts []string
		for _, m := range r.Serve.Memory {
			if m.Peer == caissonServe && len(m.Resident) > 0 {
				texts = append(texts, fmt.Sprintf("%s / %s in %s", megabytes(float64(m.Resident[0])), megabytes(m.Each()), m.Revision))
			}
		}
		return strings.Join(texts, ", ")
	}},
}

// others are our p50 to that of each other gateway, in the cell where we are furthest behind.
func (r *ServeResults) others() (text string) {
	for _, p := range r.Peers {
		var worst float64
		for _, c := range r.cells() {
			us, them := find(r.Calls, c, caissonServe), find(r.Calls, c, p.Name)
			if us != nil && them != nil && p.Name != caissonServe {
				worst = max(worst, ratio(us.Rounds, them.Rounds, Round.p50))
			}
		}
		if worst > 0 {
			text += fmt.Sprintf("; at most %s × %s", number(worst), p.Name)
		}
	}
	return text
}

// plotServe draws the calls to servers on the Go SDK.
func plotServe(folder string, r *ServeResults) error {
	for _, transport := range serveTransports {
		for _, revision := range []string{older, newest} {
			cell := serveCell(transport, revision, goSDK)
			if err := plotLatency(filepath.Join(folder, "serve-"+transport+"-"+revision+".svg"), "Through a gateway, "+cell.String(), cell, r.Calls); err != nil {
				return err
			}
		}
	}
	return nil
}
