package main

import (
	"net/http/httptest"
	"testing"

	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
)

// TestIsolation runs a script and a call in processes of their own.
func TestIsolation(t *testing.T) {
	server := httptest.NewServer(demoserver.Handler(false, false))
	defer server.Close()
	for want, words := range map[string][]string{
		"42\n":             {"run", "-e", "20 + 22"},
		"over a process\n": {"call-tool", server.URL, "echo", "message=over a process"},
	} {
		o := caissonRun(t, append(words, "--isolation", "process")...)
		o.expect(t, exitOK)
		if o.out != want {
			t.Errorf("it prints %q, and not %q", o.out, want)
		}
	}
	caissonRun(t, "run", "-e", "1", "--isolation", "container").expect(t, exitUsage, `--isolation is "container"`)
}
