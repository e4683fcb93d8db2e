package main

import (
	"fmt"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/usage"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// measureParts asks Caisson's process where its time goes.
func (b *bench) measureParts(results *Results) error {
	p := b.peer(ours)
	if p == nil {
		return nil
	}
	b.say("the parts of a call")
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	r, err := start(p, b.workshop.warm()...)
	if err != nil {
		return err
	}
	defer r.stop()
	for _, transport := range []string{stdio, httpJSON} {
		if _, err := r.ask(wire.Request{Op: wire.Connect, Server: servers.server(transport, 1, ""), Count: 1}); err != nil {
			return err
		}
		for _, c := range b.wanted([]Cell{call(transport, 100, 1, 1), call(transport, 100, 1, 64), call(transport, 10e3, 1, 1), call(transport, 1e6, 1, 1)}) {
			work := c.work(20 * b.seconds)
			work.Profile = true
			before := usage.CPUTime(r.pids())
			reply, err := r.ask(wire.Request{Op: wire.Run, Work: &work})
			if err != nil {
				return fmt.Errorf("%s: %w", c, err)
			}
			calls := float64(len(reply.Samples))
			result := PartsResult{Cell: c, Calls: len(reply.Samples), P50: median(reply.Samples), Parts: map[string]float64{}}
			result.CPU = float64(usage.CPUTime(r.pids())-before) / float64(time.Microsecond) / calls
			for part, time := range reply.Parts {
				result.Parts[part] = time / calls
			}
			results.Parts = append(results.Parts, result)
		}
		if _, err := r.ask(wire.Request{Op: wire.Close}); err != nil {
			return err
		}
	}
	return nil
}
