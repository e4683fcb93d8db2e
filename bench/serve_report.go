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
	grid(w, "From the start of a gateway to the first list of all tools", "The starts of all servers are in it, and of all processes of the gateway. A gateway with a URL for each server is asked for one list after the other.",
		[]string{"transport", "revision", "gateway", "median", "range"}, rows)
}

// renderServeCalls has what a call through each gateway takes, and by how much that is above the two calls.
func renderServeCalls(w *strings.Builder, r *ServeResults) {
	for _, t := range []struct {
		title  string
		figure func(Round) float64
	}{{"p50", Round.p50}, {"p99", Round.p99}} {
		head, rows := append([]string{"transport", "revision", "server on"}, serveParts...), [][]string(nil)
		for _, p := range r.Peers {
			head = append(head, p.Name)
		}
		for _, c := range r.cells() {
			row := []string{c.Transport, c.Revision, c.Upstream}
			for _, name := range head[3:] {
				text := r.failure(c, name)
				if them := find(r.Calls, c, name); them != nil {
					text = duration(medianOf(them.Rounds, t.figure))
					if above, ok := r.above(c, name, toServer, t.figure); ok && !slices.Contains(serveParts, name) {
						text += " (" + signed(above) + ")"
					}
				}
				row = append(row, text)
			}
			rows = append(rows, row)
		}
		grid(w, "A call through a gateway, "+t.title, "The two calls that it is made of are the Go SDK's client's: one to a server over the transport of the gateway, and one over stdio to the server that is behind it, in the newest revision that it has. A number in brackets is what is above the sum of both, the median of the rounds. Our gateway makes the second call by our client, which is measured beside them.", head, rows)
	}
}

// failure is why a peer has nothing in a cell; "" where it has, or was not asked.
func (r *ServeResults) failure(c Cell, peer string) string {
	i := slices.IndexFunc(r.Calls, func(of CallResult) bool { return of.Cell == c && of.Peer == peer })
	if i < 0 || len(r.Calls[i].Rounds) > 0 {
		return ""
	}
	return r.Calls[i].Error
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
	grid(w, "Memory of a gateway", "Of its own process, or the sum of its processes where it has one for each server, without the servers, over HTTP. Each client has listed all tools.",
		[]string{"gateway", "revision", "with one client", "each further one"}, rows)
}

// callPrice is the most that a call through our gateway may take above the two calls that it is made of, in microseconds.
const callPrice = 1000

// serveTargets are the figures to reach of gateways.
var serveTargets = []target{
	{"a call through the gateway, above the two calls that it is made of, the client's and our client's, p50: a server on each SDK, each transport and revision", "at most 1 ms", "", func(r *Results) string { return r.Serve.price(toServerByUs) }},
	{"the same, above two calls of the Go SDK's client", "", "", func(r *Results) string { return r.Serve.price(toServer) }},
	{"the same call, p50, against the other gateways, the worst", "ahead of each", "", func(r *Results) string { return r.Serve.others() }},
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

// price says in how many cells a call through our gateway takes at most callPrice above two calls, of which the second is
// one of serveParts, and where it takes most. A cell that has failed has missed.
func (r *ServeResults) price(part string) string {
	worst, at, all, within := math.Inf(-1), Cell{}, 0, 0
	for _, c := range r.Calls {
		if c.Peer != caissonServe {
			continue
		}
		all++
		us, ok := r.above(c.Cell, caissonServe, part, Round.p50)
		if ok && c.Error == "" && us <= callPrice {
			within++
		}
		if ok && us > worst {
			worst, at = us, c.Cell
		}
	}
	if all == 0 {
		return ""
	}
	text := fmt.Sprintf("%s: %d of %d are within it", verdict(within == all), within, all)
	if math.IsInf(worst, -1) {
		return text
	}
	return text + fmt.Sprintf("; the worst %s, %s, %s, a server on %s", signed(worst), at.Transport, at.Revision, at.Upstream)
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

// others are our p50 to that of each other gateway, in the cell where we are furthest behind.
func (r *ServeResults) others() string {
	var texts []string
	met, measured := true, false
	for _, p := range r.Peers {
		var worst float64
		for _, c := range r.cells() {
			us, them := find(r.Calls, c, caissonServe), find(r.Calls, c, p.Name)
			measured = measured || us != nil
			if us != nil && them != nil && p.Name != caissonServe {
				worst = max(worst, ratio(us.Rounds, them.Rounds, Round.p50))
			}
		}
		if worst > 0 {
			met = met && worst < 1
			texts = append(texts, fmt.Sprintf("at most %s × %s", number(worst), p.Name))
		}
	}
	switch {
	case !measured:
		return ""
	case texts == nil:
		return "there are figures of no other gateway"
	}
	return verdict(met) + ": " + strings.Join(texts, "; ")
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
