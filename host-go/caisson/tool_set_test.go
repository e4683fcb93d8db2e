package caisson_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caissontest"
)

const toolsChanged = "notifications/tools/list_changed"

func addTool(s *caissontest.Server, name string) {
	s.AddTool(&mcp.Tool{Name: name, InputSchema: map[string]any{"type": "object"}}, telling(name))
}

func listings(s *caissontest.Server) int { return len(s.Requests("tools/list")) }

// scriptTools are the tools that a script finds.
func scriptTools(t testing.TB, c *caisson.Client, set *caisson.ToolSet) string {
	t.Helper()
	got, _, err := caisson.RunScriptAs[string](testContext(t), c, caisson.Script{Source: "Object.values(tools).flatMap(s => Object.keys(s)).join(' ')", Tools: set})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestToolSetFollows has a server whose tools change: a script that begins afterwards has the new ones, over a session
// and over a group, in both eras, without anybody's asking for it. A script that runs has those that it began with.
func TestToolSetFollows(t *testing.T) {
	t.Parallel()
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		for _, through := range []string{"session", "group"} {
			t.Run(revision+" "+through, func(t *testing.T) {
				t.Parallel()
				server := caissontest.NewServer(t, revision)
				addTool(server, "first")
				c := newClient(t, caisson.ClientOptions{})
				prefix := ""
				var caller caisson.Caller
				if through == "session" {
					caller = connect(t, c, server.Caisson())
				} else {
					g, err := c.ConnectGroup(testContext(t), caisson.ServerMap{"s": server.Caisson()}, nil)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = g.Close() })
					caller, prefix = g, "s__"
				}
				set := toolSet(t, map[string]caisson.Caller{"server": caller})
				if got := scriptTools(t, c, set); got != prefix+"first" {
					t.Fatalf("it has %s", got)
				}
				before := listings(server)
				for range 3 {
					_ = scriptTools(t, c, set)
				}
				if n := listings(server); n != before {
					t.Errorf("the tools are listed %d times without a change", n-before)
				}
				// The tool changes the tools while its script runs.
				server.AddTool(&mcp.Tool{Name: "grow", InputSchema: map[string]any{"type": "object"}}, func(*caissontest.Call) (any, error) {
					addTool(server, "second")
					server.Notify(toolsChanged, nil)
					return caissontest.Text("grown"), nil
				})
				server.Notify(toolsChanged, nil)
				if !eventually(func() bool { return strings.Contains(scriptTools(t, c, set), "grow") }) {
					t.Fatal("the change does not come")
				}
				got, _, err := caisson.RunScriptAs[[]any](testContext(t), c, caisson.Script{Source: fmt.Sprintf(
					`const s = tools.server; await s['%[1]sgrow'](); await sleep(300); [Object.keys(s).length, await s['%[1]ssecond']().catch(e => e.code)]`, prefix), Tools: set})
				if err != nil || len(got) != 2 || got[0] != 2.0 || got[1] != "not found" {
					t.Errorf("a script that runs has %v, %v", got, err)
				}
				if !eventually(func() bool { return strings.Contains(scriptTools(t, c, set), "second") }) {
					t.Error("the second change does not come")
				}
			})
		}
	}
}

// TestToolSetStorm has a server that tells of changes without end, and one that does not answer any more. The listings
// are few, scripts go on with what there was, and another server is followed as before.
func TestToolSetStorm(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	stormy, quiet := caissontest.NewServer(t, "2025-11-25"), caissontest.NewServer(t, "2025-11-25")
	addTool(stormy, "storm")
	addTool(quiet, "calm")
	set := toolSet(t, map[string]caisson.Caller{"stormy": connect(t, c, stormy.Caisson()), "quiet": connect(t, c, quiet.Caisson())})
	_ = scriptTools(t, c, set)
	var sent atomic.Int64
	ctx, cancel := context.WithCancel(testContext(t))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			stormy.Notify(toolsChanged, nil)
			sent.Add(1)
			time.Sleep(100 * time.Microsecond)
		}
	}()
	before, begun, runs := listings(stormy), time.Now(), 0
	for time.Since(begun) < 3*time.Second {
		_ = scriptTools(t, c, set)
		runs++
	}
	n, took := listings(stormy)-before, time.Since(begun)
	// Pauses that double from 100 ms: 5 fit into 3.1 s; a machine that stops between may have let one begin anew.
	t.Logf("%d listings in %v, with %d changes and %d runs", n, took, sent.Load(), runs)
	if most := 6 + int(took/(5*time.Second)); n > most || n == 0 {
		t.Errorf("%d listings in %v, with %d changes and %d runs", n, took, sent.Load(), runs)
	}
	addTool(quiet, "new")
	quiet.Notify(toolsChanged, nil)
	if !eventually(func() bool { return strings.Contains(scriptTools(t, c, set), "new") }) {
		t.Error("the other server is not followed")
	}
	cancel()
	<-ended
}

// TestToolSetServerFails has a server that fails to list its tools after a change: scripts go on with what there was.
func TestToolSetServerFails(t *testing.T) {
	t.Parallel()
	c := newClient(t, caisson.ClientOptions{})
	server := caissontest.NewServer(t, "2025-11-25")
	addTool(server, "first")
	set := toolSet(t, map[string]caisson.Caller{"server": connect(t, c, server.Caisson())})
	only := set.Only("server.first")
	if scriptTools(t, c, set)+scriptTools(t, c, only) != "firstfirst" {
		t.Fatal("the tools are not there")
	}
	before := listings(server)
	server.Answer("tools/list", `{"tools":5}`)
	server.Notify(toolsChanged, nil)
	if !eventually(func() bool { return scriptTools(t, c, set) == "first" && listings(server) > before }) {
		t.Error("it is not asked anew")
	}
	server.Answer("tools/list", `{"tools":[{"name":"other","inputSchema":{"type":"object"}},{"name":"first","inputSchema":{"type":"object"}}]}`)
	if !eventually(func() bool { return scriptTools(t, c, set) == "other first" }) {
		t.Error("it is not asked again after its failure")
	}
	if !eventually(func() bool { return scriptTools(t, c, only) == "first" }) {
		t.Error("what is left out is there")
	}
	// A tool that was allowed is gone: the others are there.
	server.Answer("tools/list", `{"tools":[]}`)
	server.Notify(toolsChanged, nil)
	if !eventually(func() bool { return scriptTools(t, c, only) == "" }) {
		t.Error("a tool that is gone is there")
	}
	if err := set.Refresh(testContext(t)); err != nil {
		t.Error(err)
	}
	if scriptTools(t, c, set) != "" {
		t.Error("Refresh does not list")
	}
}
