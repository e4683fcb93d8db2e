package main

import (
	"github.com/caisson-dev/caisson/host-go/bench/internal/usage"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// measureMemory opens more and more sessions over HTTP, calls on each, and looks at the memory of
// the peer and its helpers, as it is: nobody is asked to collect garbage.
func (b *bench) measureMemory(results *Results) error {
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	for _, p := range b.peers() {
		b.say("memory, %s", p.name)
		result := MemoryResult{Peer: p.name}
		r, err := start(p, b.workshop.warm()...)
		if err != nil {
			return err
		}
		for _, n := range b.sessions {
			open := 0
			if last := len(result.Sessions) - 1; last >= 0 {
				open = result.Sessions[last]
			}
			_, err := r.ask(wire.Request{Op: wire.Connect, Server: servers.server(httpJSON, 1, ""), Count: n - open})
			if err == nil {
				work := call(httpJSON, 100, n, 1).work(0)
				_, err = r.ask(wire.Request{Op: wire.Run, Work: &work})
			}
			if err != nil {
				result.Error = err.Error()
				break
			}
			result.Sessions = append(result.Sessions, n)
			result.Resident = append(result.Resident, usage.Resident(r.pids()))
		}
		r.stop()
		results.Memory = append(results.Memory, result)
	}
	return nil
}
