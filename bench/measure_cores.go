package main

import (
	"slices"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// pairs is how often one session and two take turns in each round.
const pairs = 3

// withMemory has Caisson's peer reach the server in memory, and nothing else.
const withMemory = "CAISSON_BENCH_MEMORY=1"

// twoProcesses is Caisson with a process for each session: two of them share no more than the machine,
// and so are what two sessions of one process may come to.
const twoProcesses = ours + ", a process each"

// A scaling is one session and two over a transport, with so many calls in flight on each.
type scaling struct {
	transport string
	inFlight  int
}

func (s scaling) cells() [2]Cell {
	return [2]Cell{call(s.transport, 100, 1, s.inFlight), call(s.transport, 100, 2, s.inFlight)}
}

// scalings are those that are measured. With one call in flight a session is busy on one processor at a
// time; with several it has the host's part of one call on a second one while the core is at another.
var scalings = []scaling{{inMemory, 1}, {inMemory, 16}, {stdio, 1}, {stdio, 16}, {httpJSON, 1}, {httpJSON, 16}}

// measureCores has one session and two of the same process take turns, so that what slows the
// machine hits both.
func (b *bench) measureCores(results *Results) error {
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	longer := *b
	longer.seconds *= 3
	t := &table{}
	for _, s := range scalings {
		for _, p := range b.coresPeers(s.transport) {
			for _, c := range s.cells() {
				t.calls = append(t.calls, &CallResult{Cell: c, Peer: p.name})
			}
		}
	}
	for round := range b.rounds {
		b.say("two sessions, round %d of %d", round+1, b.rounds)
		for _, s := range scalings {
			for _, p := range rotated(b.coresPeers(s.transport), round) {
				if err := longer.coresOf(t, p, servers, s); err != nil {
					return err
				}
			}
		}
	}
	results.Cores = summarize(t.calls, reference)
	return nil
}

// coresPeers are those that are compared over a transport.
func (b *bench) coresPeers(transport string) []*peer {
	names := []string{ours, reference, floor, onNode}
	if transport == inMemory {
		names = []string{ours, reference}
	}
	peers := slices.DeleteFunc(b.peers(), func(p *peer) bool { return !slices.Contains(names, p.name) })
	if us := b.peer(ours); us != nil && transport == inMemory {
		apart := *us
		apart.name = twoProcesses
		peers = append(peers, &apart)
	}
	return peers
}

// coresOf has one peer's sessions take turns.
func (b *bench) coresOf(t *table, p *peer, servers *servers, s scaling) error {
	processes := make([]*process, 1)
	if p.name == twoProcesses {
		processes = make([]*process, 2)
	}
	env := b.workshop.warm()
	if s.transport == inMemory {
		env = append(env, withMemory)
	}
	for i := range processes {
		var err error
		if processes[i], err = start(p, env...); err != nil {
			return err
		}
		defer processes[i].stop()
		b.open(nil, processes[i], servers.server(s.transport, 1, ""), s.transport, 1)
	}
	cells := s.cells()
	for range pairs {
		b.turn(t.call(cells[0], p), processes[0])
		b.turn(t.call(cells[1], p), processes...)
	}
	for _, r := range processes {
		_, _ = r.ask(wire.Request{Op: wire.Close})
	}
	return nil
}
