package main

import (
	"os"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// measureStarts starts every peer anew in each round, with the caches of earlier runs and, where a
// peer keeps any, without. The kernel's cache of files is warm in both.
func (b *bench) measureStarts(results *Results) error {
	over := []string{stdio}
	if b.full {
		over = append(over, httpJSON)
	}
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	peers := b.peers()
	for _, transport := range over {
		for _, first := range []bool{false, true} {
			for _, p := range peers {
				if !first || p.caches {
					results.Starts = append(results.Starts, StartResult{Transport: transport, Peer: p.name, First: first})
				}
			}
		}
	}
	for round := range b.rounds {
		b.say("starts, round %d of %d", round+1, b.rounds)
		for _, p := range rotated(peers, round) {
			for i := range results.Starts {
				s := &results.Starts[i]
				if s.Peer != p.name {
					continue
				}
				stages, err := b.start(p, servers.server(s.Transport, 1, ""), s.First)
				if err != nil {
					return err
				}
				s.Runs = append(s.Runs, stages)
			}
		}
	}
	for i := range results.Starts {
		results.Starts[i].choose()
	}
	return nil
}

func (b *bench) start(p *peer, server *wire.Server, first bool) (s Stages, err error) {
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
	if _, err := r.ask(wire.Request{Op: wire.Connect, Server: server, Count: 1}); err != nil {
		return s, err
	}
	connected := time.Since(r.began)
	work := call("", 100, 1, 1).work(0)
	work.Least, work.Most = 1, 1
	if _, err := r.ask(wire.Request{Op: wire.Run, Work: &work}); err != nil {
		return s, err
	}
	total := time.Since(r.began)
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return Stages{Load: us(r.loaded), Connect: us(connected - r.loaded), Call: us(total - connected)}, nil
}
