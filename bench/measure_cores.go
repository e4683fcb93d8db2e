package main

import (
	"slices"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// pairs is how often one session and two take turns in each round.
const pairs = 3

// measureCores has one session and two of the same process take turns, so that what slows the
// machine hits both.
func (b *bench) measureCores(results *Results) error {
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	peers := slices.DeleteFunc(b.peers(), func(p *peer) bool {
		return !slices.Contains([]string{ours, reference, floor, onNode}, p.name)
	})
	longer := *b
	longer.seconds *= 3
	var cells []Cell
	for _, transport := range []string{stdio, httpJSON} {
		cells = append(cells, call(transport, 100, 1, 16), call(transport, 100, 2, 16))
	}
	t := newTable(peers, cells)
	for round := range b.rounds {
		b.say("two sessions, round %d of %d", round+1, b.rounds)
		for _, p := range rotated(peers, round) {
			r, err := start(p, b.workshop.warm()...)
			if err != nil {
				return err
			}
			for pair := range slices.Chunk(cells, 2) {
				longer.open(t, r, servers, pair[0].Transport, 1)
				for range pairs {
					longer.turn(t.call(pair[0], p), r)
					longer.turn(t.call(pair[1], p), r)
				}
				_, _ = r.ask(wire.Request{Op: wire.Close})
			}
			r.stop()
		}
	}
	results.Cores = summarize(t.calls, reference)
	return nil
}
