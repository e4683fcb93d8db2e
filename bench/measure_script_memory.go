package main

import (
	"fmt"
	"os"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/usage"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// measureScriptMemory has one run, and then many at once, wait for each other in a function of the program's,
// and looks at the memory while all are there.
func (b *bench) measureScriptMemory(results *ScriptResults, peers []scriptPeer) error {
	for _, language := range scriptLanguages {
		for _, p := range scriptsIn(peers, language) {
			if !p.parallel {
				continue
			}
			b.say("memory of scripts, %s in %s", p.name, language)
			met, err := b.meet(p, language)
			if err != nil {
				met.Error = err.Error()
			}
			results.Met = append(results.Met, met)
		}
	}
	return nil
}

func (b *bench) meet(p scriptPeer, language string) (result MetResult, err error) {
	result.Language, result.Peer = language, p.name
	r, err := start(p.peer, b.workshop.warm()...)
	if err != nil {
		return result, err
	}
	defer r.stop()
	for _, n := range []int{1, atOnce} {
		reply, err := runOnce(r, scriptCell(taskMeet, language, n))
		if err != nil {
			return result, err
		}
		result.Sessions, result.Resident = append(result.Sessions, n), append(result.Resident, reply.Met)
	}
	return result, nil
}

// measureCompiling looks at the most memory of Caisson's process with an empty cache, which runs a script in
// Python while all is compiled behind it, or after it.
func (b *bench) measureCompiling(results *ScriptResults, peers []scriptPeer) error {
	for _, p := range scriptsIn(peers, wire.Python) {
		if p.name != ours {
			continue
		}
		for _, way := range []struct {
			about string
			env   []string
		}{{"compiled behind the first run", nil}, {"compiled before it runs", []string{"CAISSON_BENCH_FIRST=1"}}} {
			b.say("memory while Python is %s", way.about)
			peak, err := compilingPeak(p.peer, way.env)
			if err != nil {
				return fmt.Errorf("%s: %w", way.about, err)
			}
			results.Compiling = append(results.Compiling, CompilingResult{way.about, peak})
		}
	}
	return nil
}

func compilingPeak(p *peer, env []string) (int64, error) {
	empty, err := os.MkdirTemp("", "caisson-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(empty)
	r, err := start(p, append(environ(empty), env...)...)
	if err != nil {
		return 0, err
	}
	defer r.stop()
	if _, err := runOnce(r, scriptCell(taskValue, wire.Python, 1)); err != nil {
		return 0, err
	}
	r.settle()
	return usage.Peak(r.command.Process.Pid), nil
}

// settle waits until a peer does nothing of its own any more: until it has taken no hundredth of a processor for
// a second.
func (r *process) settle() {
	const quiet = time.Second
	for began := time.Now(); time.Since(began) < patience; {
		before := usage.CPUTime(r.pids())
		time.Sleep(quiet)
		if usage.CPUTime(r.pids())-before < quiet/100 {
			return
		}
	}
}
