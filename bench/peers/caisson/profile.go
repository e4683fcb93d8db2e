package main

import (
	"bytes"
	"runtime/pprof"
	"strings"

	"github.com/google/pprof/profile"
)

// Profile says where the process's CPU time goes while run runs, in microseconds by part. It is a
// profile's estimate, from 100 samples for each second of each processor.
func (client) Profile(run func() error) (map[string]float64, error) {
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		return nil, err
	}
	err := run()
	pprof.StopCPUProfile()
	if err != nil {
		return nil, err
	}
	p, err := profile.Parse(&b)
	if err != nil {
		return nil, err
	}
	parts := map[string]float64{}
	for _, sample := range p.Sample {
		parts[part(sample)] += float64(sample.Value[1]) / 1e3
	}
	return parts, nil
}

// The parts of the host are told apart by the packages of their functions. What is compiled from the
// core has no Go function.
var packages = []struct{ prefix, part string }{
	{"runtime.gcBgMarkWorker", "garbage collector"},
	{"runtime.gcAssistAlloc", "garbage collector"},
	{"runtime.bgsweep", "garbage collector"},
	{"runtime.bgscavenge", "garbage collector"},
	{"runtime._ExternalCode", "guest"},
	{"runtime._GC", "garbage collector"},
	{"github.com/tetratelabs/wazero/", "component runtime"},
	{"github.com/caisson-dev/caisson/host-go/component", "component runtime"},
	{"github.com/caisson-dev/caisson/host-go/internal/egress", "egress"},
	{"net/http.", "egress"},
	{"github.com/caisson-dev/caisson/host-go/internal/engine", "engine"},
	{"github.com/caisson-dev/caisson/host-go/caisson", "API"},
	{"github.com/modelcontextprotocol/go-sdk/", "API"},
	{"github.com/caisson-dev/caisson/host-go/bench/", "the bench itself"},
}

// part goes from the innermost frame outwards, to the first that belongs to a part.
func part(sample *profile.Sample) string {
	for _, location := range sample.Location {
		if len(location.Line) == 0 {
			return "guest"
		}
		for _, line := range location.Line {
			for _, p := range packages {
				if line.Function != nil && strings.HasPrefix(line.Function.Name, p.prefix) {
					return p.part
				}
			}
		}
	}
	return "Go's scheduler"
}
