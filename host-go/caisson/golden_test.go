package caisson_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/internal/without"
)

var update = flag.Bool("update", false, "record the golden recordings anew")

// goldens are the sessions of testdata/recordings.
var goldens = []struct {
	transport caisson.TransportType
	revision  string
}{
	{caisson.TransportStdio, oldest},
	{caisson.TransportStdio, modern},
	{caisson.TransportHTTP, "2025-11-25"},
	{caisson.TransportHTTP, modern},
}

// TestReplayOnFirstRun closes a runtime after a replay, while the core is still being compiled.
func TestReplayOnFirstRun(t *testing.T) {
	t.Parallel()
	tape, err := os.ReadFile(filepath.Join("testdata", "recordings", "stdio-2026-07-28.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	r := newRuntime(t, caisson.RuntimeOptions{CacheDir: t.TempDir()})
	tape = bytes.ReplaceAll(tape, []byte("\r\n"), []byte("\n"))
	if _, err := r.Replay(testContext(t), bytes.NewReader(tape), &caisson.ReplayOptions{AnyCore: true}); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- r.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Fatal(err)
		}
	case <-testContext(t).Done():
		t.Fatal("Close waits for the instance of the replay")
	}
}

// TestGoldenRecordings replays recordings of earlier builds of the core: what a core sends and
// settles with, byte for byte, for the same bytes from the same servers. A change of the core that
// changes them is meant, and then -update records them anew, or it is a mistake.
func TestGoldenRecordings(t *testing.T) {
	if without.FastPath {
		t.Skip("the recordings are of calls on the fast path")
	}
	t.Parallel()
	recorded := &tapes{}
	elicit := func(context.Context, *caisson.Request[*mcp.ElicitParams]) (*mcp.ElicitResult, error) {
		return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "ada"}}, nil
	}
	r := newClient(t, caisson.ClientOptions{
		// The version is the same in every release, so that one does not change the recordings.
		ClientInfo: &mcp.Implementation{Name: "golden", Version: "1"},
		Handlers:   caisson.Handlers{ElicitationHandler: elicit}, Record: recorded.record,
	})
	for _, golden := range goldens {
		name := string(golden.transport) + "-" + golden.revision
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "recordings", name+".jsonl")
			if *update {
				server := wholeGo(t, golden.transport, golden.revision)
				server.Name, server.ProtocolVersions = name, []string{golden.revision}
				s := connect(t, r, server)
				use(t, s, "Grüße, 世界 😀")
				params := &mcp.CallToolParams{Name: "ask", Arguments: map[string]any{"text": "elicitation"}}
				if _, err := s.CallTool(testContext(t), params); err != nil {
					t.Fatal(err)
				}
				_ = s.Close()
				if err := os.WriteFile(path, recorded.of(name), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tape, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			// Git may have given the file other line breaks.
			tape = bytes.ReplaceAll(tape, []byte("\r\n"), []byte("\n"))
			done, err := r.Replay(testContext(t), bytes.NewReader(tape), &caisson.ReplayOptions{AnyCore: true})
			if err != nil {
				t.Fatalf("%v\ngo test -run TestGoldenRecordings -update records it anew", err)
			}
			if done.End != caisson.ReplayClosed || done.Server != name {
				t.Errorf("the replay is %+v", done)
			}
			for _, text := range []string{`"case":"answer"`, "#call-tool", "#settle"} {
				if !strings.Contains(string(tape), text) {
					t.Errorf("the recording has no %s", text)
				}
			}
		})
	}
}
