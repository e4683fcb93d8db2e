package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// revisions are those of the protocol, the oldest first.
var revisions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}

// revisionTransports are those over which each revision is measured.
var revisionTransports = append([]string{inMemory}, transports...)

// turns are the cells of one connection, and those of another. Calls of a tool that was never listed come
// first.
func turns(transport, revision string) [2][]Cell {
	of := func(cells ...Cell) []Cell {
		for i := range cells {
			cells[i].Revision = revision
		}
		return cells
	}
	never := call(transport, 100, 1, 1)
	never.Unlisted = true
	return [2][]Cell{
		of(never, list(transport, 1, 1), call(transport, 100, 1, 1)),
		of(list(transport, 100, 1)),
	}
}

func revisionCells() (all []Cell) {
	for _, revision := range revisions {
		for _, transport := range revisionTransports {
			all = append(all, slices.Concat(turns(transport, revision)[0], turns(transport, revision)[1])...)
		}
	}
	return all
}

// measureRevisions does the same in each revision, with Caisson and the Go SDK's client in turns.
func (b *bench) measureRevisions(results *Results) error {
	peers := slices.DeleteFunc(b.peers(), func(p *peer) bool { return p.name != ours && p.name != reference })
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	t := newTable(peers, b.wanted(revisionCells()))
	for round := range b.rounds {
		b.say("revisions, round %d of %d", round+1, b.rounds)
		for _, transport := range revisionTransports {
			if err := b.revisionsOver(t, rotated(peers, round), servers, transport); err != nil {
				return err
			}
		}
	}
	results.Revisions = summarize(t.calls, reference)
	return nil
}

// revisionsOver does all revisions over one transport, in fresh processes.
func (b *bench) revisionsOver(t *table, peers []*peer, servers *servers, transport string) error {
	env := b.workshop.warm()
	if transport == inMemory {
		env = append(env, withMemory)
	}
	var running []*process
	for _, p := range peers {
		r, err := start(p, env...)
		if err != nil {
			return err
		}
		defer r.stop()
		running = append(running, r)
	}
	for _, revision := range revisions {
		for _, cells := range turns(transport, revision) {
			wanted := b.wanted(cells)
			if len(wanted) == 0 {
				continue
			}
			for _, r := range running {
				b.openRevision(r, servers.server(transport, cells[0].Tools, revision), revision)
			}
			b.takeTurns(t, running, wanted)
		}
	}
	return nil
}

// openRevision opens a session, which must be in the revision that is measured, and calls a few times
// so that nothing is done for the first time in what is measured.
func (b *bench) openRevision(r *process, server *wire.Server, revision string) {
	reply, err := r.ask(wire.Request{Op: wire.Connect, Server: server, Count: 1})
	if err == nil && reply.Revision != revision {
		err = fmt.Errorf("it speaks %s, not %s", reply.Revision, revision)
	}
	if err == nil {
		work := call("", 100, 1, 1).work(b.seconds)
		work.Seconds, work.Least = 0, 20
		_, err = r.ask(wire.Request{Op: wire.Run, Work: &work})
	}
	if err != nil {
		b.say("%s in %s: %v", r.peer.name, revision, err)
	}
}

// renderRevisions writes a row for each revision and transport, with our ratio to the Go SDK's client for
// each operation.
func renderRevisions(w *strings.Builder, all []CallResult) {
	head := []string{"revision", "transport"}
	var rows [][]string
	for _, revision := range revisions {
		for _, transport := range revisionTransports {
			row := []string{revision, transport}
			for _, c := range slices.Concat(turns(transport, revision)[0], turns(transport, revision)[1]) {
				if len(rows) == 0 {
					head = append(head, c.name())
				}
				row = append(row, againstReference(all, c))
			}
			if slices.ContainsFunc(row[2:], func(text string) bool { return text != "" }) {
				rows = append(rows, row)
			}
		}
	}
	grid(w, "Revisions: Caisson's time to the Go SDK's client's", "The p50 of a call as a ratio, the median of the rounds; in brackets the same of the processor time of the client's process. In memory the server takes next to nothing of either, over stdio and HTTP a process of its own serves.", head, rows)
	renderFailures(w, all)
}

func againstReference(all []CallResult, c Cell) string {
	us, them := find(all, c, ours), find(all, c, reference)
	if us == nil || them == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", number(us.Ratio), number(ratio(us.Rounds, them.Rounds, Round.cpu)))
}

// worstRevision is the cell, among those that are chosen, in which we are furthest behind the Go SDK's client.
func worstRevision(r *Results, chosen func(Cell) bool) string {
	var worst *CallResult
	for i, c := range r.Revisions {
		if c.Peer == ours && c.Transport != inMemory && chosen(c.Cell) && (worst == nil || c.Ratio > worst.Ratio) {
			worst = &r.Revisions[i]
		}
	}
	if worst == nil {
		return ""
	}
	return fmt.Sprintf("%s ×, %s", number(worst.Ratio), worst.Cell)
}

// unlisted is how much longer calls of a tool take that was never listed: in the middle of all cells, and where that is most.
func unlisted(r *Results) string {
	var all []float64
	var where Cell
	for _, c := range r.Revisions {
		if c.Peer != ours || !c.Unlisted {
			continue
		}
		listed := c.Cell
		listed.Unlisted = false
		if other := find(r.Revisions, listed, ours); other != nil {
			times := ratio(c.Rounds, other.Rounds, Round.p50)
			if len(all) == 0 || times > slices.Max(all) {
				where = c.Cell
			}
			all = append(all, times)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("%s × in the median of the cells; the most %s ×, %s", number(median(all)), number(slices.Max(all)), where)
}
