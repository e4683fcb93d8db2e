package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestServePolicyReload changes the policy and the lock file under a session. A policy with a typo is refused at the
// start, and later the old one holds.
func TestServePolicyReload(t *testing.T) {
	manyRuntimes(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	const policy = "version: 1\npins: {mode: enforce, maxAge: 0s}\nservers:\n  demo: {tools: [TOOL]}\n"
	typo := strings.Replace(policy, "tools:", "tolls:", 1)
	folder := inFolder(t, map[string]string{"p.yaml": typo})
	path := filepath.Join(folder, "p.yaml")
	config := filepath.Join(folder, "mcp.json")
	o := caissonRun(t, "serve", "--config", config, "--policy", path, "--http", "127.0.0.1:0")
	if o.code == exitOK || !strings.Contains(o.stderr, "p.yaml:4") || !strings.Contains(o.stderr, "tolls") || strings.Contains(o.stderr, "serving at") {
		t.Fatalf("a policy with a typo gets %+v", o)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Replace(policy, "TOOL", "add", 1))
	endpoint, stderr := servedHTTP(t, folder, "127.0.0.1:0", "--policy", "p.yaml")
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.StreamableClientTransport{Endpoint: endpoint}, &mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	want := func(tools string) {
		t.Helper()
		if got := strings.Join(servedTools(ctx, t, session), " "); got != tools {
			t.Errorf("the tools are %q, want %q", got, tools)
		}
	}
	want("") // Nothing is approved yet.
	caissonRun(t, "pins", "approve", "demo", "--yes", "--config", config, "--lock", filepath.Join(folder, "caisson.lock")).expect(t, exitOK)
	stderr.await(ctx, t, `(the policy was read again)`)
	want("demo__add")
	write(typo)
	stderr.await(ctx, t, `(the old one holds)`)
	want("demo__add")
	write(strings.Replace(policy, "TOOL", "echo, add", 1))
	stderr.await(ctx, t, `(?s)read again.*(read again)`)
	if got := strings.Join(servedTools(ctx, t, session), " "); !strings.Contains(got, "demo__echo") {
		t.Errorf("the tools are %q", got)
	}
}
