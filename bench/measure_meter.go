package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// measureMeter runs the Go benchmarks that compare metered code with unmetered.
func (b *bench) measureMeter(results *Results) error {
	b.say("the meter")
	period := time.Duration(30 * b.seconds * float64(time.Second))
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", "^BenchmarkMetering$", "-benchtime", period.String(), "./component", "./internal/core/pack")
	cmd.Dir = filepath.Join(b.workshop.source, "..", "host-go")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	results.Meter = meterResults(string(out))
	return nil
}

// meterResults reads what the benchmarks printed.
func meterResults(out string) (results []MeterResult) {
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		name, ok := strings.CutPrefix(fields[0], "BenchmarkMetering/")
		if !ok {
			continue
		}
		if i := strings.LastIndexByte(name, '-'); i > 0 { // the number of processors
			name = name[:i]
		}
		r := MeterResult{Work: name}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				break
			}
			switch fields[i+1] {
			case "metered-ns":
				r.Metered = value / 1e3
			case "unmetered-ns":
				r.Unmetered = value / 1e3
			case "ratio":
				r.Ratio = value
			}
		}
		results = append(results, r)
	}
	return results
}
