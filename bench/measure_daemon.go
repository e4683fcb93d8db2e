package main

import (
	"fmt"
	"path/filepath"

	"github.com/caisson-dev/caisson/host-go/bench/internal/usage"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// The peers of the section for the daemon, beside the client in process.
const (
	caissond = "caissond"
	bridged  = "FastMCP by gRPC"
)

// DaemonResults are what the section for the daemon has measured.
type DaemonResults struct {
	Peers []PeerResult
	Calls []CallResult
	// Starts are the times until it listens, with a warm cache, in microseconds.
	Starts []float64
	// Memory is that of the daemon's own process; the first is without sessions.
	Memory MemoryResult
}

// daemonCells are the calls of the section. The server keeps no sessions.
var daemonCells = []Cell{call(httpJSON, 100, 1, 1), call(httpJSON, 100, 1, 64)}

// measureDaemon compares calls through a daemon with the same calls in process.
func (b *bench) measureDaemon(results *Results) (err error) {
	b.say("building the daemon and its peers")
	if b.echoServer, err = b.workshop.build("echoserver", "./echoserver", nil); err != nil {
		return err
	}
	program, err := b.workshop.buildIn(filepath.Join(b.workshop.source, "..", "daemon"), caissond, "./cmd/caissond", nil)
	if err != nil {
		return err
	}
	peers := []*peer{
		{name: caissond, about: "a Go program with the daemon's client, by gRPC on loopback", prepare: goPeer("daemon")},
		{name: ours, about: "the same in process", caches: true, prepare: goPeer("caisson")},
		{name: bridged, about: "Go to FastMCP behind gRPC", caches: true, prepare: bridge("grpc")},
	}
	var able []*peer
	for _, p := range peers {
		if !b.chooses(p.name) {
			continue
		}
		b.workshop.prepare(p)
		if p.name != caissond { // It needs a daemon.
			b.fill(p)
		}
		results.Daemon.Peers = append(results.Daemon.Peers, b.told(p))
		if p.skipped == nil {
			able = append(able, p)
		}
	}
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	server := servers.server(httpJSON, 1, "")
	t := &table{}
	for round := range b.rounds {
		b.say("the daemon, round %d of %d", round+1, b.rounds)
		if err := b.daemonRound(t, &results.Daemon, program, server, rotated(able, round)); err != nil {
			return err
		}
	}
	results.Daemon.Calls = summarize(t.calls, ours)
	return b.daemonMemory(&results.Daemon, program, server, peers[0])
}

// daemonRound starts the daemon anew, and has all peers take turns in each cell.
func (b *bench) daemonRound(t *table, results *DaemonResults, program string, server *wire.Server, peers []*peer) error {
	d, err := b.startDaemon(program, server.URL)
	if err != nil {
		return err
	}
	defer d.stop()
	results.Starts = append(results.Starts, float64(d.ready.Nanoseconds())/1e3)
	var running []*process
	for _, p := range peers {
		if p.name == caissond {
			p = d.peer(p, false)
		}
		r, err := start(p, append(b.workshop.warm(), d.environ())...)
		if err != nil {
			return err
		}
		defer r.stop()
		b.open(nil, r, server, httpJSON, 1)
		running = append(running, r)
	}
	for _, c := range b.wanted(daemonCells) {
		for _, r := range running {
			b.turn(t.called(c, r.peer.name), r)
		}
	}
	return nil
}

// daemonMemory looks at the daemon's own process without sessions, and then with more and more of them, each of which has
// made a call.
func (b *bench) daemonMemory(results *DaemonResults, program string, server *wire.Server, client *peer) error {
	if client.command == nil {
		return nil // It was not chosen, or does not build.
	}
	d, err := b.startDaemon(program, server.URL)
	if err != nil {
		return err
	}
	defer d.stop()
	pids := []int{d.command.Process.Pid}
	results.Memory = MemoryResult{Peer: caissond, Sessions: []int{0}, Resident: []int64{usage.Proportional(pids)}}
	r, err := start(d.peer(client, true), d.environ())
	if err != nil {
		return err
	}
	defer r.stop()
	open := 0
	for _, n := range b.sessions {
		b.say("memory of the daemon, %d sessions", n)
		if _, err := r.ask(wire.Request{Op: wire.Connect, Server: server, Count: n - open}); err != nil {
			return fmt.Errorf("%d sessions: %w", n, err)
		}
		work := call(httpJSON, 100, n, 1).work(0)
		if _, err := r.ask(wire.Request{Op: wire.Run, Work: &work}); err != nil {
			return fmt.Errorf("%d sessions: %w", n, err)
		}
		open = n
		results.Memory.Sessions = append(results.Memory.Sessions, n)
		results.Memory.Resident = append(results.Memory.Resident, usage.Proportional(pids))
	}
	return nil
}
