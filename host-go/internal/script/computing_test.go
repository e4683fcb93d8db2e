package script

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/engine"
)

// A measured guest computes for as long as it says in each entry, whatever the clock says.
type measured struct {
	engine.Sandbox
	computed time.Duration
	entries  int
	bounded  bool // by a deadline
}

func (m *measured) Computed() time.Duration { return m.computed }

type measuredFunction struct {
	engine.Function
	of *measured
}

func (f measuredFunction) Call(ctx context.Context, args ...any) ([]any, error) {
	f.of.entries++
	_, bounded := ctx.Deadline()
	f.of.bounded = f.of.bounded || bounded
	return f.Function.Call(ctx, args...)
}

// A script is bounded by what its guest has computed, and all other time is waiting: no deadline comes of it.
func TestComputing(t *testing.T) {
	e, err := hostileEngine()
	if err != nil {
		t.Fatal(err)
	}
	isolated, err := isolatedHostileEngine()
	if err != nil {
		t.Fatal(err)
	}
	const each, most = time.Hour, 3 * time.Hour
	for name, e := range map[string]*engine.Engine{"here": e, "in a worker": isolated} {
		config := testConfig(e)
		config.Limits.Computing, config.Limits.Time = most+each/2, 5*time.Minute
		in, failure := New(t.Context(), config)
		if failure != nil {
			t.Fatal(failure)
		}
		defer in.Close()
		made := in.computed
		m := &measured{Sandbox: in.guest.Sandbox, computed: each}
		in.guest.Sandbox = m
		for name, f := range in.exports {
			in.exports[name] = measuredFunction{f, m}
		}
		// A timer that is due at once, each time that it was told of one.
		source := hostileSource("", call, setTimer, 1, 0, part, 1, call, setTimer, 1, 0)
		_, report, failure := in.Run(context.Background(), Source{"hostile", source}, json.RawMessage("null"), nil)
		if failure == nil || failure.Kind != Limit || !strings.Contains(failure.Message, "ScriptLimits.Computing") {
			t.Fatalf("%s: it ends with %+v", name, failure)
		}
		if m.entries != 5 || m.bounded { // The last one may not compute at all.
			t.Errorf("%s: it was entered %d times; with a deadline: %t", name, m.entries, m.bounded)
		}
		if got := report.Usage.Computing; got < made+4*each || got > made+5*each {
			t.Errorf("%s: it has computed for %v", name, got)
		}
	}
}

// What a search computes is the script's computing, though another guest does it. How long it waits is not.
func TestComputingOfSearch(t *testing.T) {
	e, err := hostileEngine()
	if err != nil {
		t.Fatal(err)
	}
	var computes, granted time.Duration
	config := testConfig(e)
	config.Limits.Computing = time.Hour
	config.Search = func(_ context.Context, within time.Duration, _ string, _ uint32) (string, time.Duration, error) {
		granted = within
		return "[]", computes, nil
	}
	in, failure := New(t.Context(), config)
	if failure != nil {
		t.Fatal(failure)
	}
	defer in.Close()
	in.ctx, in.computed = t.Context(), 10*time.Minute
	computes = 40 * time.Minute
	results, err := in.search(t.Context(), []any{"x", uint32(1)})
	if err != nil || len(results) != 1 || results[0] != component.OK("[]") || granted != 50*time.Minute {
		t.Errorf("a search of %v within %v gives %v, %v", computes, granted, results, err)
	}
	computes = 10 * time.Minute
	_, err = in.search(t.Context(), []any{"x", uint32(1)})
	if failure := in.failed(t.Context(), err); granted != 10*time.Minute || err == nil || !strings.Contains(failure.Message, "ScriptLimits.Computing") {
		t.Errorf("a search of %v within %v gives %v", computes, granted, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	in.ctx, in.computed = ended, 0
	if _, err := in.search(t.Context(), []any{"x", uint32(1)}); err != ended.Err() {
		t.Errorf("a search whose time is over: %v", err)
	}
}
