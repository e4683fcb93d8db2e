package caisson_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/demoserver"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

// TestTrapNamesOption has a core stop for each of its bounds: the error names the option, also where
// the core itself fails in another way after it was refused memory.
func TestTrapNamesOption(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(demoserver.Handler(false, false))
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		limits   caisson.Limits
		connects bool
		says     string
	}{
		"memory to start":       {caisson.Limits{MaxMemoryBytes: 1 << 20}, false, "ClientOptions.MaxMemoryBytes of 1048576 bytes"},
		"memory for a message":  {caisson.Limits{MaxMemoryBytes: 40 << 20}, true, "ClientOptions.MaxMemoryBytes of 41943040 bytes"},
		"no time":               {caisson.Limits{MaxGuestTime: time.Nanosecond}, false, "ClientOptions.MaxGuestTime of 1ns"},
		"no time, and a memory": {caisson.Limits{MaxGuestTime: time.Nanosecond, MaxMemoryBytes: 40 << 20}, false, "ClientOptions.MaxGuestTime of 1ns"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, err := newClient(t, caisson.ClientOptions{Limits: test.limits}).Connect(testContext(t), caisson.Server{URL: server.URL})
			if connected := err == nil; connected != test.connects {
				t.Fatalf("connecting gives %v", err)
			}
			if err == nil {
				_, err = session.CallTool(testContext(t), &mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"message": strings.Repeat("x", 6<<20)}})
			}
			if caisson.CodeOf(err) != caisson.CodeTrap || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v", err)
			}
			if errors.Is(err, context.DeadlineExceeded) { // That is the deadline of the caller's context.
				t.Errorf("%v is the end of a context", err)
			}
		})
	}
}

// TestTrapInTheInterpreter has the core take too long before it is compiled, as on a busy machine: the error says so.
func TestTrapInTheInterpreter(t *testing.T) {
	if without.Interpreter || !component.CompilerSupported() {
		t.Skip("nothing is compiled later here")
	}
	runtime, err := caisson.New(testContext(t), &caisson.RuntimeOptions{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close()
	client, err := runtime.NewClient(&caisson.ClientOptions{Limits: caisson.Limits{MaxGuestTime: time.Nanosecond}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Connect(testContext(t), caisson.Server{URL: "http://127.0.0.1:1/mcp"})
	if caisson.CodeOf(err) != caisson.CodeTrap || !strings.Contains(err.Error(), "RuntimeOptions.CompileFirst") {
		t.Errorf("the error is %v", err)
	}
}
