package main

import (
	"slices"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// measureSleep puts a small run to sleep and wakes it, again and again, in fresh processes in each round.
func (b *bench) measureSleep(results *ScriptResults, peers []scriptPeer) error {
	text, err := source(taskSleep, wire.JavaScript)
	if err != nil {
		return err
	}
	s := &results.Sleep
	for round := range b.rounds {
		b.say("sleep and wake of scripts, round %d of %d", round+1, b.rounds)
		for _, p := range peers {
			if p.name != ours {
				continue
			}
			r, err := start(p.peer, b.workshop.warm()...)
			if err != nil {
				return err
			}
			// The script itself waits for seconds: what has not been put to sleep before has ended.
			work := wire.Work{Do: wire.Sleep, Source: text, Seconds: min(b.seconds, 0.5), Least: 5}
			reply, err := r.ask(wire.Request{Op: wire.Run, Work: &work})
			r.stop()
			if err == nil {
				err = Cell{Task: taskSleep}.check(reply)
			}
			if err != nil {
				return err
			}
			s.add(reply)
		}
	}
	return nil
}

// add takes a round over. The first turn of a process shows what there is to compile, and does not count.
func (s *SleepResult) add(reply wire.Reply) {
	n := min(len(reply.Samples), len(reply.Woken))
	if n < 2 {
		return
	}
	slept, woken := reply.Samples[1:n], reply.Woken[1:n]
	both := make([]float64, len(slept))
	for i := range slept {
		both[i] = slept[i] + woken[i]
	}
	s.Slept = append(s.Slept, median(slept))
	s.Woken = append(s.Woken, median(woken))
	s.Both = append(s.Both, median(both))
	s.Worst = max(s.Worst, slices.Max(both))
	s.Turns += len(both)
	s.Bytes = max(s.Bytes, reply.Asleep)
}
