package main

import (
	"fmt"
	"strings"
)

func renderDaemon(w *strings.Builder, r *DaemonResults) {
	renderLeftOut(w, r.Peers)
	var rows [][]string
	for _, c := range r.Calls {
		if len(c.Rounds) > 0 {
			rows = append(rows, []string{c.Cell.String(), c.Peer, duration(c.P50), duration(c.P99), number(c.PerSecond), duration(c.CPU)})
		}
	}
	grid(w, "Calls through the daemon", "By gRPC on loopback, to a stateless server over HTTP. The CPU time is that of the client and of the daemon, or of FastMCP behind gRPC.",
		[]string{"work", "peer", "p50", "p99", "calls per second", "CPU per call"}, rows)
	renderFailures(w, r.Calls)
	rows = nil
	for i, n := range r.Memory.Sessions {
		rows = append(rows, []string{fmt.Sprint(n), megabytes(float64(r.Memory.Resident[i]))})
	}
	grid(w, "Memory of the daemon", "Pss of its own process. Each session has made a call.", []string{"sessions", "memory"}, rows)
}

// daemonTargets are the figures to reach of the daemon.
var daemonTargets = []target{
	{"tools/call through caissond by gRPC, HTTP, JSON, 100 B, p50", "half of Go with gRPC to FastMCP, and in process plus 0.5 ms", "plus 0.25 ms", func(r *Results) string {
		us, here, bridge := find(r.Daemon.Calls, daemonCells[0], caissond), find(r.Daemon.Calls, daemonCells[0], ours), find(r.Daemon.Calls, daemonCells[0], bridged)
		if us == nil || here == nil {
			return ""
		}
		var above []float64
		for i := range min(len(us.Rounds), len(here.Rounds)) {
			above = append(above, us.Rounds[i].P50-here.Rounds[i].P50)
		}
		text := fmt.Sprintf("%s, %s of in process", duration(us.P50), signed(median(above)))
		if bridge != nil {
			text += fmt.Sprintf(", %s × %s", number(ratio(us.Rounds, bridge.Rounds, Round.p50)), bridged)
		}
		return text
	}},
	{"calls per second through caissond, 64 in flight", "0.8 × in process", "0.9 ×", func(r *Results) string {
		us, here := find(r.Daemon.Calls, daemonCells[1], caissond), find(r.Daemon.Calls, daemonCells[1], ours)
		if us == nil || here == nil {
			return ""
		}
		return fmt.Sprintf("%s, %s × in process", number(us.PerSecond), number(us.Speed))
	}},
	{"memory of caissond: idle / each further session", "80 MB / 6 MB", "60 MB / 4 MB", func(r *Results) string {
		m := r.Daemon.Memory
		if len(m.Sessions) < 2 {
			return ""
		}
		return megabytes(float64(m.Resident[0])) + " / " + megabytes(m.Each())
	}},
	{"caissond from its start to ready, warm cache", "400 ms", "250 ms", func(r *Results) string {
		if len(r.Daemon.Starts) == 0 {
			return ""
		}
		return duration(median(r.Daemon.Starts))
	}},
}
