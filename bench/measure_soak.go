package main

import (
	"github.com/caisson-dev/caisson/host-go/bench/internal/usage"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// soakSteps is how often the memory is looked at.
const soakSteps = 50

// measureSoak makes very many calls in one session, and then opens and closes very many sessions.
func (b *bench) measureSoak(results *Results) error {
	servers, err := startServers(b.echoServer)
	if err != nil {
		return err
	}
	defer servers.stop()
	for _, name := range []string{ours, reference} {
		p := b.peer(name)
		if p == nil {
			continue
		}
		b.say("soak, %s: %d calls, %d connects", name, b.soakCalls, b.soakConnects)
		r, err := start(p, b.workshop.warm()...)
		if err != nil {
			return err
		}
		result := SoakResult{Peer: name, Calls: b.soakCalls, Connects: b.soakConnects}
		if err := b.soak(&result, r, servers); err != nil {
			result.Error = err.Error()
		}
		r.stop()
		results.Soak = append(results.Soak, result)
	}
	return nil
}

func (b *bench) soak(result *SoakResult, r *process, servers *servers) error {
	if _, err := r.ask(wire.Request{Op: wire.Connect, Server: servers.server(stdio, 1, ""), Count: 1}); err != nil {
		return err
	}
	for i := range soakSteps {
		calls := b.soakCalls*(i+1)/soakSteps - b.soakCalls*i/soakSteps
		work := call(stdio, 100, 1, 16).work(0)
		work.Least, work.Most = calls, calls
		if _, err := r.ask(wire.Request{Op: wire.Run, Work: &work}); err != nil {
			return err
		}
		result.AtCalls = append(result.AtCalls, b.soakCalls*(i+1)/soakSteps)
		result.DuringCalls = append(result.DuringCalls, usage.Resident(r.pids()))
	}
	for i := range soakSteps {
		count := b.soakConnects*(i+1)/soakSteps - b.soakConnects*i/soakSteps
		for range count {
			if _, err := r.ask(wire.Request{Op: wire.Close}); err != nil {
				return err
			}
			if _, err := r.ask(wire.Request{Op: wire.Connect, Server: servers.server(httpJSON, 1, ""), Count: 1}); err != nil {
				return err
			}
		}
		result.AtConnects = append(result.AtConnects, b.soakConnects*(i+1)/soakSteps)
		result.DuringOpened = append(result.DuringOpened, usage.Resident(r.pids()))
	}
	return nil
}

// growth is how much the memory has grown after its first tenth, at most: 0.1 is a tenth more.
func growth(resident []int64) float64 {
	tenth := len(resident) / 10
	if tenth == 0 || resident[tenth-1] == 0 {
		return 0
	}
	most := resident[tenth]
	for _, r := range resident[tenth:] {
		most = max(most, r)
	}
	return float64(most)/float64(resident[tenth-1]) - 1
}
