package main

import (
	"strings"
	"testing"
)

// TestDaemon runs the section for the daemon once, as small as it can be, beside the client in process.
func TestDaemon(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the core")
	}
	b := bench{log: t.Output(), rounds: 1, seconds: 0.001, sessions: []int{1, 2}, names: []string{ours}}
	b.setDefaults()
	if err := b.setUp(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	var r Results
	if err := b.measureDaemon(&r); err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(daemonCells); len(r.Daemon.Calls) != want {
		t.Errorf("there are results of %d calls, not %d", len(r.Daemon.Calls), want)
	}
	for _, c := range r.Daemon.Calls {
		if c.Error != "" || len(c.Rounds) != 1 || c.P50 <= 0 || c.PerSecond <= 0 {
			t.Errorf("%s, %s: %+v", c.Peer, c, c)
		}
	}
	if len(r.Daemon.Memory.Sessions) != 3 || len(r.Daemon.Starts) != 1 {
		t.Errorf("%+v, %v", r.Daemon.Memory, r.Daemon.Starts)
	}
	text := render(&r)
	for _, target := range daemonTargets {
		if !strings.Contains(text, "| "+target.what+" |") {
			t.Errorf("the run says nothing of %q", target.what)
		}
	}
}
