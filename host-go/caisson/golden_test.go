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

// goldenScripts are the scripts of testdata/recordings.
var goldenScripts = map[string]caisson.Script{
	"script-value": {
		Name: "value.js", Input: map[string]any{"names": []string{"Grüße", "世界 😀"}}, Args: []string{"one"},
		Source: `console.log('begun', input.names, args, Math.random(), new Date().toISOString());
const order = [];
setTimeout(() => order.push('timer'), 5);
await Promise.all([1, 2, 3].map(async n => order.push(await tools.odd.later({ n }))));
await sleep(10);
try { await tools.odd.fail({}) } catch (e) { console.error(e.name, e.message) }
try { await tools.odd.none({}) } catch (e) { console.warn(e.code) }
console.log(search_tools('later').map(t => t.name), get_tool('odd.none'), performance.now() > 0);
tools.odd.never({});
return { order, big: 2n ** 60n, id: crypto.randomUUID() }`,
	},
	"script-error": {
		Name:   "error.js",
		Source: "async function inner() {\n  await sleep(1)\n  throw new RangeError('no ' + Math.random())\n}\nawait inner()",
	},
	"script-limit": {
		Name: "limit.js", Limits: caisson.ScriptLimits{ToolCalls: 2},
		Source: `for (let n = 0; ; n++) console.log(await tools.odd.later({ n }))`,
	},
	"script-never": {Name: "never.js", Source: `await new Promise(() => {})`, Seed: 7},
}

// TestGoldenScripts replays recordings of scripts that earlier builds have made: a script gets the same answers, and has the
// same value, log and error.
func TestGoldenScripts(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	for name, s := range goldenScripts {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "recordings", name+".jsonl")
			if *update {
				s.Tools = oddTools(t)
				_, tape, _ := record(t, c, s)
				if err := os.WriteFile(path, tape, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tape, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			// Git may have given the file other line breaks.
			tape = bytes.ReplaceAll(tape, []byte("\r\n"), []byte("\n"))
			again, err := c.Replay(testContext(t), bytes.NewReader(tape), &caisson.ReplayOptions{AnyCore: true})
			if err != nil {
				t.Fatalf("%v\ngo test -run TestGoldenScripts -update records it anew", err)
			}
			if again.End != caisson.ReplayClosed || again.Script == nil || again.Script.Name != s.Name {
				t.Fatalf("the replay is %+v", again)
			}
			want := map[string]caisson.ScriptErrorKind{"script-error": caisson.ScriptRuntime, "script-limit": caisson.ScriptLimit, "script-never": caisson.ScriptNeverSettled}[name]
			if kindOf(again.Script.Err) != want {
				t.Errorf("it ends with %v, want the kind %q", again.Script.Err, want)
			}
			for _, text := range []string{"#run", `"kind":"result"`} {
				if !strings.Contains(string(tape), text) {
					t.Errorf("the recording has no %s", text)
				}
			}
			// A replay that compared nothing would be the same with another answer, and another log.
			for old, new := range map[string]string{`{"enum":"info"},"`: `{"enum":"info"},"x`, `"structuredContent\":`: `"structuredContent\":1`} {
				if !bytes.Contains(tape, []byte(old)) {
					continue
				}
				if _, err := c.Replay(testContext(t), bytes.NewReader(changed(t, tape, old, new)), &caisson.ReplayOptions{AnyCore: true}); err == nil {
					t.Errorf("it replays with %s", new)
				}
			}
		})
	}
}
