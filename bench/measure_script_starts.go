package main

import (
	"os"
	"time"
)

// measureScriptStarts starts every peer anew in each round, up to the value of its first script; Caisson
// also with an empty cache of compiled code.
func (b *bench) measureScriptStarts(results *ScriptResults, peers []scriptPeer) error {
	for round := range b.rounds {
		b.say("starts of scripts, round %d of %d", round+1, b.rounds)
		for _, language := range scriptLanguages {
			for _, p := range rotated(scriptsIn(peers, language), round) {
				for _, first := range []bool{false, true} {
					if first && !p.caches {
						continue
					}
					stages, err := b.startScript(p.peer, language, first)
					if err != nil {
						return err
					}
					s := results.start(language, p.name, first)
					s.Runs = append(s.Runs, stages)
				}
			}
		}
	}
	for i := range results.Starts {
		results.Starts[i].choose()
	}
	return nil
}

// start is where the starts of a peer go.
func (r *ScriptResults) start(language, peer string, first bool) *StartResult {
	for i := range r.Starts {
		if s := &r.Starts[i]; s.Transport == language && s.Peer == peer && s.First == first {
			return s
		}
	}
	r.Starts = append(r.Starts, StartResult{Transport: language, Peer: peer, First: first})
	return &r.Starts[len(r.Starts)-1]
}

func (b *bench) startScript(p *peer, language string, first bool) (s Stages, err error) {
	env := b.workshop.warm()
	if first {
		empty, err := os.MkdirTemp("", "caisson-bench-")
		if err != nil {
			return s, err
		}
		defer os.RemoveAll(empty)
		env = environ(empty)
	}
	r, err := start(p, env...)
	if err != nil {
		return s, err
	}
	defer r.stop()
	if _, err := runOnce(r, scriptCell(taskValue, language, 1)); err != nil {
		return s, err
	}
	total := time.Since(r.began)
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return Stages{Load: us(r.loaded), Call: us(total - r.loaded)}, nil
}
