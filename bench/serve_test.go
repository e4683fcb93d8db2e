package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// TestServe runs the section for gateways once, as small as it can be, on ours alone.
func TestServe(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts servers in Node and Python, which it installs")
	}
	out := t.TempDir()
	b := bench{log: t.Output(), rounds: 1, seconds: 0.001}
	if err := b.run(out, []string{serve}, []string{caissonServe}); err != nil {
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
	r := results.Serve
	if r.Servers != 12 || r.Tools < allTools {
		t.Errorf("there are %d servers with %d tools", r.Servers, r.Tools)
	}
	if len(r.Starts) != 4 || len(r.Memory) != 2 {
		t.Errorf("%d starts, %d of the memory", len(r.Starts), len(r.Memory))
	}
	for _, s := range r.Starts {
		if s.Error != "" || len(s.Totals) != 1 {
			t.Errorf("start: %+v", s)
		}
	}
	for _, m := range r.Memory {
		if m.Error != "" || len(m.Resident) != len(clientsOf) || m.Resident[0] == 0 {
			t.Errorf("memory: %+v", m)
		}
	}
	if want := len(serveTransports) * 2 * len(serveSDKs) * 3; len(r.Calls) != want {
		t.Errorf("there are results of %d calls, not %d", len(r.Calls), want)
	}
	for _, c := range r.Calls {
		if c.Error != "" || c.P50 <= 0 {
			t.Errorf("%s, %s: %+v", c.Peer, c, c)
		}
	}
	table := render(&results)
	for _, target := range serveTargets {
		if !strings.Contains(table, "| "+target.what+" |") {
			t.Errorf("the run says nothing of %q", target.what)
		}
	}
	for _, title := range []string{"Gateways", "From the start of a gateway to the first list of all tools", "A call through a gateway, p50", "A call through a gateway, p99", "Memory of a gateway"} {
		if !strings.Contains(table, "## "+title+"\n") {
			t.Errorf("the table has no %q", title)
		}
	}
	if svg, err := os.ReadFile(filepath.Join(out, "serve-stdio-"+newest+".svg")); err != nil || !strings.Contains(string(svg), "<svg") {
		t.Errorf("the plot: %v", err)
	}
}

// TestServeTargets holds what is said of figures that are known: differences are taken within a round.
func TestServeTargets(t *testing.T) {
	result := func(transport, sdk, peer string, p50s ...float64) CallResult {
		c := CallResult{Cell: serveCell(transport, older, sdk), Peer: peer}
		for _, us := range p50s {
			c.Rounds = append(c.Rounds, Round{P50: us, P99: 2 * us})
		}
		return c
	}
	r := Results{Serve: ServeResults{
		Peers: []PeerResult{{Name: caissonServe}, {Name: fastMCPProxy}, {Name: mcpProxyPyPI}, {Name: mcpProxyNPM}},
		Calls: []CallResult{
			result(stdio, goSDK, toGateway, 300, 3000, 300),
			result(stdio, goSDK, toServer, 200, 2000, 200),
			result(stdio, goSDK, toServerByUs, 500, 2500, 600),
			result(stdio, goSDK, caissonServe, 1200, 5500, 1400),
			result(stdio, goSDK, fastMCPProxy, 2400, 22000, 2800),
			result(httpSSE, fastMCP, toGateway, 1000),
			result(httpSSE, fastMCP, toServer, 900),
			result(httpSSE, fastMCP, toServerByUs, 1100),
			result(httpSSE, fastMCP, caissonServe, 2800),
			result(httpSSE, fastMCP, mcpProxyPyPI, 11200),
			{Cell: serveCell(httpSSE, older, fastMCP), Peer: mcpProxyNPM, Error: "it did not answer"},
		},
		Starts: []ServeStart{
			{Transport: stdio, Revision: older, Peer: caissonServe, Totals: []float64{1e6, 3e6, 2e6}},
			{Transport: httpSSE, Revision: older, Peer: mcpProxyPyPI, Totals: []float64{4e6}},
			{Transport: httpSSE, Revision: older, Peer: fastMCPProxy, Error: "it failed"},
		},
		Memory: []ServeMemory{{older, MemoryResult{Peer: caissonServe, Sessions: []int{1, 4}, Resident: []int64{100e6, 160e6}}}},
	}}
	if us, ok := r.Serve.above(serveCell(stdio, older, goSDK), caissonServe, toServer, Round.p99); !ok || us != 1400 {
		t.Errorf("the p99 is %v above, %v", us, ok)
	}
	if us, ok := r.Serve.above(serveCell(stdio, older, typescript), caissonServe, toServer, Round.p50); ok {
		t.Errorf("what has not been measured is %v above", us)
	}
	report := render(&r)
	for _, want := range []string{
		"| met: 2 of 2 are within it; the worst +900 µs, http-sse, 2025-11-25, a server on FastMCP |",
		"| met: 2 of 2 are within it; the worst +700 µs, http-sse, 2025-11-25, a server on FastMCP |",
		"| met: at most 0.5 × FastMCP's proxy; at most 0.25 × mcp-proxy (PyPI) |",
		"caisson serve stdio 2.00 s, mcp-proxy (PyPI) http-sse 4.00 s |", "100 MB / 20.0 MB in 2025-11-25",
		"1.40 ms (+700 µs) | 2.80 ms (+2.30 ms)", "it failed", "| it did not answer |",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("there is no %q in\n%s", want, report)
		}
	}

	r.Serve.Calls = append(r.Serve.Calls,
		result(httpSSE, mcpGo, toGateway, 1000), result(httpSSE, mcpGo, toServer, 500),
		result(httpSSE, mcpGo, caissonServe, 2501), result(httpSSE, mcpGo, mcpProxyNPM, 2000))
	if text := r.Serve.price(toServer); text != "missed: 2 of 3 are within it; the worst +1.00 ms, http-sse, 2025-11-25, a server on mcp-go" {
		t.Error(text)
	}
	if text := r.Serve.others(); !strings.HasPrefix(text, "missed: ") || !strings.HasSuffix(text, "at most 1.25 × mcp-proxy (npm)") {
		t.Error(text)
	}
	r.Serve.Calls = []CallResult{{Cell: serveCell(stdio, older, goSDK), Peer: caissonServe, Error: "it failed"}}
	if text := r.Serve.price(toServer); text != "missed: 0 of 1 are within it" {
		t.Error(text)
	}
	r.Serve.Calls = nil
	if price, others := r.Serve.price(toServer), r.Serve.others(); price != "" || others != "" {
		t.Errorf("nothing is measured: %q, %q", price, others)
	}
	if text := signed(-20); text != "−20.0 µs" {
		t.Error(text)
	}
}

// serveBench is a bench with the program of a server, and the client that calls gateways.
func serveBench(t *testing.T) (b *bench, echo string, client *peer) {
	t.Helper()
	b = &bench{log: t.Output(), rounds: 1, seconds: 0.001}
	b.setDefaults()
	if err := b.setUp(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	echo, err := b.workshop.build("echoserver", "./echoserver", nil)
	if err != nil {
		t.Fatal(err)
	}
	client = &peer{name: reference, prepare: goPeer("gosdk")}
	if b.workshop.prepare(client); client.skipped != nil {
		t.Fatal(client.skipped)
	}
	return b, echo, client
}

// TestServeProcesses holds that a gateway with a process for each server has each server at its own, and ends all of them.
func TestServeProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("it installs a package for Node")
	}
	b, echo, client := serveBench(t)
	all := b.gateways()
	g := all[slices.IndexFunc(all, func(g gatewayPeer) bool { return g.name == mcpProxyNPM })]
	b.workshop.prepare(g.peer)
	if g.skipped != nil {
		t.Fatal(g.skipped)
	}
	behind := []upstream{{"one", goSDK, []string{echo, "-tools", "1"}, 1}, {"three", goSDK, []string{echo, "-tools", "3"}, 3}}
	run, err := startGateway(g, "", behind)
	if err != nil {
		t.Fatal(err)
	}
	defer run.stop()
	if pids := run.pids(); len(pids) != 2 || pids[0] == pids[1] {
		t.Errorf("the processes are %v", pids)
	}
	for _, u := range behind {
		for _, revision := range []string{older, newest} {
			r, err := start(client)
			if err != nil {
				t.Fatal(err)
			}
			defer r.stop()
			reply, err := r.ask(wire.Request{Op: wire.Connect, Server: run.server(u, revision), Count: 1})
			if err != nil || reply.Revision != revision {
				t.Fatalf("%s, %s: %+v, %v", u.name, revision, reply, err)
			}
			for _, work := range []wire.Work{{Do: wire.List, Tools: u.tools}, {Do: wire.Call, Size: 10, Times: 2, Tool: g.tool(u)}} {
				work.Sessions, work.InFlight, work.Least, work.Most = 1, 1, 1, 1
				if _, err := r.ask(wire.Request{Op: wire.Run, Work: &work}); err != nil {
					t.Errorf("%s, %s: %+v: %v", u.name, revision, work, err)
				}
			}
		}
	}
	run.stop()
	for _, p := range run.processes {
		if p.command.ProcessState == nil {
			t.Errorf("process %d has not ended", p.command.Process.Pid)
		}
	}
	if _, err := startGateway(g, "", []upstream{behind[0], {name: "none", command: []string{"/nowhere"}}}); err == nil || !strings.Contains(err.Error(), g.name+" has ended: ") {
		t.Errorf("a server that is not there: %v", err)
	}
}

// TestServeTurns holds that what has failed has no further turn: a round's results have the same place in all lists.
func TestServeTurns(t *testing.T) {
	o, table, c := &opened{}, &table{}, serveCell(stdio, older, goSDK)
	table.called(c, toServer).Error = "it failed"
	o.turn(table, c, toServer, nil, &wire.Server{}, "echo")
	if result := table.called(c, toServer); result.Error != "it failed" || result.Rounds != nil {
		t.Errorf("%+v", result)
	}
}

// TestServeChecks holds that a gateway's tool that answers otherwise, or a list that lacks a tool, is a failure.
func TestServeChecks(t *testing.T) {
	_, echo, client := serveBench(t)
	for _, revision := range []string{older, newest} {
		r, err := start(client)
		if err != nil {
			t.Fatal(err)
		}
		defer r.stop()
		reply, err := r.ask(wire.Request{Op: wire.Connect, Server: &wire.Server{Command: echo, Args: []string{"-tools", "3"}, Revision: revision}, Count: 1})
		if err != nil || reply.Revision != revision {
			t.Fatalf("%s: %+v, %v", revision, reply, err)
		}
		for _, c := range []struct {
			work wire.Work
			ok   bool
		}{
			{wire.Work{Do: wire.List, Tools: 3}, true},
			{wire.Work{Do: wire.List, Tools: 2}, false},
			{wire.Work{Do: wire.List, Tools: 2, More: true}, true},
			{wire.Work{Do: wire.List, Tools: 4, More: true}, false},
			{wire.Work{Do: wire.Call, Size: 10, Times: 2, Tool: "echo"}, true},
			{wire.Work{Do: wire.Call, Size: 10, Times: 2, Tool: "go__echo"}, false},
		} {
			c.work.Sessions, c.work.InFlight, c.work.Least, c.work.Most = 1, 1, 1, 1
			if _, err := r.ask(wire.Request{Op: wire.Run, Work: &c.work}); (err == nil) != c.ok {
				t.Errorf("%s: %+v: %v", revision, c.work, err)
			}
		}
	}
}
