package main

import (
	"fmt"
	"iter"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// measureMeter runs the Go benchmarks that compare metered code with unmetered.
func (b *bench) measureMeter(results *Results) error {
	b.say("the meter")
	out, err := b.benchmark("BenchmarkMetering", "./component", "./internal/core/pack")
	results.Meter = meterResults(out)
	return err
}

// benchmark runs a Go benchmark of the host's, and gives what it printed.
func (b *bench) benchmark(name string, packages ...string) (string, error) {
	period := time.Duration(30 * b.seconds * float64(time.Second))
	args := []string{"test", "-run", "^$", "-bench", "^" + name + "$", "-benchtime", period.String()}
	cmd := exec.Command("go", append(args, packages...)...)
	cmd.Dir = filepath.Join(b.workshop.source, "..", "host-go")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return string(out), nil
}

// meterResults reads what the benchmarks printed.
func meterResults(out string) (results []MeterResult) {
	for name, values := range benchmarkResults(out, "BenchmarkMetering/") {
		results = append(results, MeterResult{name, values["metered-ns"] / 1e3, values["unmetered-ns"] / 1e3, values["ratio"]})
	}
	return results
}

// benchmarkResults reads the values of benchmarks, by their units.
func benchmarkResults(out, prefix string) iter.Seq2[string, map[string]float64] {
	return func(yield func(string, map[string]float64) bool) {
		for line := range strings.Lines(out) {
			fields := strings.Fields(line)
			if len(fields) < 2 {
				continue
			}
			name, ok := strings.CutPrefix(fields[0], prefix)
			if !ok {
				continue
			}
			if i := strings.LastIndexByte(name, '-'); i > 0 { // the number of processors
				name = name[:i]
			}
			values := map[string]float64{}
			for i := 2; i+1 < len(fields); i += 2 {
				value, err := strconv.ParseFloat(fields[i], 64)
				if err != nil {
					break
				}
				values[fields[i+1]] = value
			}
			if !yield(name, values) {
				return
			}
		}
	}
}
