package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// scriptMeasures are the parts of the section for scripts, in their order.
var scriptMeasures = []struct {
	name    string
	measure func(*bench, *ScriptResults, []scriptPeer) error
}{
	{"runs", (*bench).measureScriptRuns},
	{"starts", (*bench).measureScriptStarts},
	{"memory", (*bench).measureScriptMemory},
	{"compiling", (*bench).measureCompiling},
	{"sizes", (*bench).measureSizes},
	{"sleep", (*bench).measureSleep},
}

// measureScripts has the peers that run scripts run the same ones.
func (b *bench) measureScripts(results *Results) error {
	b.say("building the peers that run scripts, and filling the caches")
	var able []scriptPeer
	for _, p := range scriptPeers() {
		if !b.chooses(p.name) {
			continue
		}
		b.workshop.prepare(p.peer)
		b.fill(p.peer)
		results.Scripts.Peers = append(results.Scripts.Peers, b.told(p.peer))
		if p.skipped == nil {
			able = append(able, p)
		}
	}
	var failures error // A part that fails costs only itself.
	for _, part := range scriptMeasures {
		if err := part.measure(b, &results.Scripts, able); err != nil {
			failures = errors.Join(failures, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	return failures
}

// measureScriptRuns has the peers take turns in each cell, in fresh processes in each round.
func (b *bench) measureScriptRuns(results *ScriptResults, peers []scriptPeer) error {
	cells, t := b.wanted(scriptCells()), &table{}
	for _, c := range cells {
		for _, p := range peers {
			if p.runs(c) {
				t.calls = append(t.calls, &CallResult{Cell: c, Peer: p.name})
			}
		}
	}
	for round := range b.rounds {
		b.say("scripts, round %d of %d", round+1, b.rounds)
		if err := b.scriptRound(t, rotated(peers, round), cells); err != nil {
			return err
		}
	}
	results.Runs = summarize(t.calls, ours)
	return nil
}

func (b *bench) scriptRound(t *table, peers []scriptPeer, cells []Cell) error {
	processes := make([]*process, len(peers))
	for i, p := range peers {
		r, err := start(p.peer, b.workshop.warm()...)
		if err != nil {
			return err
		}
		defer r.stop()
		processes[i] = r
	}
	for _, c := range cells {
		for i, p := range peers {
			if !p.runs(c) {
				continue
			}
			// The first shows what there is to compile, and is not measured.
			if _, err := runOnce(processes[i], scriptCell(c.Task, c.Transport, 1)); err != nil {
				t.call(c, p.peer).Error = err.Error()
				continue
			}
			b.turn(t.call(c, p.peer), processes[i])
		}
	}
	return nil
}

// runOnce has a peer do a cell once, with all runs that it has at once.
func runOnce(r *process, c Cell) (wire.Reply, error) {
	work := c.work(0)
	work.Least, work.Most = c.InFlight, c.InFlight
	reply, err := r.ask(wire.Request{Op: wire.Run, Work: &work})
	if err == nil {
		err = c.check(reply)
	}
	return reply, err
}

// scriptsIn are the peers that run a language.
func scriptsIn(peers []scriptPeer, language string) []scriptPeer {
	return slices.DeleteFunc(slices.Clone(peers), func(p scriptPeer) bool { return !slices.Contains(p.languages, language) })
}

// scriptLanguages are those that scripts are measured in.
var scriptLanguages = []string{wire.JavaScript, wire.Python}
