package main

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/usage"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// connects is how many sessions each peer opens in a round, to see how long it takes.
const connects = 5

// A table is the results of cells while they come in.
type table struct {
	calls    []*CallResult
	connects []*ConnectResult
}

func newTable(peers []*peer, cells []Cell) *table {
	t := &table{}
	for _, c := range cells {
		for _, p := range peers {
			t.calls = append(t.calls, &CallResult{Cell: c, Peer: p.name})
		}
	}
	for _, transport := range transports {
		for _, p := range peers {
			t.connects = append(t.connects, &ConnectResult{Transport: transport, Peer: p.name})
		}
	}
	return t
}

func (t *table) call(c Cell, p *peer) *CallResult {
	return t.calls[slices.IndexFunc(t.calls, func(r *CallResult) bool { return r.Cell == c && r.Peer == p.name })]
}

func (t *table) connect(transport string, p *peer) *ConnectResult {
	return t.connects[slices.IndexFunc(t.connects, func(r *ConnectResult) bool { return r.Transport == transport && r.Peer == p.name })]
}

// rotated is the peers in another order for each round, so that none is always first.
func rotated[P any](peers []P, round int) []P {
	n := round % max(1, len(peers))
	return append(slices.Clone(peers[n:]), peers[:n]...)
}

// measureCells does every cell on every peer, one peer after the other in each cell, and all of it
// again in every round.
func (b *bench) measureCells(what string, peers []*peer, cells []Cell) (*table, error) {
	t := newTable(peers, cells)
	for round := range b.rounds {
		b.say("%s, round %d of %d", what, round+1, b.rounds)
		if err := b.round(t, rotated(peers, round), cells); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (b *bench) round(t *table, peers []*peer, cells []Cell) error {
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	var running []*process
	for _, p := range peers {
		r, err := start(p, b.workshop.warm()...)
		if err != nil {
			return err
		}
		defer r.stop()
		running = append(running, r)
	}
	for _, transport := range transports {
		for _, tools := range []int{1, 100} {
			group := slices.DeleteFunc(slices.Clone(cells), func(c Cell) bool { return c.Transport != transport || c.Tools != tools })
			if len(group) == 0 {
				continue
			}
			for _, r := range running {
				b.open(t, r, servers.server(transport, tools, ""), transport, tools)
			}
			b.takeTurns(t, running, group)
		}
	}
	return nil
}

// open opens sessions, whose times go into the table if there is one, and calls once or more on each
// so that nothing is done for the first time in what is measured.
func (b *bench) open(t *table, r *process, server *wire.Server, transport string, tools int) {
	reply, err := r.ask(wire.Request{Op: wire.Connect, Server: server, Count: connects})
	if err != nil {
		b.say("%s over %s: %v", r.peer.name, transport, err)
		return
	}
	if tools == 1 && t != nil {
		result := t.connect(transport, r.peer)
		result.Revision = reply.Revision
		// The first is not a further session.
		result.rounds = append(result.rounds, reply.Samples[1:])
	}
	work := call(transport, 100, connects, 1).work(b.seconds)
	work.Tools, work.Least = tools, 10*connects
	if _, err := r.ask(wire.Request{Op: wire.Run, Work: &work}); err != nil {
		b.say("%s over %s: %v", r.peer.name, transport, err)
	}
}

// takeTurns has the peers, whose sessions are open, take turns in each cell, and closes the sessions.
func (b *bench) takeTurns(t *table, running []*process, cells []Cell) {
	for _, c := range cells {
		for _, r := range running {
			b.turn(t.call(c, r.peer), r)
		}
	}
	for _, r := range running {
		_, _ = r.ask(wire.Request{Op: wire.Close}) // What fails here has failed before.
	}
}

// turn is one peer's turn in one cell: with its sessions in one process, or shared out among several
// that work at the same time.
func (b *bench) turn(result *CallResult, processes ...*process) {
	work := result.work(b.seconds)
	work.Sessions /= len(processes)
	replies, failures := make([]wire.Reply, len(processes)), make([]error, len(processes))
	before := cpuOf(processes)
	var all sync.WaitGroup
	for i, r := range processes {
		all.Go(func() { replies[i], failures[i] = r.ask(wire.Request{Op: wire.Run, Work: &work}) })
	}
	all.Wait()
	cpu := cpuOf(processes) - before
	var samples, computing []float64
	var elapsed float64
	for i, reply := range replies {
		samples, computing = append(samples, reply.Samples...), append(computing, reply.Computing...)
		elapsed = max(elapsed, reply.Elapsed)
		if failures[i] == nil {
			failures[i] = result.check(reply)
		}
	}
	if err := errors.Join(failures...); err != nil {
		result.Error = err.Error()
		return
	}
	result.add(samples, computing, elapsed, float64(cpu)/float64(time.Microsecond))
}

// cpuOf is the CPU time that processes have taken, with their helpers.
func cpuOf(processes []*process) (total time.Duration) {
	for _, r := range processes {
		total += usage.CPUTime(r.pids())
	}
	return total
}

// wanted are the cells that -work chooses.
func (b *bench) wanted(cells []Cell) []Cell {
	return slices.DeleteFunc(cells, func(c Cell) bool { return !b.work.MatchString(c.String()) })
}

func (b *bench) measureCalls(results *Results) error {
	t, err := b.measureCells("calls", b.peers(), b.wanted(cells(b.full)))
	if err != nil {
		return err
	}
	results.Calls = summarize(t.calls, reference)
	results.Connects = summarizeConnects(t.connects)
	return nil
}

func summarizeConnects(all []*ConnectResult) (results []ConnectResult) {
	find := func(transport, peer string) *ConnectResult {
		for _, c := range all {
			if c.Transport == transport && c.Peer == peer {
				return c
			}
		}
		return nil
	}
	for _, c := range all {
		for _, round := range c.rounds {
			c.samples = append(c.samples, round...)
		}
		slices.Sort(c.samples)
		c.P50, c.P99 = quantile(c.samples, .5), quantile(c.samples, .99)
	}
	for _, c := range all {
		var ratios []float64
		if base := find(c.Transport, reference); base != nil {
			for i := range min(len(c.rounds), len(base.rounds)) {
				ratios = append(ratios, median(c.rounds[i])/median(base.rounds[i]))
			}
		}
		c.Ratio = median(ratios)
		if base := find(c.Transport, floor); base != nil && base.P50 > 0 {
			c.Own = max(0, c.P50-base.P50)
		}
		if len(c.samples) > 0 {
			results = append(results, *c)
		}
	}
	return results
}
